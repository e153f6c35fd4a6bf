// Options to load and call a processor.
import type { Compat } from "../platform.ts";
import type { DecodeOptions } from "../image/decode-options.ts";
import type { PillowOrder } from "../image/resize-bicubic.ts";
import { optionNames } from "@blip-ts/base";
import { sourceOptionNames, type SourceOptions } from "../files.ts";
import { encodeOptionNames, type EncodeOptions } from "../text/word-piece.ts";

/** Options to load a processor. */
export interface ProcessorOptions extends SourceOptions {
  /**
   * The task whose part of a suite has the processor, such as `ask`. Required for suites only. By default
   * the model's one processor for all tasks is used.
   */
  readonly task?: string | undefined;
  /** The reference implementation whose conventions to follow; `hf` by default. */
  readonly compat?: Compat | undefined;
  /**
   * How to convert transparency to RGB: `white` composites over white (the default of `hf`), `drop` discards the alpha
   * channel (the default of all other conventions).
   */
  readonly alpha?: DecodeOptions["alpha"] | undefined;
  /**
   * How to use the EXIF orientation: `upright` applies it (the default of `blip` and `lavis`), `stored` ignores it (the
   * default of `hf` and `demo`). BLIP's own code ignores the orientation: use `stored` for BLIP's exact numbers.
   */
  readonly orientation?: DecodeOptions["orientation"] | undefined;
  /**
   * How to convert 16-bit grey: `clip` at 255 like Pillow, with the warning `image/grey16-clipped` (the default of all
   * conventions), or `scale` to 8 bits.
   */
  readonly grey16?: DecodeOptions["grey16"] | undefined;
  /**
   * The Pillow version whose order of resize passes to use: `10` is horizontal first (the default), `13` is Pillow 13's
   * choice (the default of `hf`).
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

/** The progress of a call, in images. */
export interface ProcessorProgress {
  /** Distinguishes this progress from a download's. */
  readonly kind: "process";
  /** The number of finished images. */
  readonly done: number;
  /** The number of images of the call. */
  readonly total: number;
}

/** Options of a processor call, such as truncation and padding of texts. */
export interface ProcessorCallOptions extends EncodeOptions {
  /** Called after each image. */
  readonly onProgress?: ((progress: ProcessorProgress) => void) | undefined;
  /** Cancels the call. */
  readonly signal?: AbortSignal | undefined;
  /** The most pixels of an image in this call; by default the processor's own limit. */
  readonly maxPixels?: number | undefined;
  /**
   * Applies BLIP's caption clean-up before the tokenizer. By default true for `blip` and `lavis`, false for `hf` and
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
