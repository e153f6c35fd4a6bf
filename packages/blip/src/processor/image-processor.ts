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

/** Checks a value, because JavaScript callers can pass any value. @throws {UsageError} `usage/bad-option` */
function oneOf(name: string, value: string, valid: readonly string[]): void {
  if (!valid.includes(value)) throw badOption(name, value, valid);
}

/** @throws {UsageError} `usage/bad-option` */
export function checkMaxPixels(maxPixels: number | undefined): void {
  if (maxPixels !== undefined && !(Number.isSafeInteger(maxPixels) && maxPixels >= 1))
    throw badOption("maxPixels", maxPixels, ["a whole number of at least 1"]);
}

/** Returns the decoding and resizing options of a convention. Explicit options override the convention's defaults. */
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

/** Returns pixel values [3, S, S] if the input represents an image that is already prepared, or else undefined. */
export type PreparedBefore<ImageInput> = (input: ImageInput) => Float32Array | undefined;

/** The decoding options of a call. */
export type DecodeCall = Pick<
  DecodeOptions,
  "signal" | "maxPixels" | "size" | "isolate" | "caller" | "timeout"
>;

/** Converts images to pixel values. */
export class ImageProcessor<ImageInput> {
  readonly config: ImageConfig;
  /** The most images in memory at a time; undefined if there is no limit. */
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

  /** Starts the child processes that decode images of untrusted callers, unless memory is limited. */
  prepareDecoders(): void {
    if (this.atOnce === undefined) this.#prepareDecoders();
  }

  /** Reads an image as pixels [3, S, S]. @throws {InputError} `image/...` @throws {UsageError} `usage/bad-option` */
  async pixels(input: ImageInput, signal?: AbortSignal, maxPixels?: number): Promise<Float32Array> {
    const { size } = this;
    return this.prepared(input) ?? this.prepare(await this.decode(input, signal, maxPixels, { size }));
  }

  /** Returns the pixel values [3, S, S] of an image that is already prepared; undefined for any other image. */
  prepared(input: ImageInput): Float32Array | undefined {
    return this.#prepared(input);
  }

  /**
   * Decodes an image to RGB bytes.
   * @param maxPixels the most pixels of this image; overrides the processor's limit
   * @param more `size`: the size to which the caller resizes the image; the decoder may already resize it
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

  /** Converts a decoded image to pixel values [3, S, S]. */
  async prepare(image: RgbImage): Promise<Float32Array> {
    const pixels = await preprocess(image, this.config, this.#order);
    this.#drawings?.look(pixels, this.config);
    return pixels;
  }

  /** Reads several images as pixel values [B, 3, S, S]. @throws {InputError} `image/...` */
  async batch(
    inputs: readonly ImageInput[],
    { signal, maxPixels, onProgress }: Pick<ProcessorCallOptions, "signal" | "maxPixels" | "onProgress"> = {},
  ): Promise<Tensor<"float32">> {
    const images: Float32Array[] = [];
    // Read one image at a time, because a decoded photograph takes far more memory than its pixel values.
    const total = inputs.length;
    for (const input of inputs) {
      images.push(await this.pixels(input, signal, maxPixels));
      onProgress?.({ kind: "process", done: images.length, total });
    }
    return stackPixels(images, this.config);
  }
}

/** Stacks images of equal size into a batch [B, 3, S, S]. */
export function stackPixels(
  images: readonly Float32Array[],
  { height, width }: Pick<ImageConfig, "height" | "width">,
): Tensor<"float32"> {
  const data = new Float32Array(images.length * 3 * height * width);
  images.forEach((pixels, index) => data.set(pixels, index * 3 * height * width));
  return floatTensor([images.length, 3, height, width], data);
}
