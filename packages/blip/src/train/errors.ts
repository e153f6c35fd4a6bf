// What can go wrong in training: one factory per failure.
import { ModelError, UsageError } from "@blip-ts/base";

/** @param found what was found to be no finite number: the loss, or the norm of the gradients */
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

export const missingWeight = (name: string): ModelError =>
  new ModelError(
    "train/weight",
    `${name}: expected a weight for the graph, got none. Give a checkpoint of this model, or initialise it.`,
    { name },
  );

export const wrongWeight = (name: string, expected: readonly number[], got: readonly number[]): ModelError =>
  new ModelError(
    "train/weight",
    `${name}: expected [${expected.join(", ")}], got [${got.join(", ")}]. Give a checkpoint of this model.`,
    { name, expected, got },
  );

export const nothingTrained = (objective: string): UsageError =>
  new UsageError(
    "train/frozen",
    `${objective}: expected a weight that is trained, got none that is not frozen. Freeze less.`,
    { objective },
  );

export const noLoss = (objective: string, name: string, got: string): UsageError =>
  new UsageError(
    "train/loss",
    `${objective}: expected an output ${name} of shape [], got ${got}. Reduce the loss to one number.`,
    { objective, name, got },
  );

export const noParts = (got: number): UsageError =>
  new UsageError(
    "train/parts",
    `step: expected 1 batch, got ${got}. Create the trainer with accumulate to add up gradients of several.`,
    { got },
  );

export const otherState = (folder: string, what: string, expected: string, got: string): ModelError =>
  new ModelError(
    "train/state",
    `${folder}, ${what}: expected ${expected}, got ${got}. Resume with the settings that it was saved with.`,
    { folder, what, expected, got },
  );

export const noState = (folder: string, which: string): UsageError =>
  new UsageError(
    "train/no-state",
    `${folder}: expected a saved training state (${which}), got none. Name the folder that was saved to, or start anew.`,
    { folder, which },
  );

export const trainerClosed = (): UsageError =>
  new UsageError(
    "usage/disposed",
    "trainer: expected one that is open, got one that was closed. Create it again, or close it later.",
  );
