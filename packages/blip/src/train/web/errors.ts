// The errors of the files that a page trains on. Codes: `train-data/...`.
import { InputError } from "@blip-ts/base";

/**
 * A row names a file that the page was not given.
 * @remedy Give the folder that contains it.
 */
export const noSuchFile = (name: string): InputError =>
  new InputError(
    "train-data/no-file",
    `${name}: expected a file that the page was given, got none of this path. Give the folder that contains it.`,
    { name },
  );

/**
 * The browser cannot read a given file.
 * @remedy Choose it again.
 */
export const unreadableFile = (name: string, cause: unknown): InputError =>
  new InputError(
    "train-data/unreadable",
    `${name}: expected a file that can be read, got an error (${cause instanceof Error ? cause.message : String(cause)}). Choose it again.`,
    { name },
    { cause },
  );
