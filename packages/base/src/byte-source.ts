// Where the bytes of a model file come from: a local file, a Blob, a URL with range requests, memory.
// Readers ask for ranges, so that a checkpoint of a gigabyte is never read whole.
import type { OwnBytes } from "./own-memory.ts";

/** A part of a source, in bytes. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** A random-access source of bytes of known size. */
export interface ByteSource {
  /** The path or URL as the user knows it, for messages. */
  readonly name: string;
  /** Total size in bytes. */
  readonly size: number;
  /** The real path (links resolved) where the source is a file, so that an engine can map it by itself. */
  readonly path?: string;
  /**
   * Reads exactly `length` bytes from `offset`.
   * @throws {ModelError} `model/read-failed` where the range is not within the source or cannot be read.
   */
  read(offset: number, length: number): Promise<OwnBytes>;
  /**
   * Looks whether a file is still what it was when it was opened; other sources have no such method.
   * @param mapped for a session that has mapped it already: a file that was renamed or deleted since is still its own, and
   * only one that was written into is another
   * @throws {ModelError} `model/changed`
   */
  expectUnchanged?(mapped?: boolean): void;
  /** Says what will be read soon, so that a distant source can fetch together what lies side by side. */
  announce?(ranges: readonly ByteRange[]): void;
}
