// Options of loading and calling a processor.
import type { Compat } from "../platform.ts";
import type { DecodeOptions } from "../image/decode-options.ts";
import type { PillowOrder } from "../image/resize-bicubic.ts";
import { optionNames } from "@blip-ts/base";
import { sourceOptionNames, type SourceOptions } from "../files.ts";
import { encodeOptionNames, type EncodeOptions } from "../text/word-piece.ts";

/** Options of preparing images and texts. */
export interface ProcessorOptions extends SourceOptions {
  /**
   * For a suite: the task whose part has the processor, such as `ask`; none by default. Any other model has one
   * processor for all tasks.
   */
  readonly task?: string | undefined;
  /** The conventions to follow if the references differ; `hf` by default. */
  readonly compat?: Compat | undefined;
  /**
   * Conversion of transparency to RGB: `white` composites over white (default of `hf`), `drop` discards the alpha
   * channel (default of all others).
   */
  readonly alpha?: DecodeOptions["alpha"] | undefined;
  /**
   * `upright` applies the EXIF orientation (default of `blip` and `lavis`); `stored` ignores it (default of `hf` and
   * `demo`). BLIP's own code ignores it: use `stored` for its exact numbers.
   */
  readonly orientation?: DecodeOptions["orientation"] | undefined;
  /**
   * 16-bit grey: `clip` at 255 like Pillow, with the warning `image/grey16-clipped` (default in all modes), or `scale`
   * to 8 bits.
   */
  readonly grey16?: DecodeOptions["grey16"] | undefined;
  /**
   * The order of Pillow's resize passes, by version: `10` is horizontal first (default), `13` is Pillow 13's choice
   * (default of `hf`).
   */
  readonly pillowOrder?: PillowOrder | undefined;
  /**
   * The most pixels of an image, a whole number of at least 1; by default 178,956,970. An image that declares more is
   * rejected (`image/too-large`) before memory is allocated for its pixels.
   */
  readonly maxPixels?: number | undefined;
  /**
   * The most characters (UTF-16 code units) of a text, a whole number of at least 1; by default 10,000. A longer text
   * is rejected (`text/too-long`) before it is processed: texts are processed on the caller's own thread, at a million
   * characters per second.
   */
  readonly maxTextLength?: number | undefined;
}

export const processorOptionNames = optionNames<ProcessorOptions>()({
  ...sourceOptionNames,
  task: true,
  compat: true,
  alpha: true,
  orientation: true,
  grey16: true,
  pillowOrder: true,
  maxPixels: true,
  maxTextLength: true,
});

/** The progress of reading a call's images. */
export interface ProcessorProgress {
  /** Distinguishes this progress from a download's. */
  readonly kind: "process";
  /** Finished images. */
  readonly done: number;
  /** All images of the call. */
  readonly total: number;
}

/** Options of a processor call, such as truncation and padding of texts. */
export interface ProcessorCallOptions extends EncodeOptions {
  /** Called after each image. */
  readonly onProgress?: ((progress: ProcessorProgress) => void) | undefined;
  /** Stops the call. */
  readonly signal?: AbortSignal | undefined;
  /** The most pixels of an image in this call; by default the processor's own limit. */
  readonly maxPixels?: number | undefined;
  /**
   * Applies BLIP's caption clean-up before the tokenizer. By default on for `blip` and `lavis`, off for `hf` and
   * `demo`.
   */
  readonly preCaption?: boolean;
}

export const processorCallOptionNames = optionNames<ProcessorCallOptions>()({
  ...encodeOptionNames,
  onProgress: true,
  signal: true,
  maxPixels: true,
  preCaption: true,
});
