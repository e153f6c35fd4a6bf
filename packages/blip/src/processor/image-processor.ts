// Prepares images for a model: decodes, resizes, normalizes and stacks them.
import { floatTensor, type Tensor } from "@blip-ts/graph";
import { serverMaxPixels } from "../image/image-bounds.ts";
import { DrawingsOnly } from "../image/photograph.ts";
import { preprocess, type ImageConfig } from "../image/preprocess.ts";
import type { RgbImage } from "../image/raw-image.ts";
import type { Compat, Platform } from "../platform.ts";
import type { DecodeOptions, ResizedSize } from "../image/decode-options.ts";
import { type PillowOrder, pillowOrders } from "../image/resize-bicubic.ts";
import { badOption } from "@blip-ts/base";
import type { ProcessorOptions, ProcessorCallOptions } from "./options.ts";

/** JavaScript callers can pass any value. */
function oneOf(name: string, value: string, valid: readonly string[]): void {
  if (!valid.includes(value)) throw badOption(name, value, valid);
}

/** @throws {UsageError} `usage/bad-option` */
export function checkMaxPixels(maxPixels: number | undefined): void {
  if (maxPixels !== undefined && !(Number.isSafeInteger(maxPixels) && maxPixels >= 1))
    throw badOption("maxPixels", maxPixels, ["a whole number of at least 1"]);
}

/** Decoding and resizing options by convention; explicit options take precedence. */
export function decodeDefaults(
  compat: Compat,
  options: Pick<
    ProcessorOptions,
    "alpha" | "orientation" | "grey16" | "pillowOrder" | "maxPixels" | "allowPrivateRedirects"
  >,
) {
  const hf = compat === "hf";
  const stored = hf || compat === "demo";
  const { alpha = hf ? "white" : "drop", orientation = stored ? "stored" : "upright" } = options;
  oneOf("alpha", alpha, ["white", "drop"]);
  const { pillowOrder = hf ? "13" : "10", grey16 = "clip" } = options;
  oneOf("orientation", orientation, ["stored", "upright"]);
  oneOf("grey16", grey16, ["clip", "scale"]);
  oneOf("pillowOrder", pillowOrder, pillowOrders);
  checkMaxPixels(options.maxPixels);
  const { maxPixels, allowPrivateRedirects } = options;
  return { alpha, orientation, grey16, pillowOrder, maxPixels, allowPrivateRedirects } as const;
}

/** Returns [3, S, S] if the input stands for an image that is already prepared. */
export type PreparedBefore<ImageInput> = (input: ImageInput) => Float32Array | undefined;

/** A call's decode options. */
export type DecodeCall = Pick<
  DecodeOptions,
  "signal" | "maxPixels" | "size" | "isolate" | "caller" | "timeout"
>;

/** Turns images into pixel values. */
export class ImageProcessor<ImageInput> {
  readonly config: ImageConfig;
  /** The most images in memory at a time; undefined if the caller decides. */
  readonly atOnce: number | undefined;
  readonly #order: PillowOrder;
  readonly #decode: (input: ImageInput, call: DecodeCall) => Promise<RgbImage>;
  readonly #prepareDecoders: () => void;
  readonly #prepared: PreparedBefore<ImageInput>;
  readonly #drawings: DrawingsOnly | undefined;

  constructor(
    platform: Pick<Platform<ImageInput>, "decodeImage" | "prepareDecoders">,
    config: ImageConfig,
    {
      pillowOrder,
      drawingsOnly = false,
      ...options
    }: DecodeOptions & { readonly pillowOrder: PillowOrder; readonly drawingsOnly?: boolean },
    atOnce?: number,
    prepared: PreparedBefore<ImageInput> = () => undefined,
  ) {
    this.config = config;
    this.#order = pillowOrder;
    const { onWarning } = options;
    this.#drawings = drawingsOnly && onWarning ? new DrawingsOnly(onWarning) : undefined;
    this.atOnce = atOnce;
    this.#prepared = prepared;
    this.#prepareDecoders = () => platform.prepareDecoders?.();
    this.#decode = (input, call) => {
      const ofAnyone = call.isolate === true ? serverMaxPixels : undefined;
      const maxPixels = call.maxPixels ?? options.maxPixels ?? ofAnyone;
      return platform.decodeImage(input, { ...options, ...call, maxPixels });
    };
  }

  /** The size to which images are resized; undefined if they are not resized. */
  get size(): ResizedSize | undefined {
    const { doResize, width, height } = this.config;
    return doResize ? { width, height, order: this.#order } : undefined;
  }

  /** Starts the decoder processes for untrusted callers' images, unless memory is bounded. */
  prepareDecoders(): void {
    if (this.atOnce === undefined) this.#prepareDecoders();
  }

  /** Pixel values [3, S, S] of one image. @throws {InputError} `image/...` @throws {UsageError} `usage/bad-option` */
  async pixels(input: ImageInput, signal?: AbortSignal, maxPixels?: number): Promise<Float32Array> {
    const { size } = this;
    return this.prepared(input) ?? this.prepare(await this.decode(input, signal, maxPixels, { size }));
  }

  /** Pixel values [3, S, S] of an image that is already prepared; undefined for all others. */
  prepared(input: ImageInput): Float32Array | undefined {
    return this.#prepared(input);
  }

  /**
   * Decodes an image to RGB bytes.
   * @param maxPixels the most pixels of this image, in place of the processor's own limit
   * @param more `size`: the size to which the caller resizes the image; the decoder may already have done so
   * @throws {InputError} `image/...` @throws {UsageError} `usage/bad-option`
   */
  async decode(
    input: ImageInput,
    signal?: AbortSignal,
    maxPixels?: number,
    more: Omit<DecodeCall, "signal" | "maxPixels"> = {},
  ): Promise<RgbImage> {
    checkMaxPixels(maxPixels);
    signal?.throwIfAborted();
    return this.#decode(input, { ...more, signal, maxPixels });
  }

  /** Pixel values [3, S, S] of a decoded image. */
  async prepare(image: RgbImage): Promise<Float32Array> {
    const pixels = await preprocess(image, this.config, this.#order);
    this.#drawings?.look(pixels, this.config);
    return pixels;
  }

  /** Pixel values [B, 3, S, S] of several images. @throws {InputError} `image/...` */
  async batch(
    inputs: readonly ImageInput[],
    { signal, maxPixels, onProgress }: Pick<ProcessorCallOptions, "signal" | "maxPixels" | "onProgress"> = {},
  ): Promise<Tensor<"float32">> {
    const images: Float32Array[] = [];
    // One at a time: a decoded photograph takes far more memory than its pixel values.
    const total = inputs.length;
    for (const input of inputs) {
      images.push(await this.pixels(input, signal, maxPixels));
      onProgress?.({ kind: "process", done: images.length, total });
    }
    return stackPixels(images, this.config);
  }
}

/** Stacks images of one size to a batch [B, 3, S, S]. */
export function stackPixels(
  images: readonly Float32Array[],
  { height, width }: Pick<ImageConfig, "height" | "width">,
): Tensor<"float32"> {
  const data = new Float32Array(images.length * 3 * height * width);
  images.forEach((pixels, index) => data.set(pixels, index * 3 * height * width));
  return floatTensor([images.length, 3, height, width], data);
}
