// The file system operations of a platform for training states.
import type { ByteSource } from "@blip-ts/base";
import type { FolderWriter } from "../../files.ts";

/** File operations. Paths are those of the platform, with `/` between names. */
export interface TrainingFiles {
  /** Starts a new folder. It appears once it is complete. */
  createFolder(path: string): Promise<FolderWriter>;
  /** Replaces a small file atomically: if the process ends, the file has either its old or its new content. */
  replaceText(path: string, text: string): Promise<void>;
  /** Appends text to a file, and creates the file if it does not exist. */
  appendText(path: string, text: string): Promise<void>;
  /** The text of a file; undefined if it does not exist. */
  readText(path: string): Promise<string | undefined>;
  /**
   * The text of a regular file. Nothing is read if it has more than `most` bytes.
   * @returns the text, the size of a file that is too large, or what is there instead of a file
   */
  readSmall(path: string, most: number): Promise<string | number | { readonly got: string }>;
  openFile(path: string): Promise<ByteSource>;
  /** The names in a folder; empty if it does not exist. */
  list(path: string): Promise<readonly string[]>;
  /** Removes a folder with its content, if it exists. */
  remove(path: string): Promise<void>;
}
