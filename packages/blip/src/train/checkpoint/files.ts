// Where the state of a training is kept, as a platform does it.
import type { ByteSource } from "@blip-ts/base";
import type { FolderWriter } from "../../files.ts";

/** Paths are those of the platform, with `/` between names. */
export interface TrainingFiles {
  /** Begins a folder that does not exist yet; it is there when it is whole. */
  createFolder(path: string): Promise<FolderWriter>;
  /** Writes a small file so that it has either its old content or its new one, whenever the process ends. */
  replaceText(path: string, text: string): Promise<void>;
  /** Adds a text to the end of a file, which is made if it is not there. */
  appendText(path: string, text: string): Promise<void>;
  /** The text of a file; undefined if there is none. */
  readText(path: string): Promise<string | undefined>;
  openFile(path: string): Promise<ByteSource>;
  /** The names in a folder; none if there is no folder. */
  list(path: string): Promise<readonly string[]>;
  /** Removes a folder with everything in it, if it is there. */
  remove(path: string): Promise<void>;
}
