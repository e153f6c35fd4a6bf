// Where data lies, as the readers see it: a file that is read in ranges or as a stream, a folder of such files.
// Node makes them of paths (`node/open-path.ts`), a page can make them of File objects.

/** Bytes as they come. A chunk belongs to the reader. */
export type Bytes = AsyncIterable<Uint8Array>;

export interface DataFile {
  /** As the user knows it, for messages. */
  readonly name: string;
  /** Below the folder that was listed, with "/" between names; the file's own name if it was given alone. */
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** The folder that relative paths in the file start at. */
  readonly root: string;
  /** Reads exactly `length` bytes. @throws {InputError} `dataset/unreadable`, `dataset/truncated` */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** From the beginning, anew at each call. */
  stream(): Bytes;
}

export interface DataFolder {
  readonly name: string;
  readonly root: string;
  /** All regular files below it, sorted by path. */
  readonly files: readonly DataFile[];
}

/** What a reader needs beside its file. */
export interface DataContext {
  /** Names of the files directly in a folder below `root`, unsorted; undefined if there is no such folder. */
  listFolder?(root: string, path: string): Promise<readonly string[] | undefined>;
}
