// What captioning takes and gives.
import type { GenerationOptions } from "../decode/options.ts";
import type { StreamedToken } from "../run/generate.ts";
import type { VerbCallOptions, VerbOptions } from "./image-batches.ts";

/** A picture in words. */
export interface CaptionRow<ImageInput> {
  /** The image, as it was given. */
  readonly image: ImageInput;
  /** The caption. */
  readonly caption: string;
  /** The whole decoder sequence: [DEC], the prompt, the generated tokens, [SEP] where it was reached. */
  readonly tokens: readonly number[];
  /** Natural-log probability of the generated tokens together, [SEP] included, before penalties. */
  readonly logProbability: number;
  /**
   * With `score` or `matchModel`: the ITM probability that the caption fits, 0 to 1; null where it is empty or only
   * punctuation, of which the matching model reads nothing.
   */
  readonly match?: number | null;
}

/** A caption as it grows. */
export interface CaptionToken extends StreamedToken {
  /** The caption so far. */
  readonly caption: string;
}

/** How a captioner is loaded. */
export interface CaptionerOptions extends VerbOptions {
  /** Scores captions with the model's own matching heads; a file without them is refused. */
  readonly score?: boolean | undefined;
  /** Scores captions with this matching model: a folder, a file, or a Hub id. */
  readonly matchModel?: string | undefined;
}

/** How images are captioned. */
export interface CaptionOptions extends GenerationOptions, VerbCallOptions {
  /**
   * How captions begin, for all pictures or for each; an empty text for none. Unless told, "a picture of " under `blip`
   * and `lavis`, none under `hf`.
   */
  readonly prompt?: string | readonly string[] | undefined;
}

/** How rows are captioned; each has its own prompt. */
export type CaptionRowOptions = Omit<CaptionOptions, "prompt" | "onProgress">;

/** An image with a prompt, as a row. */
export interface CaptionRequest<ImageInput> {
  /** The image to caption. */
  readonly image: ImageInput;
  /** What the caption begins with. Default: the convention's. */
  readonly prompt?: string | undefined;
  /** With `sample`: a seed of its own, instead of the call's. */
  readonly seed?: number | undefined;
}

/** Rows without their images. */
export type Caption = Omit<CaptionRow<never>, "image">;
