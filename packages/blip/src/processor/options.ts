// How a processor is loaded and called.
import type { Compat } from "../platform.ts";
import type { DecodeOptions } from "../image/decode-options.ts";
import type { PillowOrder } from "../image/resize-bicubic.ts";
import { optionNames } from "@blip-ts/base";
import { sourceOptionNames, type SourceOptions } from "../files.ts";
import { encodeOptionNames, type EncodeOptions } from "../text/word-piece.ts";

/** How images and texts are prepared. */
export interface ProcessorOptions extends SourceOptions {
  /** None unless told. Of a suite: the task whose part has the processor, e.g. `ask`. A model that is no suite has one processor for all. */
  readonly task?: string | undefined;
  /** Whose conventions where the references differ: `hf` unless told. */
  readonly compat?: Compat | undefined;
  /** How transparency becomes RGB: over white (default of `hf`), or the alpha channel dropped (default of all others). */
  readonly alpha?: DecodeOptions["alpha"] | undefined;
  /**
   * `upright` turns images as their EXIF says (default of `blip` and `lavis`), `stored` leaves them (default of `hf` and
   * `demo`). BLIP's own code leaves them: for its numbers say `stored`.
   */
  readonly orientation?: DecodeOptions["orientation"] | undefined;
  /** 16-bit grey: unless told `clip` at 255, as Pillow does, with the warning `image/grey16-clipped` (all modes); `scale` to 8 bits. */
  readonly grey16?: DecodeOptions["grey16"] | undefined;
  /** Which of Pillow's passes is first, by its version: across (`10`, the default), or as Pillow 13 chooses (`13`, the default of `hf`). */
  readonly pillowOrder?: PillowOrder | undefined;
  /**
   * Most pixels of an image, a whole number of at least 1: 178,956,970 unless told. An image that declares more is refused
   * (`image/too-large`) before memory is taken for its pixels.
   */
  readonly maxPixels?: number | undefined;
  /**
   * Most characters (UTF-16 code units) of a text, a whole number of at least 1: 10,000 unless told. A longer one is refused
   * (`text/too-long`) before it is looked at: texts are read in the caller's own thread, a million characters a second.
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

/** Pictures read, of all of a call. */
export interface ProcessorProgress {
  /** Tells this progress from a download's. */
  readonly kind: "process";
  /** Images that are done. */
  readonly done: number;
  /** All images of the call. */
  readonly total: number;
}

/** How a call of a processor cuts and pads texts. */
export interface ProcessorCallOptions extends EncodeOptions {
  /** Called after each image. */
  readonly onProgress?: ((progress: ProcessorProgress) => void) | undefined;
  /** Stops the call. */
  readonly signal?: AbortSignal | undefined;
  /** Most pixels of an image of this call, instead of the processor's own limit. */
  readonly maxPixels?: number | undefined;
  /** BLIP's clean-up of captions before the tokenizer. Default: on for `blip` and `lavis`, off for `hf` and `demo`. */
  readonly preCaption?: boolean;
}

export const processorCallOptionNames = optionNames<ProcessorCallOptions>()({
  ...encodeOptionNames,
  onProgress: true,
  signal: true,
  maxPixels: true,
  preCaption: true,
});
