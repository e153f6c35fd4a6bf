// What an evaluation needs of its machine besides the platform: hashes, files that grow, files of fixed size. Node's is in
// platform/node/evaluate.
import { type Closable, closedBy } from "@blip-ts/base";
import type { ImageSource } from "@blip-ts/datasets";
import type { RawImage } from "../image/raw-image.ts";

/** An image as the platform decodes it: a path or URL, the bytes of a file, or raw pixels. */
export type EvaluatedImage = string | Uint8Array | RawImage;

/** SHA-256 of bytes that come chunk by chunk. */
export interface Hasher {
  update(bytes: Uint8Array | string): void;
  /** In hexadecimal digits. */
  digest(): string;
}

/** A file of lines that only grows. What was appended stays if the process is killed. */
export interface RowFile extends Closable {
  /** The lines that are whole; of a last line without an end nothing is given, and `append` overwrites it. */
  lines(): AsyncIterable<string>;
  /** @param text whole lines, each with its end */
  append(text: string): Promise<void>;
  /** Forgets all lines. */
  clear(): Promise<void>;
}

/** A file of equal records of float32, by their number. */
export interface StatesFile extends Closable {
  /** Bytes that it holds: an earlier run may have left some. */
  size(): Promise<number>;
  write(record: number, data: Float32Array): Promise<void>;
  read(record: number, length: number): Promise<Float32Array>;
  /** Closes it and deletes what it holds. */
  remove(): Promise<void>;
}

export interface EvaluationHost {
  hasher(): Hasher;
  imageOf(source: ImageSource): EvaluatedImage;
  /** @throws {UsageError} `evaluate/cannot-write` */
  openRows(path: string): Promise<RowFile>;
  /** @throws {UsageError} `evaluate/cannot-write` */
  openStates(path: string): Promise<StatesFile>;
  /** Writes a file whole, or leaves the one that was there. @throws {UsageError} `evaluate/cannot-write` */
  writeFile(path: string, chunks: AsyncIterable<string> | Iterable<string>): Promise<void>;
  /** Milliseconds of a clock. */
  now(): number;
}

/** Lines in memory, for an evaluation that writes no report. */
export function rowsInMemory(): RowFile {
  let text = "";
  return {
    async *lines() {
      await Promise.resolve();
      yield* text.split("\n").slice(0, -1);
    },
    append(more) {
      text += more;
      return Promise.resolve();
    },
    clear() {
      text = "";
      return Promise.resolve();
    },
    ...closedBy(() => Promise.resolve()),
  };
}
