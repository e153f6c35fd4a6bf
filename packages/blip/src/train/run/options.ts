// What a run may be told, with everything that was left open decided.
import type { Warning } from "@blip-ts/base";
import type { AugmentOptions } from "../data/options.ts";
import type { SkippedSample } from "../data/batch.ts";
import type { MemoryEstimate } from "../step/estimate.ts";
import { refusedWith, resolveLora, type LoraOptions, type LoraSettings } from "../lora/index.ts";
import { frozenParts } from "../optimizer/groups.ts";
import { badTrainOption } from "./errors.ts";
import { loraRate, recipeNamed, scaledRate, type Recipe, type RecipeName } from "./recipes.ts";
import type { TrainingTask } from "../data/batch.ts";

/** What is said before the first step. */
export interface RunPlan {
  readonly samples: number | undefined;
  readonly steps: number;
  readonly samplesPerStep: number;
  /** The highest learning rate. */
  readonly lr: number;
  /** Numbers that are trained, momentum encoders not counted. */
  readonly trained: number;
  /** Weights that the model lacks and that begin at random, or as a part that is like them. */
  readonly begun: readonly string[];
  readonly memory: MemoryEstimate;
  /** Seconds of all steps, from the products that a step computes and the rate of this machine's engine. */
  readonly seconds: number;
}

/** One step, as `metrics.jsonl` has it. */
export interface StepReport {
  /** From 0. */
  readonly step: number;
  readonly steps: number;
  readonly epoch: number;
  readonly loss: number;
  /** Its parts, by name. */
  readonly losses: Readonly<Record<string, number>>;
  readonly norm: number;
  readonly lr: number;
  /** Since the run, or its resumed part, began. */
  readonly imagesPerSecond: number;
  readonly secondsLeft: number;
  /** Share of the time that the trainer waited for data, 0 to 1. */
  readonly waitShare: number;
}

/** What is known at the end of an epoch. */
export interface EpochReport {
  readonly epoch: number;
  /** The mean of the epoch's steps. */
  readonly loss: number;
  /** Over the validation data, without dropout; null if there is none. */
  readonly validationLoss: number | null;
  readonly best: boolean;
}

/** Recipe values that are replaced. */
export type RecipeOverrides = { readonly [Name in keyof Recipe]?: Recipe[Name] | undefined };

export interface TrainOptions extends RecipeOverrides {
  /** A folder, a file, a suite, `picture-book`, or a Hub id. */
  readonly model: string;
  /** The folder of the run: empty or not there, unless it is resumed. */
  readonly out: string;
  /** `blip` (default): BLIP's own numbers; `few`: for tens to hundreds of images. */
  readonly recipe?: RecipeName | undefined;
  /** Batches whose gradients are added up to one step. Default 1. */
  readonly accumulate?: number | undefined;
  /** Takes only sizes and vocabulary of the model: all weights begin as the reference's classes begin them. */
  readonly init?: boolean | undefined;
  /** S, in pixels, a multiple of the patch: positions are interpolated once. Default: the model's own. */
  readonly imageSize?: number | undefined;
  /** What is not trained: `imageEncoder`, `allButCrossAttention`. */
  readonly freeze?: keyof typeof frozenParts | undefined;
  /**
   * Trains updates of low rank beside the model's matrices, which stay as they are: the result is an adapter in PEFT's
   * form, a few megabytes. Not for `pretrain`. Without `lr` the recipe's is taken ten times.
   */
  readonly lora?: LoraOptions | undefined;
  /** Computes layers a second time on the way back: more time for less memory. */
  readonly recompute?: boolean | undefined;
  /** Of order, augmentation, dropout, negatives and weights that begin at random. Default 42. */
  readonly seed?: number | undefined;
  /** Threads of ONNX Runtime. Default: one for each core. */
  readonly threads?: number | undefined;
  /** BLIP's augmentation unless told; `false`: each image whole. */
  readonly augment?: AugmentOptions | false | undefined;
  /** What captions begin with. Default "a picture of ". */
  readonly prompt?: string | undefined;
  /** For streams, whose samples are not counted. */
  readonly batchesPerEpoch?: number | undefined;
  /** Steps between states that are saved; one is saved at the end of each epoch besides. Default 500. */
  readonly saveSteps?: number | undefined;
  /** Epochs without a better validation loss after which the run ends. It needs validation data. */
  readonly patience?: number | undefined;
  /** Goes on with the run that `out` holds, with the same settings. */
  readonly resume?: boolean | undefined;
  /** Ends the run after its step, when its state is saved. */
  readonly signal?: AbortSignal | undefined;
  readonly onPlan?: ((plan: RunPlan) => void) | undefined;
  readonly onStep?: ((report: StepReport) => void) | undefined;
  readonly onEpoch?: ((report: EpochReport) => void) | undefined;
  readonly onSkip?: ((skipped: SkippedSample) => void) | undefined;
  readonly onWarning?: ((warning: Warning) => void) | undefined;
}

/** What numbers depend on: kept in run.json, and compared when a run is resumed. */
export interface Settings extends Recipe {
  readonly task: TrainingTask;
  readonly model: string;
  readonly accumulate: number;
  readonly init: boolean;
  readonly imageSize: number | null;
  readonly freeze: string | null;
  readonly lora: LoraSettings | null;
  readonly recompute: boolean;
  readonly seed: number;
  readonly augment: AugmentOptions | boolean;
  readonly prompt: string | null;
  readonly batchesPerEpoch: number | null;
  readonly patience: number | null;
  /** Whether there is validation data. */
  readonly validates: boolean;
}

function whole(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw badTrainOption(name, `a whole number of at least ${least}`, value);
}

function number(name: string, value: number, least: number, most: number): number {
  if (Number.isFinite(value) && value >= least && value <= most) return value;
  throw badTrainOption(name, `a number from ${least} to ${most}`, value);
}

function overridden(recipe: Recipe, options: RecipeOverrides): Recipe {
  const names = Object.keys(recipe) as (keyof Recipe)[];
  const given = names.flatMap((name) =>
    options[name] === undefined ? [] : [[name, options[name]] as const],
  );
  return { ...recipe, ...Object.fromEntries(given) };
}

function checkRecipe(recipe: Recipe): void {
  whole("batchSize", recipe.batchSize, 1);
  whole("epochs", recipe.epochs, 1);
  whole("warmUp", recipe.warmUp, 0);
  whole("queue", recipe.queue, 1);
  whole("referenceBatch", recipe.referenceBatch, 1);
  for (const name of ["lr", "minLr", "decay", "warmUpFrom"] as const)
    number(name, recipe[name], 0, Number.MAX_VALUE);
  for (const name of ["dropout", "dropPath"] as const) number(name, recipe[name], 0, 0.99);
  for (const name of ["alpha", "momentum", "rate"] as const) number(name, recipe[name], 0, 1);
  if (recipe.clip !== null) number("clip", recipe.clip, Number.MIN_VALUE, Number.MAX_VALUE);
  if (!["cosine", "step", "constant"].includes(recipe.schedule))
    throw badTrainOption("schedule", "cosine, step or constant", recipe.schedule);
  if (!["epoch", "step"].includes(recipe.per)) throw badTrainOption("per", "epoch or step", recipe.per);
}

/** @throws {UsageError} `usage/bad-option`, `train/lora-option` */
function loraOf(task: TrainingTask, { lora, init = false, freeze }: TrainOptions): LoraSettings | null {
  if (lora === undefined) return null;
  const settings = resolveLora(lora);
  if (task === "pretrain") throw refusedWith("task pretrain", "pre-training learns all weights");
  if (init) throw refusedWith("init", "updates of weights that begin at random are of use to no model");
  if (freeze !== undefined) throw refusedWith("freeze", "all of the model's own weights stay as they are");
  return settings;
}

/** @throws {UsageError} `usage/bad-option`, `train/lora-option` */
export function resolveSettings(task: TrainingTask, options: TrainOptions, validates: boolean): Settings {
  const recipe = overridden(recipeNamed(task, options.recipe ?? "blip"), options);
  checkRecipe(recipe);
  const { freeze, patience, batchesPerEpoch, imageSize } = options;
  if (freeze !== undefined && !Object.hasOwn(frozenParts, freeze))
    throw badTrainOption("freeze", Object.keys(frozenParts).join(" or "), freeze);
  if (patience !== undefined && !validates)
    throw badTrainOption("patience", "validation data (--val) beside it", "none");
  const accumulate = whole("accumulate", options.accumulate ?? 1, 1);
  if (options.saveSteps !== undefined) whole("saveSteps", options.saveSteps, 1);
  // A rate of one's own is taken as it is.
  const lora = loraOf(task, options);
  const lr = options.lr ?? scaledRate(recipe, recipe.batchSize * accumulate) * (lora ? loraRate : 1);
  return {
    ...recipe,
    ...{ lr, task, model: options.model, accumulate, init: options.init ?? false },
    imageSize: imageSize === undefined ? null : whole("imageSize", imageSize, 1),
    freeze: freeze ?? null,
    lora,
    recompute: options.recompute ?? false,
    seed: whole("seed", options.seed ?? 42, 0),
    augment: options.augment ?? true,
    prompt: options.prompt ?? null,
    batchesPerEpoch: batchesPerEpoch === undefined ? null : whole("batchesPerEpoch", batchesPerEpoch, 1),
    patience: patience === undefined ? null : whole("patience", patience, 1),
    validates,
  };
}
