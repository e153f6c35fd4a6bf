// Runs the image encoder of a loaded network, and checks its inputs.
import { atLeast, must, unlessAborted, optionNames } from "@blip-ts/base";
import { floatTensor, type Tensor } from "@blip-ts/graph";
import { float32Output, type RunOptions, runOptionNames } from "@blip-ts/engine";
import type { LoadedNetwork } from "../load/load-model.ts";
import { imageGraph } from "../model/encoders.ts";
import type { ImageHead } from "../tasks/task.ts";
import { rowsOf } from "./batch-rows.ts";
import { dimsOf, imageCount } from "./tensor-checks.ts";
import type { ImageCache, ImageOutputs } from "./image-cache.ts";
import { badPixels } from "./errors.ts";

/** Options of the image encoder. */
export interface ImageOptions extends RunOptions {
  /** Accepts images of other sizes by interpolating the position embeddings. Default: false. */
  readonly interpolatePosEncoding?: boolean | undefined;
}

export const imageOptionNames = optionNames<ImageOptions>()({
  ...runOptionNames,
  interpolatePosEncoding: true,
});

/** The outputs of the image encoder. */
export interface EncodedImages {
  /** All states, [B, N, D]. */
  readonly states: Tensor<"float32">;
  /** Unit vectors, [B, E]. */
  readonly features: Tensor<"float32">;
  /** The embeddings before normalization to unit length, [B, E]. */
  readonly projections: Tensor<"float32">;
}

/** Concatenates the outputs of a batch's parts. */
function joined(parts: readonly Record<string, Tensor>[]): ImageOutputs {
  const [first = {}] = parts;
  return Object.fromEntries(
    Object.keys(first).map((name) => {
      const chunks = parts.map((part) => float32Output(part, name));
      const [only] = chunks;
      if (only && chunks.length === 1) return [name, only];
      const data = new Float32Array(chunks.reduce((sum, chunk) => sum + chunk.data.length, 0));
      let from = 0;
      for (const chunk of chunks) {
        data.set(chunk.data, from);
        from += chunk.data.length;
      }
      const count = chunks.reduce((sum, { dims }) => sum + must(dims, 0), 0);
      return [name, floatTensor([count, ...(only?.dims.slice(1) ?? [])], data)];
    }),
  );
}

/** Runs the image encoder. Its outputs are not checked; callers check that they are finite (`finite.ts`). */
export class ImageEncoder {
  readonly loaded: LoadedNetwork;
  readonly #head: ImageHead | undefined;
  readonly #cache: ImageCache | undefined;

  /**
   * @param head the projection of an image's class token
   * @param cache caches the outputs of the last images; if omitted, every call encodes its images
   */
  constructor(loaded: LoadedNetwork, head?: ImageHead, cache?: ImageCache) {
    this.loaded = loaded;
    this.#head = head;
    this.#cache = cache;
  }

  /**
   * Starts loading the session for images of the model's size, while the first image is still being read. A failure is
   * reported at the session's first use.
   */
  prepare(): void {
    const { imageSize } = this.loaded;
    void this.#session(imageSize, imageSize);
  }

  /**
   * Encodes images [B, 3, S, S]. Returns all states [B, N, D].
   * @throws {UsageError} `model/bad-pixels`
   */
  async states(pixelValues: Tensor<"float32">, options: ImageOptions = {}): Promise<Tensor<"float32">> {
    return float32Output(await this.#outputs(pixelValues, options), "image_embeds");
  }

  /** Encodes images. Returns their states and joint embeddings. @throws {UsageError} `model/bad-pixels` */
  async encode(pixelValues: Tensor<"float32">, options: ImageOptions = {}): Promise<EncodedImages> {
    const outputs = await this.#outputs(pixelValues, options);
    return {
      states: float32Output(outputs, "image_embeds"),
      features: float32Output(outputs, "image_features"),
      projections: float32Output(outputs, "image_projection"),
    };
  }

  /**
   * Encodes an image of the model's size, and caches its outputs until the returned function is called.
   * @param pixelValues [1, 3, S, S] @throws {UsageError} `model/bad-pixels` @throws the signal's reason
   */
  hold(pixelValues: Tensor<"float32">, { signal }: RunOptions = {}): Promise<() => void> {
    if (!this.#cache) throw new Error("an encoder without a cache holds no image");
    this.#check(pixelValues, false);
    return this.#cache.hold(pixelValues, (pixels, stop) => this.#run(pixels, { signal: stop }), signal);
  }

  #session(height: number, width: number) {
    const head = this.#head;
    return this.loaded.network.session(
      `image ${head ?? ""} ${height}x${width}`,
      () => imageGraph(this.loaded.config, { height, width, head }),
      { prepack: false },
    );
  }

  async #outputs(pixelValues: Tensor<"float32">, options: ImageOptions): Promise<ImageOutputs> {
    this.#check(pixelValues, options.interpolatePosEncoding === true);
    return this.#cache
      ? this.#cache.run(pixelValues, (pixels, stop) => this.#run(pixels, { signal: stop }), options.signal)
      : this.#run(pixelValues, options);
  }

  /** @throws {UsageError} `model/bad-pixels` */
  #check(pixelValues: Tensor<"float32">, interpolate: boolean): void {
    const dims = dimsOf(pixelValues);
    const [, channels, height, width] = dims;
    const { imageSize } = this.loaded;
    const { patchSize } = this.loaded.config.vision;
    const expected = height === imageSize && width === imageSize;
    const usable = [height, width].every((side) => interpolate && side !== undefined && side >= patchSize);
    if (dims.length !== 4 || channels !== 3 || !(expected || usable)) throw badPixels(dims, imageSize);
    imageCount(pixelValues);
  }

  async #run(pixelValues: Tensor<"float32">, options: RunOptions): Promise<ImageOutputs> {
    const [count, , height, width] = atLeast(pixelValues.dims, 4);
    const session = await unlessAborted(this.#session(height, width), options.signal);
    // In 8 bits, run images one by one, so that each image has its own rounding. Its 577 rows keep all cores busy.
    const step = this.loaded.network.dtype === "int8" ? 1 : (this.loaded.limits.images ?? count);
    const parts: Record<string, Tensor>[] = [];
    for (let from = 0; from < count; from += step) {
      const part = step >= count ? pixelValues : rowsOf(pixelValues, from, Math.min(count, from + step));
      parts.push(await session.run({ pixel_values: part }, options));
    }
    return joined(parts);
  }
}
