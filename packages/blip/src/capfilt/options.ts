// The options and the progress of cleaning a data set.
import { badOption, optionNames, withoutNames } from "@blip-ts/base";
import type { FailedExample } from "../evaluate/options.ts";
import { type VerbOptions, verbOptionNames } from "../verbs/image-batches.ts";

/** The formats of kept pairs. */
export const outputFormats = ["jsonl", "csv", "parquet", "webdataset", "folder"] as const;
/** The format of kept pairs. */
export type OutputFormat = (typeof outputFormats)[number];

/** Loading options that apply to both models. */
export type TwoModelOptions = Omit<
  VerbOptions,
  "memory" | "revision" | "imageSize" | "profile" | "onProfile"
>;

export const twoModelOptionNames = optionNames<TwoModelOptions>()(
  withoutNames(verbOptionNames, "memory", "revision", "imageSize", "profile", "onProfile"),
);

/** Options to draw synthetic captions. */
export interface DrawingOptions {
  /** The p of nucleus sampling: the total probability of the tokens to draw from. Default: 0.9, as in the paper. */
  readonly topP?: number | undefined;
  /**
   * The run's seed, a whole number. Default: 42. Each image has its own seed, computed from the run's seed and from the
   * image's path in the image folder, its URL, or its bytes. So order, batches and resuming do not change a draw.
   */
  readonly seed?: number | undefined;
  /** The minimum number of tokens of a caption, with prompt and [SEP]. Default: from `compat` (`blip`: 5). */
  readonly minLength?: number | undefined;
  /** The maximum number of tokens of a caption, counted as for `minLength`. Default: from `compat` (`blip`: 20). */
  readonly maxLength?: number | undefined;
  /** The prompt of captions. Default: "a picture of ", which is removed from captions; none under `hf`. */
  readonly prompt?: string | undefined;
  /** Images per batch. Default: 8. */
  readonly imageBatchSize?: number | undefined;
}

export const drawingOptionNames = optionNames<DrawingOptions>()({
  topP: true,
  seed: true,
  minLength: true,
  maxLength: true,
  prompt: true,
  imageBatchSize: true,
});

/** The progress within a step of a run. */
export interface CapFiltProgress {
  /** `data`: rows read and counted; `rows`: rows captioned and filtered; `write`: rows whose kept pairs are written. */
  readonly step: "data" | "rows" | "write";
  /** The number of finished rows. */
  readonly done: number;
  /** The number of all rows; undefined while the data is counted. */
  readonly total: number | undefined;
  /** `rows`: the rate of this process; undefined until a row is finished. */
  readonly imagesPerSecond: number | undefined;
  /** The estimated seconds until the end of the step; undefined at the beginning of the step. */
  readonly secondsLeft: number | undefined;
}

/** Options to clean a data set. */
export interface CapFiltOptions extends TwoModelOptions, DrawingOptions {
  /** The captioner: a folder, a weights file, a Hub id, or `picture-book` (default). */
  readonly captioner?: string | undefined;
  /** The filter. Default: the captioner. */
  readonly filter?: string | undefined;
  /** The minimum ITM probability (after softmax) of a kept text, 0 to 1. Default: 0.5, as in the paper. */
  readonly threshold?: number | undefined;
  /** The format of kept pairs. Default: the data's format (JSON lines for a JSON list). */
  readonly format?: OutputFormat | undefined;
  /** The number of images on the page, evenly spaced over all rows; 0: no page. Default: 100. */
  readonly html?: number | undefined;
  /** Continues the run in the folder, or starts it. By default, the folder must be empty or missing. */
  readonly resume?: boolean | undefined;
  /** Called after each batch. */
  readonly onStep?: ((progress: CapFiltProgress) => void) | undefined;
  /** Called for each failed row: an invalid row, or an image that cannot be read. */
  readonly onFailed?: ((row: FailedExample) => void) | undefined;
}

export const capFiltOptionNames = optionNames<CapFiltOptions>()({
  ...twoModelOptionNames,
  ...drawingOptionNames,
  captioner: true,
  filter: true,
  threshold: true,
  format: true,
  html: true,
  resume: true,
  onStep: true,
  onFailed: true,
});

export const defaults = { threshold: 0.5, topP: 0.9, seed: 42, imageBatchSize: 8, html: 100 } as const;

/** The maximum number of images on the page, about 10 KB each. */
const maxHtml = 2_000;

const share = (value: number) => value >= 0 && value <= 1;
const whole =
  (least: number, most = Number.MAX_SAFE_INTEGER) =>
  (value: number) =>
    Number.isSafeInteger(value) && value >= least && value <= most;

/** @throws {UsageError} `usage/bad-option` */
export function checkOptions(options: CapFiltOptions): void {
  const rules: readonly (readonly [keyof CapFiltOptions, (value: number) => boolean, string])[] = [
    ["threshold", share, "a number from 0 to 1"],
    ["topP", share, "a number from 0 to 1"],
    ["seed", Number.isSafeInteger, "a whole number"],
    ["imageBatchSize", whole(1), "a positive whole number"],
    ["html", whole(0, maxHtml), `a whole number from 0 to ${maxHtml}`],
  ];
  for (const [name, fits, expected] of rules) {
    const value = options[name];
    if (value !== undefined && !(typeof value === "number" && fits(value)))
      throw badOption(name, value, [expected]);
  }
  const { format } = options;
  if (format !== undefined && !outputFormats.includes(format))
    throw badOption("format", format, [...outputFormats]);
}
