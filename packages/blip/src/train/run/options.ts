// The options and the reports of a run.
import { optionNames, type Warning } from "@blip-ts/base";
import type { AugmentOptions } from "../data/options.ts";
import type { SkippedSample } from "../data/batch.ts";
import type { MemoryEstimate } from "../step/estimate.ts";
import type { LoraOptions } from "../lora/index.ts";
import type { Freeze } from "../optimizer/groups.ts";
import { recipeOptionNames, type CustomRecipe, type RecipeOverrides } from "../recipes/index.ts";
import { validationOptionNames, type ValidationOptions } from "./validation-options.ts";
import type { Metrics, ValidationProgress } from "./validation.ts";

/** The plan of a run, reported before the first step. */
export interface RunPlan {
  /** The number of samples of the data; undefined if they are not counted. */
  readonly samples: number | undefined;
  /** The total number of steps over all phases. Other numbers except `seconds` are the maximum over the phases. */
  readonly steps: number;
  /** The number of phases in the recipe. */
  readonly phases: number;
  /** Samples per step. */
  readonly samplesPerStep: number;
  /** The highest learning rate. */
  readonly lr: number;
  /** The number of trained parameters, without momentum encoders. */
  readonly trained: number;
  /**
   * The weights that the model lacks: `NAME` begins at random, `NAME (as OTHER)` as a copy of a similar part, and the
   * temperature as `temp (0.07)`.
   */
  readonly begun: readonly string[];
  /** The estimated memory of the run, in bytes. */
  readonly memory: MemoryEstimate;
  /** The estimated seconds of all remaining steps, with loading images and saving states, without validation. */
  readonly seconds: number;
  /**
   * Whether `seconds` comes from a timed batch. If too little memory is free to time a batch, `seconds` is a rough
   * estimate from a step's matrix products and this machine's rate.
   */
  readonly measured: boolean;
}

/** The report of one step, as in `metrics.jsonl`. */
export interface StepReport {
  /** The number of the step, from 0. */
  readonly step: number;
  /** The number of steps of the whole run. */
  readonly steps: number;
  /** The phase, from 1; only for a recipe with phases. Step and epoch numbers continue across phases. */
  readonly phase?: number;
  /** The epoch of the step. */
  readonly epoch: number;
  /** The loss of the step. */
  readonly loss: number;
  /** The parts of the loss, by name. */
  readonly losses: Readonly<Record<string, number>>;
  /** The norm of the gradients. */
  readonly norm: number;
  /** The learning rate. */
  readonly lr: number;
  /** Images per second since this run started or resumed. */
  readonly imagesPerSecond: number;
  /** Estimated seconds until the end. */
  readonly secondsLeft: number;
  /** The share of the time that the trainer spent waiting for data, 0 to 1. */
  readonly waitShare: number;
}

/** The report at the end of an epoch. */
export interface EpochReport {
  /** The number of the epoch. */
  readonly epoch: number;
  /** The phase; only for a recipe with phases. */
  readonly phase?: number;
  /** The mean loss of the epoch's steps. */
  readonly loss: number;
  /** The loss on the validation data, without dropout; null without a validation at the epoch's end. */
  readonly validationLoss: number | null;
  /** The task's metrics on the first rows of the validation data; null whenever `validationLoss` is. */
  readonly metrics: Metrics | null;
  /** Whether these weights are the best so far. */
  readonly best: boolean;
}

/** The report of a validation between steps (`validationSteps`). */
export interface ValidationReport {
  /** The number of completed steps. */
  readonly steps: number;
  /** The phase; only for a recipe with phases. */
  readonly phase?: number;
  /** The loss on the validation data. */
  readonly validationLoss: number;
  /** The task's metrics on the validation data. */
  readonly metrics: Metrics;
  /** Whether these weights are the best so far. */
  readonly best: boolean;
}

/** Options of training. */
export interface TrainOptions extends RecipeOverrides, ValidationOptions {
  /** A folder, a file, a suite, `picture-book`, or a Hub id. */
  readonly model: string;
  /** The folder of the run: empty or missing, unless `resume` is set. */
  readonly out: string;
  /**
   * `blip` (default): BLIP's own values; `few`: for tens to hundreds of images; the path of a JSON file (its name ends
   * in `.json`) with a custom recipe; or the recipe itself. Other options override the recipe's values, also in its
   * phases.
   */
  readonly recipe?: string | CustomRecipe | undefined;
  /** The number of batches whose gradients are added up per step. Default: 1. */
  readonly accumulate?: number | undefined;
  /**
   * Uses only the sizes and the vocabulary of the model; all weights are initialised as in the reference's classes.
   * Default: false.
   */
  readonly init?: boolean | undefined;
  /** S, in pixels, a multiple of the patch size. Position embeddings are interpolated once. Default: the model's. */
  readonly imageSize?: number | undefined;
  /**
   * Weights that are not trained: `imageEncoder`, `allButCrossAttention`, or a list of these and of weight name
   * prefixes. Default: none.
   */
  readonly freeze?: Freeze | undefined;
  /**
   * Trains low-rank updates of the model's matrices, which stay frozen. The result is an adapter of a few megabytes, in
   * PEFT's format. Not for `pretrain`. Without `lr`, the learning rate is ten times the recipe's. Default: off.
   */
  readonly lora?: LoraOptions | undefined;
  /** Recomputes layers in the backward pass: slower, but needs less memory. Default: false. */
  readonly recompute?: boolean | undefined;
  /** The seed of order, augmentation, dropout, negatives and random initial weights. Default: 42. */
  readonly seed?: number | undefined;
  /** Threads of ONNX Runtime. Default: one per core. */
  readonly threads?: number | undefined;
  /** Image augmentation. Default: BLIP's. `false`: uses the whole image. */
  readonly augment?: AugmentOptions | false | undefined;
  /** The prompt that captions begin with. Default: "a picture of ". */
  readonly prompt?: string | undefined;
  /** The share of multi-sentence captions that lose some sentences, drawn again in each epoch. Default: 0. */
  readonly shorten?: number | undefined;
  /**
   * `match`, `pretrain`: whether an image's negative text in ITM is one of its row's `false_captions`, drawn in each
   * epoch, instead of another image's caption. Rows without false captions use BLIP's negatives. Default: false.
   */
  readonly falseCaptions?: boolean | undefined;
  /**
   * The number of batches after which an epoch ends. The next epoch goes on with the data where this one ended; if the
   * data ends within an epoch, the epoch goes on with the next pass, in a new order. Default: one pass over the data.
   * Required for streams (shards, tables with images), whose samples are not counted.
   */
  readonly batchesPerEpoch?: number | undefined;
  /** The number of steps between saved states. A state is also saved at each epoch's end. Default: 500. */
  readonly saveSteps?: number | undefined;
  /** Continues the run in `out`, with the same settings and data. Default: false. */
  readonly resume?: boolean | undefined;
  /** Stops the run after the current step, once the state is saved. */
  readonly signal?: AbortSignal | undefined;
  /** Called once before the first step. */
  readonly onPlan?: ((plan: RunPlan) => void) | undefined;
  /** Called after each step. */
  readonly onStep?: ((report: StepReport) => void) | undefined;
  /** Called after each epoch. */
  readonly onEpoch?: ((report: EpochReport) => void) | undefined;
  /** Called during a validation, with its progress. */
  readonly onValidating?: ((progress: ValidationProgress) => void) | undefined;
  /** Called after each validation. */
  readonly onValidation?: ((report: ValidationReport) => void) | undefined;
  /** Called for each sample that is left out. */
  readonly onSkip?: ((skipped: SkippedSample) => void) | undefined;
  /** Called for each warning. */
  readonly onWarning?: ((warning: Warning) => void) | undefined;
}

export const trainOptionNames = optionNames<TrainOptions>()({
  ...recipeOptionNames,
  ...validationOptionNames,
  model: true,
  out: true,
  recipe: true,
  accumulate: true,
  init: true,
  imageSize: true,
  freeze: true,
  lora: true,
  recompute: true,
  seed: true,
  threads: true,
  augment: true,
  prompt: true,
  shorten: true,
  falseCaptions: true,
  batchesPerEpoch: true,
  saveSteps: true,
  resume: true,
  signal: true,
  onPlan: true,
  onStep: true,
  onEpoch: true,
  onValidating: true,
  onValidation: true,
  onSkip: true,
  onWarning: true,
});
