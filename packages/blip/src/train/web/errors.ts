// What can be wrong with files that a page trains on. Codes are `train-data/...`.
import { InputError } from "@blip-ts/base";

/**
 * A row names a file that is not among those given to the page.
 * @remedy Give the folder that has it.
 */
export const noSuchFile = (name: string): InputError =>
  new InputError(
    "train-data/no-file",
    `${name}: expected a file among those that were given, got none of this path. Give the folder that has it.`,
    { name },
  );

/**
 * The browser cannot read a file that was given.
 * @remedy Choose it again.
 */
export const unreadableFile = (name: string, cause: unknown): InputError =>
  new InputError(
    "train-data/unreadable",
    `${name}: expected a file that can be read, got an error (${cause instanceof Error ? cause.message : String(cause)}). Choose it again.`,
    { name },
    { cause },
  );
