// What the cleaning of a data set is told, and what it tells while it runs.
import { badOption, optionNames, withoutNames } from "@blip-ts/base";
import type { FailedExample } from "../evaluate/options.ts";
import { type VerbOptions, verbOptionNames } from "../verbs/image-batches.ts";

/** How kept pairs are written. */
export const outputFormats = ["jsonl", "csv", "parquet", "webdataset", "folder"] as const;
/** How kept pairs are written. */
export type OutputFormat = (typeof outputFormats)[number];

/** Options of loading that hold for two models. */
export type TwoModelOptions = Omit<
  VerbOptions,
  "memory" | "revision" | "imageSize" | "profile" | "onProfile"
>;

export const twoModelOptionNames = optionNames<TwoModelOptions>()(
  withoutNames(verbOptionNames, "memory", "revision", "imageSize", "profile", "onProfile"),
);

/** How synthetic captions are drawn. */
export interface DrawingOptions {
  /** Draws from the likeliest tokens that together have this probability, 0 to 1. Default 0.9, the paper's. */
  readonly topP?: number | undefined;
  /**
   * A whole number: 42. Each image has a seed of its own, made of this one and of which image it is (its path below the
   * images' folder, its URL, or its bytes), so that neither order nor batches nor a resumed run change a draw.
   */
  readonly seed?: number | undefined;
  /** Fewest and most tokens of a caption, the prompt and [SEP] included: those of `compat` (`blip`: 5 and 20). */
  readonly minLength?: number | undefined;
  /** Most tokens of a caption, counted as for `minLength`. */
  readonly maxLength?: number | undefined;
  /** How captions begin: "a picture of ", which is cut off; nothing under `hf`. */
  readonly prompt?: string | undefined;
  /** Images at a time: 8. */
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

/** How far a run is in one of its steps. */
export interface CapFiltProgress {
  /** `data`: rows read and counted; `rows`: rows captioned and filtered; `write`: rows whose kept pairs are written. */
  readonly step: "data" | "rows" | "write";
  /** Rows that are done. */
  readonly done: number;
  /** Undefined while the data is counted. */
  readonly total: number | undefined;
  /** `rows`: of this process, once there are some. */
  readonly imagesPerSecond: number | undefined;
  /** Estimated seconds until the end of the step; undefined at its beginning. */
  readonly secondsLeft: number | undefined;
}

/** How a data set is cleaned. */
export interface CapFiltOptions extends TwoModelOptions, DrawingOptions {
  /** What captions: a folder, a weights file, a Hub id, or `picture-book`, which is taken unless told. */
  readonly captioner?: string | undefined;
  /** What filters: the captioner, unless told. */
  readonly filter?: string | undefined;
  /** A text is kept if its ITM probability (after softmax) is at least this, 0 to 1. Default 0.5, the paper's. */
  readonly threshold?: number | undefined;
  /** How kept pairs are written: as the data is, unless told (a JSON list as JSON lines). */
  readonly format?: OutputFormat | undefined;
  /** Images on the page, drawn evenly from all rows: 100; 0 for no page. */
  readonly html?: number | undefined;
  /** Goes on with the run in the folder, or begins it. Without it the folder must be empty or not there. */
  readonly resume?: boolean | undefined;
  /** Called after each batch. */
  readonly onStep?: ((progress: CapFiltProgress) => void) | undefined;
  /** Is told of each row that failed: the file's mistakes, images that cannot be read. */
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

/** Most images of a page: some 10 KB each. */
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
