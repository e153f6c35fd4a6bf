// The losses of each task, by their names in recipes.
import type { TrainingTask } from "../data/batch.ts";
import { badTrainOption } from "./errors.ts";

export const lossNames = ["itc", "itm", "lm", "nlvr", "patchNames"] as const;

/** A loss that a task can train with. */
export type LossName = (typeof lossNames)[number];

/** The weight of each loss in the sum, at least 0. A loss with weight 0 is not computed. */
export type LossWeights = Readonly<Partial<Record<LossName, number | undefined>>>;

export const lossesOf: Readonly<Record<TrainingTask, readonly LossName[]>> = {
  match: ["itc", "itm"],
  caption: ["lm"],
  vqa: ["lm"],
  nlvr: ["nlvr"],
  pretrain: ["itc", "itm", "lm", "patchNames"],
};

/**
 * Checks the weights of a task's losses.
 * @returns the weights; null for BLIP's defaults
 * @throws {UsageError} `usage/bad-option` if the task has no such loss, a weight is below 0, or no weight is above 0
 */
export function checkLosses(task: TrainingTask, losses: LossWeights | undefined): LossWeights | null {
  if (losses === undefined) return null;
  for (const [name, weight] of Object.entries(losses)) {
    const known = lossesOf[task];
    if (!known.some((loss) => loss === name))
      throw badTrainOption("losses", `losses of ${task} (${known.join(", ")})`, name);
    if (weight !== undefined && !(Number.isFinite(weight) && weight >= 0))
      throw badTrainOption(`losses.${name}`, "a number from 0", weight);
  }
  const own = lossesOf[task].filter((name) => name !== "patchNames");
  const all = [...own.map((name) => losses[name] ?? 1), losses.patchNames ?? 0];
  if (all.every((weight) => weight === 0))
    throw badTrainOption("losses", "a loss whose weight is above 0", "none");
  return losses;
}
