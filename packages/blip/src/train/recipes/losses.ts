// The losses of each task by the names that recipes have for them.
import type { TrainingTask } from "../data/batch.ts";
import { badTrainOption } from "./errors.ts";

export const lossNames = ["itc", "itm", "lm", "nlvr", "patchNames"] as const;

/** A loss that a task can be trained with. */
export type LossName = (typeof lossNames)[number];

/** How much of the whole each loss is, a number above 0. */
export type LossWeights = Readonly<Partial<Record<LossName, number | undefined>>>;

const lossesOf: Readonly<Record<TrainingTask, readonly LossName[]>> = {
  match: ["itc", "itm"],
  caption: ["lm"],
  vqa: ["lm"],
  nlvr: ["nlvr"],
  pretrain: ["itc", "itm", "lm", "patchNames"],
};

/**
 * The weights that a task's losses have.
 * @returns null if they are BLIP's
 * @throws {UsageError} `usage/bad-option` if the task has no such loss, or a weight is not above 0
 */
export function checkLosses(task: TrainingTask, losses: LossWeights | undefined): LossWeights | null {
  if (losses === undefined) return null;
  for (const [name, weight] of Object.entries(losses)) {
    const known = lossesOf[task];
    if (!known.some((loss) => loss === name))
      throw badTrainOption("losses", `losses of ${task} (${known.join(", ")})`, name);
    if (weight !== undefined && !(Number.isFinite(weight) && weight > 0))
      throw badTrainOption(`losses.${name}`, "a number above 0", weight);
  }
  return losses;
}
