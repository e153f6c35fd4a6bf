// Images as a model reads them: decoded, resized, normalised, stacked.
import { floatTensor, type Tensor } from "@blip-ts/graph";
import { preprocess, type ImageConfig } from "../image/preprocess.ts";
import type { RgbImage } from "../image/raw-image.ts";
import type { Compat, Platform } from "../platform.ts";
import type { DecodeOptions } from "../image/decode-options.ts";
import { badOption } from "@blip-ts/base";
import type { ProcessorOptions, ProcessorCallOptions } from "./options.ts";

/** Callers in JavaScript are not held to the types. */
function oneOf(name: string, value: string, valid: readonly string[]): void {
  if (!valid.includes(value)) throw badOption(name, value, valid);
}

/** @throws {UsageError} `usage/bad-option` */
export function checkMaxPixels(maxPixels: number | undefined): void {
  if (maxPixels !== undefined && !(Number.isSafeInteger(maxPixels) && maxPixels >= 1))
    throw badOption("maxPixels", maxPixels, ["a whole number of at least 1"]);
}

/** How pictures are decoded, by convention; an explicit option wins. */
export function decodeDefaults(
  compat: Compat,
  options: Pick<ProcessorOptions, "alpha" | "orientation" | "maxPixels">,
) {
  const hf = compat === "hf";
  const { alpha = hf ? "white" : "drop", orientation = hf ? "stored" : "upright" } = options;
  oneOf("alpha", alpha, ["white", "drop"]);
  oneOf("orientation", orientation, ["stored", "upright"]);
  checkMaxPixels(options.maxPixels);
  return { alpha, orientation, grey16: hf ? "clip" : "scale", maxPixels: options.maxPixels } as const;
}

/** [3, S, S] of an input that stands for an image that was prepared before. */
export type PreparedBefore<ImageInput> = (input: ImageInput) => Float32Array | undefined;

/** Pictures to pixel values. */
export class ImageProcessor<ImageInput> {
  readonly config: ImageConfig;
  /** Pictures that may be in memory at a time; undefined where it is the caller's choice. */
  readonly atOnce: number | undefined;
  readonly #decode: (input: ImageInput, signal?: AbortSignal, maxPixels?: number) => Promise<RgbImage>;
  readonly #prepared: PreparedBefore<ImageInput>;

  constructor(
    platform: Pick<Platform<ImageInput>, "decodeImage">,
    config: ImageConfig,
    options: DecodeOptions,
    atOnce?: number,
    prepared: PreparedBefore<ImageInput> = () => undefined,
  ) {
    this.config = config;
    this.atOnce = atOnce;
    this.#prepared = prepared;
    this.#decode = (input, signal, maxPixels = options.maxPixels) =>
      platform.decodeImage(input, { ...options, signal, maxPixels });
  }

  /** [3, S, S] of one picture. @throws {InputError} `image/...` @throws {UsageError} `usage/bad-option` */
  async pixels(input: ImageInput, signal?: AbortSignal, maxPixels?: number): Promise<Float32Array> {
    return this.prepared(input) ?? this.prepare(await this.decode(input, signal, maxPixels));
  }

  /** [3, S, S] of an image that was prepared before; undefined for all others. */
  prepared(input: ImageInput): Float32Array | undefined {
    return this.#prepared(input);
  }

  /**
   * A picture as RGB bytes.
   * @param maxPixels most pixels of it, instead of this processor's own limit
   * @throws {InputError} `image/...` @throws {UsageError} `usage/bad-option`
   */
  async decode(input: ImageInput, signal?: AbortSignal, maxPixels?: number): Promise<RgbImage> {
    checkMaxPixels(maxPixels);
    signal?.throwIfAborted();
    return this.#decode(input, signal, maxPixels);
  }

  /** [3, S, S] of a decoded picture. */
  prepare(image: RgbImage): Promise<Float32Array> {
    return preprocess(image, this.config);
  }

  /** [B, 3, S, S] of several pictures. @throws {InputError} `image/...` */
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

/** Pictures of one size as a batch [B, 3, S, S]. */
export function stackPixels(
  images: readonly Float32Array[],
  { height, width }: Pick<ImageConfig, "height" | "width">,
): Tensor<"float32"> {
  const data = new Float32Array(images.length * 3 * height * width);
  images.forEach((pixels, index) => data.set(pixels, index * 3 * height * width));
  return floatTensor([images.length, 3, height, width], data);
}
