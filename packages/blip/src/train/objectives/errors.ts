// The errors of an objective's settings and batches. Codes: `objective/...`.
import { UsageError, type Warning } from "@blip-ts/base";

/**
 * A setting of an objective is not valid.
 * @remedy Give a value that the message allows.
 */
export const badSetting = (name: string, found: unknown, expected: string): UsageError =>
  new UsageError("objective/bad-setting", `${name}: expected ${expected}, got ${String(found)}.`, {
    name,
    found,
    expected,
  });

/**
 * Image-text matching got a batch of one pair, which has no negatives.
 * @remedy Raise the batch size.
 */
export const noNegatives = (size: number): UsageError =>
  new UsageError(
    "objective/no-negatives",
    `batch size: expected at least 2, because the negatives of matching come from the same batch, got ${size}. ` +
      "Raise the batch size.",
    { size },
  );

/**
 * A batch does not have the tensors or sizes that the objective reads.
 * @remedy Make the batch for this objective.
 */
export const badBatch = (what: string, found: unknown, expected: unknown): UsageError =>
  new UsageError("objective/bad-batch", `${what}: expected ${String(expected)}, got ${String(found)}.`, {
    what,
    found,
    expected,
  });

/**
 * A text holds no token after its prompt.
 * @remedy Remove the sample, or shorten the prompt.
 */
export const nothingToLearn = (what: string): UsageError =>
  new UsageError(
    "objective/nothing-to-learn",
    `${what}: expected at least one token after the prompt, got none. Remove the sample, or shorten the prompt.`,
    { what },
  );

/**
 * The saved state of an objective does not fit its settings.
 * @remedy Resume with the settings that the run began with.
 */
export const badState = (name: string, found: string, expected: string): UsageError =>
  new UsageError(
    "objective/bad-state",
    `saved state, ${name}: expected ${expected}, got ${found}. Resume with the settings that the run began with.`,
    { name, found, expected },
  );

/**
 * The queue of ITC holds fewer pairs than requested: the data has no more, or the batch size does not divide the
 * number.
 * @remedy None is needed. Set `queue` to a multiple of the batch size for an exact length.
 */
export const queueShrunk = (asked: number, length: number, why: string): Warning => ({
  code: "objective/queue-shrunk",
  message: `The queue holds ${length} pairs instead of ${asked}: ${why}.`,
});
