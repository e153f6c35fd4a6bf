// Output in several files of bounded length, each of which is written from its beginning to its end.
import type { FileSink } from "../host.ts";
import { partName, rowsOfPart, type Target } from "./pair-writer.ts";

/** Bytes after which another file begins. */
const mostBytes = 2 ** 30;

/** Files `00000.SUFFIX`, `00001.SUFFIX`, ... */
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

  /** Is the open file as long as it may be? */
  get isFull(): boolean {
    return this.#rows >= rowsOfPart || this.#bytes >= mostBytes;
  }

  /** @param rows how many rows the content holds @throws {UsageError} `capfilt/cannot-write` */
  async write(content: Uint8Array, rows: number): Promise<void> {
    const { host, folder } = this.#target;
    this.#file ??= await host.create(`${folder}/${partName(this.#index)}.${this.#suffix}`);
    await this.#file.write(content);
    this.#rows += rows;
    this.#bytes += content.length;
  }

  /** Ends the open file; the next write begins another one. */
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
