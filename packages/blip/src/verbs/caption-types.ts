// The inputs and outputs of captioning.
import { optionNames, withoutNames } from "@blip-ts/base";
import { generationOptionNames, type GenerationOptions } from "../decode/options.ts";
import type { StreamedToken } from "../run/generate.ts";
import {
  verbCallOptionNames,
  verbOptionNames,
  type VerbCallOptions,
  type VerbOptions,
} from "./image-batches.ts";

/** A caption of an image. */
export interface CaptionRow<ImageInput> {
  /** The image, as it was given. */
  readonly image: ImageInput;
  /** The caption. */
  readonly caption: string;
  /** The whole decoder sequence: [DEC], the prompt, the generated tokens, and [SEP] if it was reached. */
  readonly tokens: readonly number[];
  /** The natural-log probability of all generated tokens together, including [SEP], before penalties. */
  readonly logProbability: number;
  /**
   * With `score` or `matchModel`: the ITM probability that the caption fits, 0 to 1. Null if the caption is empty or
   * only punctuation, because the matching model then has nothing to read.
   */
  readonly match?: number | null;
  /** Present only if the row failed. */
  readonly error?: undefined;
}

/** A partial caption during streaming. */
export interface CaptionToken extends StreamedToken {
  /** The caption so far. */
  readonly caption: string;
}

/** Options to load a captioner. */
export interface CaptionerOptions extends VerbOptions {
  /** Scores captions with the model's own matching heads. Loading fails if the file has none. Default: false. */
  readonly score?: boolean | undefined;
  /** Scores captions with this matching model: a folder, a file, or a Hub id. Default: none. */
  readonly matchModel?: string | undefined;
}

export const captionerOptionNames = optionNames<CaptionerOptions>()({
  ...verbOptionNames,
  score: true,
  matchModel: true,
});

/** Options to caption images. */
export interface CaptionOptions extends GenerationOptions, VerbCallOptions {
  /**
   * The text that captions begin with: one prompt for all images, or one per image. An empty text means no prompt.
   * Default: "a picture of " under `blip` and `lavis`, none under `hf`.
   */
  readonly prompt?: string | readonly string[] | undefined;
}

export const captionOptionNames = optionNames<CaptionOptions>()({
  ...generationOptionNames,
  ...verbCallOptionNames,
  prompt: true,
});

/** Options to caption a stream of rows. Each row has its own prompt. */
export type CaptionRowOptions = Omit<CaptionOptions, "prompt" | "onProgress">;

export const captionRowOptionNames = withoutNames(captionOptionNames, "prompt", "onProgress");

/** An image with a prompt, as a row. */
export interface CaptionRequest<ImageInput> {
  /** The image to caption. */
  readonly image: ImageInput;
  /** The text that the caption begins with. Default: the convention's prompt. */
  readonly prompt?: string | undefined;
  /** With `sample`: the row's seed, which overrides the call's seed. */
  readonly seed?: number | undefined;
}

/** A caption row without its image. */
export type Caption = Omit<CaptionRow<never>, "image" | "error">;
