// The system functions that an evaluation needs in addition to the platform: hashes, append-only files, files of
// fixed-size records. platform/node/evaluate implements them for Node.
import { type Closable, closedBy } from "@blip-ts/base";
import type { ImageSource } from "@blip-ts/datasets";
import type { RawImage } from "../image/raw-image.ts";

/** An image as the platform decodes it: a path or URL, the bytes of a file, or raw pixels. */
export type EvaluatedImage = string | Uint8Array | RawImage;

/** SHA-256 of bytes that arrive in chunks. */
export interface Hasher {
  update(bytes: Uint8Array | string): void;
  /** The hash in hexadecimal digits. */
  digest(): string;
}

/** An append-only file of lines. Appended lines survive if the process is killed. */
export interface RowFile extends Closable {
  /** The complete lines. An incomplete last line is left out, and `append` overwrites it. */
  lines(): AsyncIterable<string>;
  /** @param text complete lines, each with its line break */
  append(text: string): Promise<void>;
  /** Removes all lines. */
  clear(): Promise<void>;
  /** Removes all lines after the first `lines`. */
  keep(lines: number): Promise<void>;
}

/** A file of float32 records of equal size, accessed by number. */
export interface StatesFile extends Closable {
  /** The file's size in bytes. It may contain records of an earlier run. */
  size(): Promise<number>;
  write(record: number, data: Float32Array): Promise<void>;
  read(record: number, length: number): Promise<Float32Array>;
  /** Closes and deletes the file. */
  remove(): Promise<void>;
}

export interface EvaluationHost {
  hasher(): Hasher;
  imageOf(source: ImageSource): EvaluatedImage;
  /** @throws {UsageError} `evaluate/cannot-write` */
  openRows(path: string): Promise<RowFile>;
  /** @throws {UsageError} `evaluate/cannot-write` */
  openStates(path: string): Promise<StatesFile>;
  /** Replaces a file atomically. @throws {UsageError} `evaluate/cannot-write` */
  writeFile(path: string, chunks: AsyncIterable<string> | Iterable<string>): Promise<void>;
  /** The current time of a clock, in milliseconds. */
  now(): number;
}

/** Creates a file of lines in memory, for an evaluation without a report. */
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
    keep(lines) {
      text = text
        .split("\n")
        .slice(0, -1)
        .slice(0, lines)
        .map((line) => `${line}\n`)
        .join("");
      return Promise.resolve();
    },
    ...closedBy(() => Promise.resolve()),
  };
}
