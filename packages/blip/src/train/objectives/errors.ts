// What can be wrong with what an objective is given. Codes are `objective/...`.
import { UsageError } from "@blip-ts/base";

export const badSetting = (name: string, found: unknown, expected: string): UsageError =>
  new UsageError("objective/bad-setting", `${name}: expected ${expected}, got ${String(found)}.`, {
    name,
    found,
    expected,
  });

export const noNegatives = (size: number): UsageError =>
  new UsageError(
    "objective/no-negatives",
    `batch size: expected at least 2 for matching, whose negatives come from the same batch, got ${size}. ` +
      "Raise the batch size.",
    { size },
  );

export const badBatch = (what: string, found: unknown, expected: unknown): UsageError =>
  new UsageError("objective/bad-batch", `${what}: expected ${String(expected)}, got ${String(found)}.`, {
    what,
    found,
    expected,
  });

export const nothingToLearn = (what: string): UsageError =>
  new UsageError(
    "objective/nothing-to-learn",
    `${what}: expected at least one token after the prompt, got none. Remove the sample, or shorten the prompt.`,
    { what },
  );

export const badState = (name: string, found: string, expected: string): UsageError =>
  new UsageError(
    "objective/bad-state",
    `saved state, ${name}: expected ${expected}, got ${found}. Resume with the settings that the run began with.`,
    { name, found, expected },
  );
