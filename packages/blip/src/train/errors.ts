// The errors of training: one factory per error.
import { ModelError, UsageError } from "@blip-ts/base";

/**
 * The loss or the norm of the gradients is not finite; the weights are those before this step.
 * @remedy Lower the learning rate, clip gradients, or look at the batch.
 * @param found the step, and its loss and gradient norm, of which one is not finite
 */
export const notFiniteStep = (found: {
  readonly step: number;
  readonly part: number;
  readonly loss: number;
  readonly norm: number | undefined;
}): ModelError => {
  const norm = found.norm === undefined ? "" : `, norm of the gradients ${found.norm}`;
  return new ModelError(
    "train/not-finite",
    `step ${found.step}, batch ${found.part}: expected a finite loss and norm, got loss ${found.loss}${norm}. ` +
      "The weights are those before this step. Lower the learning rate, clip gradients, or look at the batch.",
    found,
  );
};

/**
 * The checkpoint lacks a weight of the graph.
 * @remedy Give a checkpoint of this model, or initialise the weight.
 */
export const missingWeight = (name: string): ModelError =>
  new ModelError(
    "train/weight",
    `${name}: expected a weight for the graph, got none. Give a checkpoint of this model, or initialise it.`,
    { name },
  );

/**
 * A weight of the checkpoint has a different shape from the graph's.
 * @remedy Give a checkpoint of this model.
 */
export const wrongWeight = (name: string, expected: readonly number[], got: readonly number[]): ModelError =>
  new ModelError(
    "train/weight",
    `${name}: expected [${expected.join(", ")}], got [${got.join(", ")}]. Give a checkpoint of this model.`,
    { name, expected, got },
  );

/**
 * All weights are frozen.
 * @remedy Freeze less.
 */
export const nothingTrained = (objective: string): UsageError =>
  new UsageError(
    "train/frozen",
    `${objective}: expected a weight that is trained, got none that is not frozen. Freeze less.`,
    { objective },
  );

/**
 * The objective's graph has no loss of shape [].
 * @remedy Reduce the loss to one number.
 */
export const noLoss = (objective: string, name: string, got: string): UsageError =>
  new UsageError(
    "train/loss",
    `${objective}: expected an output ${name} of shape [], got ${got}. Reduce the loss to one number.`,
    { objective, name, got },
  );

/**
 * A step got a number of batches that it does not take.
 * @remedy Create the trainer with `accumulate` to add up the gradients of several batches.
 */
export const noParts = (got: number): UsageError =>
  new UsageError(
    "train/parts",
    `step: expected 1 batch, got ${got}. Create the trainer with accumulate to add up gradients of several.`,
    { got },
  );

/**
 * The saved training state belongs to a run with other settings.
 * @remedy Resume with the settings that it was saved with.
 */
export const otherState = (folder: string, what: string, expected: string, got: string): ModelError =>
  new ModelError(
    "train/state",
    `${folder}, ${what}: expected ${expected}, got ${got}. Resume with the settings that it was saved with.`,
    { folder, what, expected, got },
  );

/**
 * The folder holds no saved training state.
 * @remedy Name the folder that was saved to, or start again.
 */
export const noState = (folder: string, which: string): UsageError =>
  new UsageError(
    "train/no-state",
    `${folder}: expected a saved training state (${which}), got none. Name the folder that was saved to, or start again.`,
    { folder, which },
  );

/**
 * A trainer was used after it was closed.
 * @remedy Create it again, or close it later.
 */
export const trainerClosed = (): UsageError =>
  new UsageError(
    "usage/disposed",
    "trainer: expected one that is open, got one that was closed. Create it again, or close it later.",
  );
