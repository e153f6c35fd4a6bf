// Sources of a model file's bytes: a local file, a Blob, a URL with range requests, memory. Readers request ranges, so
// a checkpoint of a gigabyte is never read whole.
import type { OwnBytes } from "./own-memory.ts";

/** A part of a source, in bytes. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** A random-access source of bytes of known size. */
export interface ByteSource {
  /** The path or URL that the user gave, for messages. */
  readonly name: string;
  /** Total size in bytes. */
  readonly size: number;
  /** The real path (links resolved) if the source is a file, so that an engine can map the file itself. */
  readonly path?: string;
  /**
   * Reads exactly `length` bytes from `offset`.
   * @throws {ModelError} `model/read-failed` if the range is not within the source or cannot be read
   */
  read(offset: number, length: number): Promise<OwnBytes>;
  /**
   * Checks that a file has not changed since it was opened. Other sources lack this method.
   * @param mapped true if a session has already mapped the file. A renamed or deleted file then still counts as
   * unchanged; only a file that was written to counts as changed.
   * @throws {ModelError} `model/changed`
   */
  expectUnchanged?(mapped?: boolean): void;
  /** Announces the ranges to be read soon, so that a remote source can fetch adjacent ranges together. */
  announce?(ranges: readonly ByteRange[]): void;
}
