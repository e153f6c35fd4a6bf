// Presets of hyper-parameters. `blip`: the values of BLIP's configs/*.yaml. `few`: this package's own values, for tens
// to hundreds of images.
import { optionNames } from "@blip-ts/base";
import type { TrainingTask } from "../data/batch.ts";
import type { Schedule } from "../optimizer/schedule.ts";
import { badTrainOption } from "./errors.ts";

/** The built-in recipes: BLIP's own, and a recipe for few samples. */
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
  /** The samples per step, over all processors, for which `lr` was chosen. */
  readonly referenceBatch: number;
  /** The learning rate at the end. */
  readonly minLr: number;
  /** `cosine`: half a cosine down to `minLr`; `step`: multiplied by `rate` per epoch; `constant`. */
  readonly schedule: "cosine" | "step" | "constant";
  /** Whether a cosine schedule changes the rate per epoch, as in BLIP, or per step. */
  readonly per: "epoch" | "step";
  /** The factor per epoch of the `step` schedule. */
  readonly rate: number;
  /** The number of steps over which the learning rate rises from `warmUpFrom`. */
  readonly warmUp: number;
  /** The learning rate at the first step of the warm-up. */
  readonly warmUpFrom: number;
  /** The weight decay of all weights. */
  readonly decay: number;
  /** The maximum global norm of the gradients. `null`: no clipping. */
  readonly clip: number | null;
  /** The dropout rate of the text model, 0 to 1. */
  readonly dropout: number;
  /** The share of the image encoder's layers to skip, 0 to 1 (stochastic depth). Runs of ViT-L replace 0 by 0.1. */
  readonly dropPath: number;
  /** The number of pairs in the queue of ITC (`match`, `pretrain`). */
  readonly queue: number;
  /** The share of soft targets after the ramp (`match`, `pretrain`). */
  readonly alpha: number;
  /** The share of their values that momentum encoders keep per step (`match`, `pretrain`). */
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
 * From configs/retrieval_coco.yaml, caption_coco.yaml, vqa.yaml, nlvr.yaml and pretrain.yaml; processor counts from
 * README.md.
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

/** The preset for few samples: small batches, many epochs, clipped gradients, and a rate that falls per step. */
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
 * Scales a learning rate to a number of samples per step other than the reference's: by the square root of their ratio,
 * as suits Adam. The rate does not rise for more samples than the reference's.
 */
export const scaledRate = ({ lr, referenceBatch }: Recipe, samplesPerStep: number): number =>
  lr * Math.sqrt(Math.min(1, samplesPerStep / referenceBatch));

/**
 * The learning rate of an adapter, as a factor of the rate of full training. B begins as 0, and low ranks learn slowly
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
