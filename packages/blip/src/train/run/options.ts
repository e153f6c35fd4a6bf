// What a run may be told, and what it tells.
import { optionNames, type Warning } from "@blip-ts/base";
import type { AugmentOptions } from "../data/options.ts";
import type { SkippedSample } from "../data/batch.ts";
import type { MemoryEstimate } from "../step/estimate.ts";
import type { LoraOptions } from "../lora/index.ts";
import type { Freeze } from "../optimizer/groups.ts";
import { recipeOptionNames, type CustomRecipe, type RecipeOverrides } from "../recipes/index.ts";
import { validationOptionNames, type ValidationOptions } from "./validation-options.ts";
import type { Metrics, ValidationProgress } from "./validation.ts";

/** What is said before the first step. */
export interface RunPlan {
  /** Samples of the data; undefined if they are not counted. */
  readonly samples: number | undefined;
  /** Of all phases together; so are `seconds`. Of a recipe with phases the other numbers are the largest of any phase. */
  readonly steps: number;
  /** Phases of the recipe. */
  readonly phases: number;
  /** Samples that one step sees. */
  readonly samplesPerStep: number;
  /** The highest learning rate. */
  readonly lr: number;
  /** Numbers that are trained, momentum encoders not counted. */
  readonly trained: number;
  /** Weights that the model lacks and that begin at random, or as a part that is like them. */
  readonly begun: readonly string[];
  /** Memory that the run is estimated to take, in bytes. */
  readonly memory: MemoryEstimate;
  /** Seconds of all steps that are left, with their images and states; validation is not among them. */
  readonly seconds: number;
  /**
   * Whether the first batch's gradients were computed for its time. Otherwise, if the memory that is free is too little,
   * `seconds` follow from the products that a step computes and the rate of this machine's engine, which is rough.
   */
  readonly measured: boolean;
}

/** One step, as `metrics.jsonl` has it. */
export interface StepReport {
  /** From 0. */
  readonly step: number;
  /** Steps of the whole run. */
  readonly steps: number;
  /** From 1; only of a recipe with phases. Steps and epochs count on from phase to phase. */
  readonly phase?: number;
  /** The epoch that it belongs to. */
  readonly epoch: number;
  /** The loss of the step. */
  readonly loss: number;
  /** Its parts, by name. */
  readonly losses: Readonly<Record<string, number>>;
  /** The norm of the gradients. */
  readonly norm: number;
  /** The learning rate. */
  readonly lr: number;
  /** Since the run, or its resumed part, began. */
  readonly imagesPerSecond: number;
  /** Estimated seconds until the end. */
  readonly secondsLeft: number;
  /** Share of the time that the trainer waited for data, 0 to 1. */
  readonly waitShare: number;
}

/** What is known at the end of an epoch. */
export interface EpochReport {
  /** The epoch that it belongs to. */
  readonly epoch: number;
  /** The phase, only of a recipe with phases. */
  readonly phase?: number;
  /** The mean of the epoch's steps. */
  readonly loss: number;
  /** Over the validation data, without dropout; null if the epoch's end did not validate. */
  readonly validationLoss: number | null;
  /** The task's metrics over the first rows of the validation data; null as `validationLoss`. */
  readonly metrics: Metrics | null;
  /** Are these weights the best so far? */
  readonly best: boolean;
}

/** A validation between steps (`validationSteps`). */
export interface ValidationReport {
  /** Steps that were made. */
  readonly steps: number;
  /** The phase, only of a recipe with phases. */
  readonly phase?: number;
  /** The loss on the validation data. */
  readonly validationLoss: number;
  /** Metrics of the task on the validation data. */
  readonly metrics: Metrics;
  /** Is it the best one so far? */
  readonly best: boolean;
}

/** How a model is trained. */
export interface TrainOptions extends RecipeOverrides, ValidationOptions {
  /** A folder, a file, a suite, `picture-book`, or a Hub id. */
  readonly model: string;
  /** The folder of the run: empty or not there, unless it is resumed. */
  readonly out: string;
  /**
   * `blip` (default): BLIP's own numbers; `few`: for tens to hundreds of images; the path of a JSON file (its name ends in
   * `.json`) with a recipe of one's own; or that recipe itself. Options beside it come before its values, also those of
   * its phases.
   */
  readonly recipe?: string | CustomRecipe | undefined;
  /** Batches whose gradients are added up to one step. Default 1. */
  readonly accumulate?: number | undefined;
  /** Off unless told. Takes only sizes and vocabulary of the model: all weights begin as the reference's classes begin them. */
  readonly init?: boolean | undefined;
  /** S, in pixels, a multiple of the patch: positions are interpolated once. Default: the model's own. */
  readonly imageSize?: number | undefined;
  /** Nothing unless told. What is not trained: `imageEncoder`, `allButCrossAttention`, or a list of these and of beginnings of weights' names. */
  readonly freeze?: Freeze | undefined;
  /**
   * Off unless told. Trains updates of low rank beside the model's matrices, which stay as they are: the result is an adapter in PEFT's
   * form, a few megabytes. Not for `pretrain`. Without `lr` the recipe's is taken ten times.
   */
  readonly lora?: LoraOptions | undefined;
  /** Off unless told. Computes layers a second time on the way back: more time for less memory. */
  readonly recompute?: boolean | undefined;
  /** Of order, augmentation, dropout, negatives and weights that begin at random. Default 42. */
  readonly seed?: number | undefined;
  /** Threads of ONNX Runtime. Default: one for each core. */
  readonly threads?: number | undefined;
  /** BLIP's augmentation unless told; `false`: each image whole. */
  readonly augment?: AugmentOptions | false | undefined;
  /** What captions begin with. Default "a picture of ". */
  readonly prompt?: string | undefined;
  /** The share of captions of several sentences of which some are left out, at random in each epoch. Default 0. */
  readonly shorten?: number | undefined;
  /**
   * `match`, `pretrain`: an image's wrong text in ITM is one of its row's `false_captions`, drawn in each epoch, instead of
   * another image's caption. Rows without any keep BLIP's negatives. Default false.
   */
  readonly falseCaptions?: boolean | undefined;
  /** For streams, whose samples are not counted. None unless told. */
  readonly batchesPerEpoch?: number | undefined;
  /** Steps between states that are saved; one is saved at the end of each epoch besides. Default 500. */
  readonly saveSteps?: number | undefined;
  /** Goes on with the run that `out` holds, with the same settings. Off unless told. */
  readonly resume?: boolean | undefined;
  /** Ends the run after its step, when its state is saved. */
  readonly signal?: AbortSignal | undefined;
  /** Called once before the first step. */
  readonly onPlan?: ((plan: RunPlan) => void) | undefined;
  /** Called after each step. */
  readonly onStep?: ((report: StepReport) => void) | undefined;
  /** Called after each epoch. */
  readonly onEpoch?: ((report: EpochReport) => void) | undefined;
  /** Is told how far a validation is. */
  readonly onValidating?: ((progress: ValidationProgress) => void) | undefined;
  /** Called after each validation. */
  readonly onValidation?: ((report: ValidationReport) => void) | undefined;
  /** Called for each sample that is left out. */
  readonly onSkip?: ((skipped: SkippedSample) => void) | undefined;
  /** Called with what the caller may ignore. */
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
