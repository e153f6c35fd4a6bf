// The options of training data, and their values in BLIP's own runs (configs/*.yaml, data/__init__.py).
import { optionNames, type Warning } from "@blip-ts/base";
import { type PillowOrder, pillowOrders } from "../../image/resize-bicubic.ts";
import { autoContrasts, type AutoContrast } from "./augment/tones.ts";
import { augmentations, type Augmentation } from "./augment/random-augment.ts";
import { trainingTasks, type SkippedSample, type TrainingTask } from "./batch.ts";
import { badOption } from "./errors.ts";

/** Options of image augmentation. */
export interface AugmentOptions {
  /** The minimum and maximum share of the image's area in a crop. Default: [0.5, 1]; `pretrain`: [0.2, 1]. */
  readonly scale?: readonly [number, number] | undefined;
  /** The probability of a horizontal flip. Default: 0.5. */
  readonly flip?: number | undefined;
  /** Operations drawn per image, with replacement. Each is applied with probability one half. Default: 2. */
  readonly operations?: number | undefined;
  /** The strength of the operations, from 0 to 10. Default: 5. */
  readonly level?: number | undefined;
  /** The operations to draw from. Default: BLIP's ten. */
  readonly list?: readonly Augmentation[] | undefined;
  /**
   * `pillow` (default): Pillow's autocontrast, which BLIP's code is meant to match. `blip`: what BLIP's code computes:
   * a channel without a value of 0 becomes white everywhere.
   */
  readonly autoContrast?: AutoContrast | undefined;
}

/** The labels allowed in a row's `patches`. */
export interface PatchLabels {
  /** K names. A row may use their numbers from 0 instead. */
  readonly names: readonly string[];
  /** Patches per image. */
  readonly count: number;
}

export interface TrainingDataOptions {
  /** Samples per batch. */
  readonly batchSize: number;
  /** A whole number from 0 to 2^53 - 1. Default: 42. */
  readonly seed?: number | undefined;
  /** S, in pixels. Default: 384, `vqa` 480, `pretrain` 224. */
  readonly imageSize?: number | undefined;
  /** Default: BLIP's augmentation. `false`: the whole image, only resized. */
  readonly augment?: AugmentOptions | false | undefined;
  /** The mean of R, G and B, subtracted after division by 255. Default: BLIP's. */
  readonly mean?: readonly [number, number, number] | undefined;
  /** The standard deviation of R, G and B, by which pixels are divided. Default: BLIP's. */
  readonly std?: readonly [number, number, number] | undefined;
  /** The order of Pillow's resize passes. Default: `10` (horizontal first), as when BLIP was trained. */
  readonly pillowOrder?: PillowOrder | undefined;
  /** `caption`: the prefix of each caption; a space follows it if it ends without one. Default: "a picture of ". */
  readonly prompt?: string | undefined;
  /** `pretrain`: the names of patches. Without them, a row's `patches` are ignored. */
  readonly patches?: PatchLabels | undefined;
  /**
   * `match`, `caption`, `pretrain`: the share of multi-sentence captions that lose some sentences, drawn again in each
   * epoch. The remaining sentences keep their order. Default: 0.
   */
  readonly shorten?: number | undefined;
  /** `match`, `pretrain`: reads the false captions of a row (`false_captions`). Default: false. */
  readonly falseCaptions?: boolean | undefined;
  /** The maximum number of words per text. Default: 30, `nlvr` 40, `vqa` 50. */
  readonly maxWords?: number | undefined;
  /** Default: true. `false`: samples come in the order of the data. */
  readonly shuffle?: boolean | undefined;
  /** Streams: the maximum number of samples in the shuffle buffer; shards are shuffled first. Default: 4,096. */
  readonly shuffleSamples?: number | undefined;
  /** Streams: the maximum bytes of encoded images in the shuffle buffer. Default: 256 MiB. */
  readonly shuffleBytes?: number | undefined;
  /** Leaves out the last batch of an epoch if it is not full, as the reference does. Default: true. */
  readonly dropLast?: boolean | undefined;
  /** The number of batches prepared ahead, which limits their memory. Default: 2. */
  readonly ahead?: number | undefined;
  /** Lists: the maximum bytes of their rows in memory. Default: 1 GiB. */
  readonly listBytes?: number | undefined;
  /** The number of consecutive bad samples that ends the run with `train-data/all-bad`. Default: 1,000. */
  readonly maxBadInRow?: number | undefined;
  /** Called for each sample that is left out. */
  readonly onSkip?: ((skipped: SkippedSample) => void) | undefined;
  /** Called for each warning about the data. */
  readonly onWarning?: ((warning: Warning) => void) | undefined;
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
  onWarning: true,
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

export interface ResolvedOptions extends Omit<Filled<TrainingDataOptions>, "augment" | "patches"> {
  readonly patches: PatchLabels | undefined;
  readonly augment: ResolvedAugment | false;
}

/** The side of the images in BLIP's configuration files, in pixels. */
export const blipImageSizes: Readonly<Record<TrainingTask, number>> = {
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

/** The maximum image side, the same as in a model's image settings. */
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

/** Checks three numbers: JavaScript callers may ignore the types. */
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

/** Only the loss ITM uses false captions. @throws {UsageError} `train-data/bad-option` */
export function checkFalseCaptions(task: TrainingTask, value = false): boolean {
  if (value && task !== "match" && task !== "pretrain")
    throw badOption("falseCaptions", `false for ${task}, which has no loss ITM`, value);
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
    imageSize: whole("imageSize", options.imageSize ?? blipImageSizes[task], 1, maxSide),
    augment: augment === false ? false : resolveAugment(task, augment),
    mean: triple("mean", options.mean ?? [0.48145466, 0.4578275, 0.40821073], false),
    pillowOrder: pillowOrder(options.pillowOrder ?? "10"),
    std: triple("std", options.std ?? [0.26862954, 0.26130258, 0.27577711], true),
    // A caption is another word, also after a prompt without a space at its end.
    prompt: prompt === "" || /\s$/.test(prompt) ? prompt : `${prompt} `,
    patches: options.patches,
    shorten: shortened(task, options.shorten ?? 0),
    falseCaptions: checkFalseCaptions(task, options.falseCaptions),
    maxWords: whole("maxWords", options.maxWords ?? words[task], 1),
    shuffle,
    shuffleSamples: whole("shuffleSamples", options.shuffleSamples ?? 4096, 1),
    shuffleBytes: whole("shuffleBytes", options.shuffleBytes ?? 256 * 2 ** 20, 1),
    dropLast,
    ahead: whole("ahead", options.ahead ?? 2, 1, 1000),
    listBytes: whole("listBytes", options.listBytes ?? 2 ** 30, 1),
    maxBadInRow: whole("maxBadInRow", options.maxBadInRow ?? 1000, 1),
    onSkip: options.onSkip ?? (() => undefined),
    onWarning: options.onWarning ?? (() => undefined),
  };
}
