// Data as the readers see it: a file that is read in ranges or as a stream, or a folder of such files. Node makes them
// from paths (`node/open-path.ts`); a page can make them from File objects.

/** Bytes as they arrive. The reader owns each chunk. */
export type Bytes = AsyncIterable<Uint8Array>;

export interface DataFile {
  /** The name that the user knows, for messages. */
  readonly name: string;
  /**
   * The path relative to the listed folder, with "/" between names; the file's own name if the file was given directly.
   */
  readonly path: string;
  /** The size in bytes. */
  readonly size: number;
  /** The base folder of relative paths in the file. */
  readonly root: string;
  /** Reads exactly `length` bytes. @throws {InputError} `dataset/unreadable`, `dataset/truncated` */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** All bytes, from the start at each call. */
  stream(): Bytes;
}

export interface DataFolder {
  readonly name: string;
  readonly root: string;
  /** All regular files in it, at any depth, sorted by path. */
  readonly files: readonly DataFile[];
}

/** Further functions that a reader needs. */
export interface DataContext {
  /** The names of the files directly in a folder below `root`, unsorted; undefined if the folder does not exist. */
  listFolder?(root: string, path: string): Promise<readonly string[] | undefined>;
}
