// The errors between the engine and Node's files: one factory per error.
import { UsageError } from "@blip-ts/base";

/**
 * The trace of a profile cannot be written.
 * @remedy Give a file in an existing folder with write permission.
 */
export const cannotWriteTrace = (file: string, cause: unknown): UsageError =>
  new UsageError(
    "usage/profile",
    `profile: expected a file that can be written, got ${file} (${cause instanceof Error ? cause.message : String(cause)}). ` +
      "Give a file in a folder that exists.",
    { file },
    { cause },
  );
