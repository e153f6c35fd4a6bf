// A matching model for retrieval: encodes texts and images to unit vectors and states, and scores pairs.
import { allFinite, asyncDispose, BlipError, type Closable, must, orClosed } from "@blip-ts/base";
import { notFinite } from "@blip-ts/engine";
import type { Tensor } from "@blip-ts/graph";
import { ImageTextRetrieval } from "../../classes/image-text-retrieval.ts";
import { loadNetwork, type LoadedNetwork } from "../../load/load-model.ts";
import { imageTokens } from "../../model/config.ts";
import type { Platform } from "../../platform.ts";
import { stackPixels } from "../../processor/image-processor.ts";
import { failuresOf, orNotFinite } from "../../run/finite.ts";
import { textRows, trimmed, type TokenRow } from "../../run/text-batches.ts";
import { preCaption } from "../../text/pre-caption.ts";
import { cleansTexts } from "../../processor/text-processor.ts";
import type { EncodedTexts } from "../../text/word-piece.ts";
import { processorsOf, verbOptions, type Processors } from "../../verbs/image-batches.ts";
import { videoOf, type Seen } from "../../verbs/video.ts";
import type { EvaluatedImage, EvaluationHost } from "../host.ts";
import type { EvaluateOptions } from "../options.ts";
import type { Item } from "./collection.ts";

/** BLIP reads up to 40 words and 35 tokens of a clip's text (data/video_dataset.py, eval_retrieval_video.py). */
const [videoWords, videoTokens] = [40, 35];
/** The number of frames per clip, which are encoded together (data/video_dataset.py). */
const framesAtOnce = 8;

/** The decoded and resized frames of an image or a clip. */
export type Frames = readonly Float32Array[];

/** An image with the texts that attend to it. */
export interface ImageTexts {
  /** The image's states, N * D numbers. */
  readonly states: Float32Array;
  readonly texts: readonly TokenRow[];
}

export class RetrievalEncoder implements Closable {
  readonly model: ImageTextRetrieval;
  readonly #processors: Processors<EvaluatedImage>;
  readonly #host: EvaluationHost;
  readonly #options: EvaluateOptions;
  readonly #isVideo: boolean;

  private constructor(
    model: ImageTextRetrieval,
    processors: Processors<EvaluatedImage>,
    host: EvaluationHost,
    options: EvaluateOptions,
    isVideo: boolean,
  ) {
    [this.model, this.#processors, this.#host] = [model, processors, host];
    [this.#options, this.#isVideo] = [options, isVideo];
  }

  /** @throws {ModelError} if the model cannot be found, read, or used for matching */
  static async load(
    platform: Platform<EvaluatedImage>,
    source: string,
    host: EvaluationHost,
    options: EvaluateOptions,
    isVideo: boolean,
  ): Promise<RetrievalEncoder> {
    const given = verbOptions(options);
    const loaded = await loadNetwork(platform, source, ["match"], given);
    return orClosed(loaded.network, async () => {
      const processors = await processorsOf(platform, loaded, given);
      return new RetrievalEncoder(new ImageTextRetrieval(loaded), processors, host, options, isVideo);
    });
  }

  get loaded(): LoadedNetwork {
    return this.model.loaded;
  }

  /** E, the length of a unit vector. */
  get width(): number {
    return this.model.config.jointEmbedding;
  }

  /** The number of values in the states of an image, or of all frames of a clip. */
  get statesLength(): number {
    const { config, imageSize } = this.loaded;
    const one = imageTokens({ ...config.vision, imageSize }) * config.vision.hiddenSize;
    return this.#isVideo ? framesAtOnce * one : one;
  }

  /** Tokenizes texts. @throws {BlipError} if a text cannot be read */
  tokens(texts: readonly string[]): TokenRow[] {
    return textRows(this.#encode(texts)).map(trimmed);
  }

  /** Encodes texts to unit vectors of E numbers. A text that fails gets an error. */
  async readTexts(texts: readonly string[]): Promise<(Float32Array | BlipError)[]> {
    const { signal } = this.#options;
    const encoded = orError(() => this.#encode(texts));
    if (encoded instanceof BlipError) {
      if (texts.length === 1) return [encoded];
      // A text cannot be read. Encode each text separately to find it.
      const each: (Float32Array | BlipError)[] = [];
      for (const text of texts) each.push(...(await this.readTexts([text])));
      return each;
    }
    const read = await orNotFinite(() => this.model.texts.readTexts(encoded, { signal }));
    if (read instanceof BlipError) return texts.map(() => read);
    const { features } = read;
    const broken = failuresOf(this.#name, "the unit vector of the text", features);
    const E = this.width;
    return texts.map((_, row) => must(broken, row) ?? features.data.slice(row * E, (row + 1) * E));
  }

  /** Decodes an image, or the frames of a clip. */
  async frames({ frames }: Item): Promise<Frames | BlipError> {
    const { signal, maxPixels } = this.#options;
    const found: Float32Array[] = [];
    try {
      for (const frame of frames)
        found.push(await this.#processors.images.pixels(this.#host.imageOf(frame), signal, maxPixels));
      return found;
    } catch (error) {
      if (error instanceof BlipError) return error;
      throw error;
    }
  }

  /** Encodes decoded images to states and unit vectors. An image that fails gets an error. */
  async see(images: readonly Frames[]): Promise<(Seen | BlipError)[]> {
    const found = await orNotFinite(() => this.#see(images));
    if (found instanceof BlipError) return images.map(() => found);
    return found.map((seen) => {
      const [broken] = failuresOf(this.#name, "the states of the image", seen.states);
      const [wrong] = failuresOf(this.#name, "the unit vector of the image", seen.features);
      return broken ?? wrong ?? seen;
    });
  }

  /** Computes the logit of "matches" for each text of each image. An image that fails gets an error. */
  async matchLogits(images: readonly ImageTexts[]): Promise<(Float32Array | BlipError)[]> {
    const N = must(images, 0).states.length / this.model.config.vision.hiddenSize;
    const work = {
      images: images.map(({ states }) => [states] as const),
      states: N,
      rows: images.flatMap(({ texts }, image) => texts.map((text) => ({ ...text, image }))),
    };
    const { signal } = this.#options;
    const outputs = await orNotFinite(() =>
      this.model.texts.crossAttention.run(work, { head: "itm", signal }),
    );
    if (outputs instanceof BlipError) return images.map(() => outputs);
    let row = 0;
    return images.map(({ texts }) => {
      const own = outputs.logits.slice(row, (row += texts.length));
      if (!own.every(allFinite)) return notFinite(this.#name, "the ITM logits of the image's pairs");
      return Float32Array.from(own, ([, yes]) => yes);
    });
  }

  /** Frees the model. */
  close(): Promise<void> {
    return this.model.close();
  }

  /** Calls `close`, for `await using`. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }

  get #name(): string {
    return this.loaded.opened.files.name;
  }

  #encode(texts: readonly string[]): EncodedTexts {
    const reader = this.#processors.texts;
    if (!this.#isVideo || !cleansTexts(this.loaded.compat)) return reader.encode(texts);
    return reader.tokenizer.encode(
      texts.map((text) => preCaption(text, videoWords)),
      this.model.config.text.maxPositions,
      { truncation: true, maxLength: videoTokens },
    );
  }

  async #see(images: readonly Frames[]): Promise<Seen[]> {
    const { signal } = this.#options;
    const encode = (pixels: Frames) =>
      this.model.images.encode(stackPixels(pixels, this.#processors.images.config), { signal });
    if (this.#isVideo) {
      const clips: Seen[] = [];
      for (const frames of images) {
        const parts = [];
        for (let from = 0; from < frames.length; from += framesAtOnce)
          parts.push(await encode(frames.slice(from, from + framesAtOnce)));
        clips.push(videoOf(parts));
      }
      return clips;
    }
    const { states, features } = await encode(images.flat());
    return images.map((_, row) => ({ states: rowOf(states, row), features: rowOf(features, row) }));
  }
}

/** The result of `make`, or the BlipError that it throws. */
function orError<T>(make: () => T): T | BlipError {
  try {
    return make();
  } catch (error) {
    if (error instanceof BlipError) return error;
    throw error;
  }
}

/** Copies a row, so that the whole tensor can be freed. */
function rowOf({ dims, data }: Tensor<"float32">, row: number): Tensor<"float32"> {
  const [, ...rest] = dims;
  const size = rest.reduce((product, dim) => product * dim, 1);
  return { dtype: "float32", dims: [1, ...rest], data: data.slice(row * size, (row + 1) * size) };
}
