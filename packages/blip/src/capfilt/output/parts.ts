// Splits output into files of limited size, each written sequentially.
import type { FileSink } from "../host.ts";
import { partName, rowsOfPart, type Target } from "./pair-writer.ts";

/** The number of bytes after which a new file begins. */
const mostBytes = 2 ** 30;

/** Writes the files `00000.SUFFIX`, `00001.SUFFIX`, ... */
export class Parts {
  readonly #target: Target;
  readonly #suffix: string;
  #index = 0;
  #rows = 0;
  #bytes = 0;
  #file: FileSink | undefined;

  constructor(target: Target, suffix: string) {
    this.#target = target;
    this.#suffix = suffix;
  }

  get isOpen(): boolean {
    return this.#file !== undefined;
  }

  /** Whether the open file has reached its limit. */
  get isFull(): boolean {
    return this.#rows >= rowsOfPart || this.#bytes >= mostBytes;
  }

  /** @param rows the number of rows in the content @throws {UsageError} `capfilt/cannot-write` */
  async write(content: Uint8Array, rows: number): Promise<void> {
    const { host, folder } = this.#target;
    this.#file ??= await host.create(`${folder}/${partName(this.#index)}.${this.#suffix}`);
    await this.#file.write(content);
    this.#rows += rows;
    this.#bytes += content.length;
  }

  /** Closes the open file. The next write begins a new file. */
  async next(): Promise<void> {
    await this.close();
    this.#index++;
    [this.#rows, this.#bytes] = [0, 0];
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }
}
