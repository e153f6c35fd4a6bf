// Hyper-parameters by name. `blip`: those of BLIP's configs/*.yaml. `few`: this package's, for tens to hundreds of
// images.
import { optionNames } from "@blip-ts/base";
import type { TrainingTask } from "../data/batch.ts";
import type { Schedule } from "../optimizer/schedule.ts";
import { badTrainOption } from "./errors.ts";

/** The built-in recipes: BLIP's own, and one for few samples. */
export const recipeNames = ["blip", "few"] as const;

/** The name of a built-in recipe. */
export type RecipeName = (typeof recipeNames)[number];

/** All hyper-parameters of a run. */
export interface Recipe {
  /** Samples per batch. */
  readonly batchSize: number;
  /** Passes over all samples. */
  readonly epochs: number;
  /** The highest learning rate at `referenceBatch` samples per step; see `scaledRate`. */
  readonly lr: number;
  /** Samples per step, over all processors, that `lr` is meant for. */
  readonly referenceBatch: number;
  /** The learning rate at the end. */
  readonly minLr: number;
  /** `cosine`: half a cosine down to `minLr`; `step`: times `rate` per epoch; `constant`. */
  readonly schedule: "cosine" | "step" | "constant";
  /** Whether a cosine changes the rate per epoch, as BLIP's, or per step. */
  readonly per: "epoch" | "step";
  /** The factor of `step`. */
  readonly rate: number;
  /** Steps over which the learning rate rises from `warmUpFrom`. */
  readonly warmUp: number;
  /** The learning rate at the first step of the warm-up. */
  readonly warmUpFrom: number;
  /** Weight decay of all weights. */
  readonly decay: number;
  /** The upper bound of the norm of all gradients. `null`: no clipping. */
  readonly clip: number | null;
  /** The share of the text model's activations that dropout zeroes, 0 to 1. */
  readonly dropout: number;
  /** The share of the image encoder's layers that is skipped, 0 to 1 (stochastic depth). */
  readonly dropPath: number;
  /** Pairs in the queue of ITC (`match`, `pretrain`). */
  readonly queue: number;
  /** The share of soft targets at the end of their ramp (`match`, `pretrain`). */
  readonly alpha: number;
  /** The share of themselves that momentum encoders keep per step (`match`, `pretrain`). */
  readonly momentum: number;
}

export const recipeOptionNames = optionNames<Recipe>()({
  batchSize: true,
  epochs: true,
  lr: true,
  referenceBatch: true,
  minLr: true,
  schedule: true,
  per: true,
  rate: true,
  warmUp: true,
  warmUpFrom: true,
  decay: true,
  clip: true,
  dropout: true,
  dropPath: true,
  queue: true,
  alpha: true,
  momentum: true,
});

const fineTuning: Recipe = {
  ...{ batchSize: 32, epochs: 5, lr: 1e-5, referenceBatch: 256, minLr: 0 },
  ...{ schedule: "cosine", per: "epoch", rate: 0.9, warmUp: 0, warmUpFrom: 0 },
  ...{ decay: 0.05, clip: null, dropout: 0.1, dropPath: 0 },
  ...{ queue: 57_600, alpha: 0.4, momentum: 0.995 },
};

/**
 * configs/retrieval_coco.yaml, caption_coco.yaml, vqa.yaml, nlvr.yaml, pretrain.yaml; processor counts from README.md.
 */
const blip: Readonly<Record<TrainingTask, Recipe>> = {
  match: { ...fineTuning, epochs: 6 },
  caption: fineTuning,
  vqa: { ...fineTuning, batchSize: 16, epochs: 10, lr: 2e-5, dropPath: 0.1 },
  nlvr: { ...fineTuning, batchSize: 16, epochs: 15, lr: 3e-5, dropPath: 0.1 },
  pretrain: {
    ...fineTuning,
    ...{ batchSize: 75, epochs: 20, lr: 3e-4, referenceBatch: 600, minLr: 1e-6 },
    ...{ schedule: "step", warmUp: 3000, warmUpFrom: 1e-6 },
  },
};

/** For few samples: small batches, many epochs, clipped gradients, and a rate that falls with each step. */
const few = (task: TrainingTask): Recipe => ({
  ...blip[task],
  ...{ batchSize: 4, epochs: 20, lr: 2e-5, referenceBatch: 4, minLr: 0 },
  ...{ schedule: "cosine", per: "step", warmUp: 10, warmUpFrom: 0, clip: 1 },
});

/** @throws {UsageError} `usage/bad-option` */
export function recipeNamed(task: TrainingTask, name: string): Recipe {
  if (name === "blip") return blip[task];
  if (name === "few") return few(task);
  throw badTrainOption("recipe", `${recipeNames.join(", ")}, or a file whose name ends in .json`, name);
}

/**
 * The learning rate for a step with a number of samples other than the reference's. It scales with the square root of
 * that number, as suits Adam's steps. More samples than the reference's do not raise it.
 */
export const scaledRate = ({ lr, referenceBatch }: Recipe, samplesPerStep: number): number =>
  lr * Math.sqrt(Math.min(1, samplesPerStep / referenceBatch));

/**
 * The factor from the learning rate of full training to that of an adapter. B begins as 0, and low ranks learn slowly
 * (LoRA's authors use 2e-4 where fine-tuning uses 2e-5; arXiv 2106.09685, appendix D).
 */
export const loraRate = 10;

/** @param lr the highest learning rate */
export function scheduleOf(recipe: Recipe, lr: number): Schedule {
  const { warmUp: steps, warmUpFrom: from, minLr: min, epochs, per, rate } = recipe;
  const warmUp = steps > 0 ? { warmUp: { steps, from: Math.min(from, lr) } } : {};
  if (recipe.schedule === "constant") return { kind: "constant", lr, ...warmUp };
  if (recipe.schedule === "step") return { kind: "step", lr, min: Math.min(min, lr), rate, ...warmUp };
  return { kind: "cosine", lr, min: Math.min(min, lr), epochs, per, ...warmUp };
}
