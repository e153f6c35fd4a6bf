// Hyper-parameters by name. `blip`: those of BLIP's configs/*.yaml. `few`: our own, for tens to hundreds of images.
import type { TrainingTask } from "../data/batch.ts";
import type { Schedule } from "../optimizer/schedule.ts";
import { badTrainOption } from "./errors.ts";

/** The recipes that are built in: BLIP's own, and one for few samples. */
export const recipeNames = ["blip", "few"] as const;

/** The name of a recipe that is built in. */
export type RecipeName = (typeof recipeNames)[number];

/** All numbers that a run follows. */
export interface Recipe {
  /** Samples of a batch. */
  readonly batchSize: number;
  /** Times that all samples are seen. */
  readonly epochs: number;
  /** The highest learning rate at `referenceBatch` samples per step; see `scaledRate`. */
  readonly lr: number;
  /** Samples per step, all processors together, that `lr` is for. */
  readonly referenceBatch: number;
  /** What the learning rate falls to. */
  readonly minLr: number;
  /** `cosine`: half a cosine to `minLr`; `step`: times `rate` per epoch; `constant`. */
  readonly schedule: "cosine" | "step" | "constant";
  /** Whether a cosine changes the rate with each epoch, as BLIP's, or with each step. */
  readonly per: "epoch" | "step";
  /** Of `step`. */
  readonly rate: number;
  /** Steps over which the learning rate rises from `warmUpFrom`. */
  readonly warmUp: number;
  /** The learning rate at the first step of the warm-up. */
  readonly warmUpFrom: number;
  /** Weight decay, of all weights. */
  readonly decay: number;
  /** The most that the norm of all gradients may be; `null`: they are not clipped. */
  readonly clip: number | null;
  /** Share of the text model's activations that is left out, 0 to 1. */
  readonly dropout: number;
  /** Share of the image encoder's layers that is left out, 0 to 1 (stochastic depth). */
  readonly dropPath: number;
  /** Pairs in the queue of contrast (`match`, `pretrain`). */
  readonly queue: number;
  /** Share of soft targets at the end of their ramp (`match`, `pretrain`). */
  readonly alpha: number;
  /** What momentum encoders keep of themselves per step (`match`, `pretrain`). */
  readonly momentum: number;
}

const fineTuning: Recipe = {
  ...{ batchSize: 32, epochs: 5, lr: 1e-5, referenceBatch: 256, minLr: 0 },
  ...{ schedule: "cosine", per: "epoch", rate: 0.9, warmUp: 0, warmUpFrom: 0 },
  ...{ decay: 0.05, clip: null, dropout: 0.1, dropPath: 0 },
  ...{ queue: 57_600, alpha: 0.4, momentum: 0.995 },
};

/** configs/retrieval_coco.yaml, caption_coco.yaml, vqa.yaml, nlvr.yaml, pretrain.yaml; processors as README.md has them. */
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

/** For few samples: small batches, many epochs, a rate that is clipped and falls with each step. */
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
 * The learning rate for a step of other than the reference's samples: it follows the square root of their number, as
 * Adam's steps want it. More samples than the reference's do not raise it.
 */
export const scaledRate = ({ lr, referenceBatch }: Recipe, samplesPerStep: number): number =>
  lr * Math.sqrt(Math.min(1, samplesPerStep / referenceBatch));

/**
 * How many times the learning rate of all weights an adapter learns with: B begins as 0, and low ranks learn slowly
 * (LoRA's authors take 2e-4 where fine-tuning takes 2e-5; arXiv 2106.09685, appendix D).
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
