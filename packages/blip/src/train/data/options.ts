// What a training run may choose about its data, and what BLIP's own runs chose (configs/*.yaml, data/__init__.py).
import { optionNames } from "@blip-ts/base";
import { type PillowOrder, pillowOrders } from "../../image/resize-bicubic.ts";
import { autoContrasts, type AutoContrast } from "./augment/tones.ts";
import { augmentations, type Augmentation } from "./augment/random-augment.ts";
import { trainingTasks, type SkippedSample, type TrainingTask } from "./batch.ts";
import { badOption } from "./errors.ts";

/** How images are changed. */
export interface AugmentOptions {
  /** Least and most share of the image's area that is cut out; [0.5, 1], for `pretrain` [0.2, 1]. */
  readonly scale?: readonly [number, number] | undefined;
  /** Chance that left and right are exchanged. Default 0.5. */
  readonly flip?: number | undefined;
  /** Operations drawn per image, with replacement; each is done with a chance of one half. Default 2. */
  readonly operations?: number | undefined;
  /** From 0 to 10. Default 5. */
  readonly level?: number | undefined;
  /** The operations that are drawn from. BLIP's ten by default. */
  readonly list?: readonly Augmentation[] | undefined;
  /**
   * `pillow` (default): Pillow's autocontrast, which BLIP's own is meant to be. `blip`: as BLIP's code computes it, where a
   * channel without a value of 0 becomes white throughout.
   */
  readonly autoContrast?: AutoContrast | undefined;
}

/** The labels that a row's `patches` may have. */
export interface PatchLabels {
  /** K names; a row may have their numbers from 0 instead. */
  readonly names: readonly string[];
  /** Patches per image. */
  readonly count: number;
}

export interface TrainingDataOptions {
  /** Samples of a batch. */
  readonly batchSize: number;
  /** A whole number from 0 to 2^53 - 1. Default 42. */
  readonly seed?: number | undefined;
  /** S, in pixels: 384, `vqa` 480, `pretrain` 224 unless told. */
  readonly imageSize?: number | undefined;
  /** BLIP's augmentation unless told; `false`: each image whole, resized. */
  readonly augment?: AugmentOptions | false | undefined;
  /** Of the image's pixels, after division by 255. BLIP's own unless told. */
  readonly mean?: readonly [number, number, number] | undefined;
  /** Standard deviations of R, G and B, by which pixels are divided. */
  readonly std?: readonly [number, number, number] | undefined;
  /** Which of Pillow's passes is first where an image is resized: `10` (across) unless told, as when BLIP was trained. */
  readonly pillowOrder?: PillowOrder | undefined;
  /** `caption`: what each caption begins with. Default "a picture of ". */
  readonly prompt?: string | undefined;
  /** `pretrain`: what patches may show. Without it a row's `patches` are not read. */
  readonly patches?: PatchLabels | undefined;
  /**
   * `match`, `caption`, `pretrain`: the share of captions of several sentences of which some are left out, drawn anew in each
   * epoch. What is left is in its order. Default 0.
   */
  readonly shorten?: number | undefined;
  /** `match`, `pretrain`: reads the captions that a row calls false of its image (`false_captions`). Default false. */
  readonly falseCaptions?: boolean | undefined;
  /** Most words of a text: 30, `nlvr` 40, `vqa` 50 unless told. */
  readonly maxWords?: number | undefined;
  /** Default true. `false`: samples come in the order of the data. */
  readonly shuffle?: boolean | undefined;
  /** Streams: most samples that are shuffled among each other, after the shards were. Default 4,096. */
  readonly shuffleSamples?: number | undefined;
  /** Streams: most bytes of encoded images in that buffer. Default 256 MiB. */
  readonly shuffleBytes?: number | undefined;
  /** The last batch of an epoch is left out if it is not full, as in the reference. Default true. */
  readonly dropLast?: boolean | undefined;
  /** Batches that are prepared ahead, which bounds the memory that they take. Default 2. */
  readonly ahead?: number | undefined;
  /** Lists: most bytes that their rows take in memory. Default 1 GiB. */
  readonly listBytes?: number | undefined;
  /** Bad samples in a row, without a good one, after which the data set is refused. Default 1,000. */
  readonly maxBadInRow?: number | undefined;
  /** Is told of each sample that is left out. */
  readonly onSkip?: ((skipped: SkippedSample) => void) | undefined;
}

export const trainingDataOptionNames = optionNames<TrainingDataOptions>()({
  batchSize: true,
  seed: true,
  imageSize: true,
  augment: true,
  mean: true,
  std: true,
  pillowOrder: true,
  prompt: true,
  shorten: true,
  falseCaptions: true,
  patches: true,
  maxWords: true,
  shuffle: true,
  shuffleSamples: true,
  shuffleBytes: true,
  dropLast: true,
  ahead: true,
  listBytes: true,
  maxBadInRow: true,
  onSkip: true,
});

export const augmentOptionNames = optionNames<AugmentOptions>()({
  scale: true,
  flip: true,
  operations: true,
  level: true,
  list: true,
  autoContrast: true,
});

type Filled<O> = { readonly [Name in keyof O]-?: Exclude<O[Name], undefined> };

export type ResolvedAugment = Filled<AugmentOptions>;

export interface ResolvedOptions extends Omit<Filled<TrainingDataOptions>, "augment" | "onSkip" | "patches"> {
  readonly patches: PatchLabels | undefined;
  readonly augment: ResolvedAugment | false;
  readonly onSkip: (skipped: SkippedSample) => void;
}

const imageSizes: Readonly<Record<TrainingTask, number>> = {
  match: 384,
  caption: 384,
  vqa: 480,
  nlvr: 384,
  pretrain: 224,
};

const words: Readonly<Record<TrainingTask, number>> = {
  match: 30,
  caption: 30,
  vqa: 50,
  nlvr: 40,
  pretrain: 30,
};

/** Largest side, as for a model's image settings. */
const maxSide = 8192;

function whole(name: string, value: number, least: number, most = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  const bound = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  throw badOption(name, `a whole number ${bound}`, value);
}

function number(name: string, value: number, least: number, most: number): number {
  if (Number.isFinite(value) && value >= least && value <= most) return value;
  throw badOption(name, `a number from ${least} to ${most}`, value);
}

function resolveAugment(task: TrainingTask, options: AugmentOptions): ResolvedAugment {
  const {
    scale = [task === "pretrain" ? 0.2 : 0.5, 1],
    flip = 0.5,
    operations = 2,
    level = 5,
    list = augmentations,
    autoContrast = "pillow",
  } = options;
  const [least, most] = scale;
  if (!(least > 0 && least <= most && most <= 1))
    throw badOption("augment.scale", "two shares above 0 and up to 1, the smaller one first", scale);
  for (const name of list)
    if (!augmentations.includes(name))
      throw badOption("augment.list", `names among ${augmentations.join(", ")}`, name);
  if (!autoContrasts.includes(autoContrast))
    throw badOption("augment.autoContrast", autoContrasts.join(" or "), autoContrast);
  whole("augment.operations", operations, 0, 100);
  if (operations > 0 && list.length === 0) throw badOption("augment.list", "at least one name", "none");
  return {
    scale,
    flip: number("augment.flip", flip, 0, 1),
    operations,
    level: number("augment.level", level, 0, 10),
    list,
    autoContrast,
  };
}

/** Callers in JavaScript are not held to the types. */
function triple(name: string, value: readonly [number, number, number], nonzero: boolean) {
  const count: number = value.length;
  const fits = count === 3 && value.every((one) => Number.isFinite(one) && !(nonzero && one === 0));
  if (!fits) throw badOption(name, `three numbers${nonzero ? " other than 0" : ""}, for R, G and B`, value);
  return value;
}

function pillowOrder(value: PillowOrder): PillowOrder {
  if (pillowOrders.includes(value)) return value;
  throw badOption("pillowOrder", pillowOrders.join(" or "), value);
}

/** What part of a question or of a statement is left is another one. */
function readsFalse(task: TrainingTask, value: boolean): boolean {
  if (value && task !== "match" && task !== "pretrain")
    throw badOption("falseCaptions", `false for ${task}`, value);
  return value;
}

function shortened(task: TrainingTask, value: number): number {
  const share = number("shorten", value, 0, 1);
  if (share > 0 && (task === "vqa" || task === "nlvr")) throw badOption("shorten", `0 for ${task}`, share);
  return share;
}

/** @throws {UsageError} `train-data/bad-option` */
export function resolveOptions(task: TrainingTask, options: TrainingDataOptions): ResolvedOptions {
  if (!trainingTasks.includes(task)) throw badOption("task", trainingTasks.join(", "), task);
  const { augment = {}, prompt = "a picture of ", shuffle = true, dropLast = true } = options;
  return {
    batchSize: whole("batchSize", options.batchSize, 1, 2 ** 20),
    seed: whole("seed", options.seed ?? 42, 0),
    imageSize: whole("imageSize", options.imageSize ?? imageSizes[task], 1, maxSide),
    augment: augment === false ? false : resolveAugment(task, augment),
    mean: triple("mean", options.mean ?? [0.48145466, 0.4578275, 0.40821073], false),
    pillowOrder: pillowOrder(options.pillowOrder ?? "10"),
    std: triple("std", options.std ?? [0.26862954, 0.26130258, 0.27577711], true),
    prompt,
    patches: options.patches,
    shorten: shortened(task, options.shorten ?? 0),
    falseCaptions: readsFalse(task, options.falseCaptions ?? false),
    maxWords: whole("maxWords", options.maxWords ?? words[task], 1),
    shuffle,
    shuffleSamples: whole("shuffleSamples", options.shuffleSamples ?? 4096, 1),
    shuffleBytes: whole("shuffleBytes", options.shuffleBytes ?? 256 * 2 ** 20, 1),
    dropLast,
    ahead: whole("ahead", options.ahead ?? 2, 1, 1000),
    listBytes: whole("listBytes", options.listBytes ?? 2 ** 30, 1),
    maxBadInRow: whole("maxBadInRow", options.maxBadInRow ?? 1000, 1),
    onSkip: options.onSkip ?? (() => undefined),
  };
}
