// Image-text matching and contrastive similarity, like transformers' `BlipForImageTextRetrieval`.
import { asyncDispose, type Closable, expectOptions, optionNames, picked } from "@blip-ts/base";
import { floatTensor, type Tensor } from "@blip-ts/graph";
import type { BlipConfig } from "../model/config.ts";
import type { Platform } from "../platform.ts";
import { type RunOptions, runOptionNames } from "@blip-ts/engine";
import { cosineMatrix } from "../run/cosine-matrix.ts";
import { encodersOf } from "../run/encoders.ts";
import {
  type EncodedImages,
  type ImageEncoder,
  type ImageOptions,
  imageOptionNames,
} from "../run/image-encoder.ts";
import type { EncodedTextStates, TextEncoder } from "../run/text-encoder.ts";
import { expectFinite, finiteEncoding } from "../run/finite.ts";
import { imageCount } from "../run/tensor-checks.ts";
import type { TextFeeds } from "../run/text-feeds.ts";
import type { CrossAttentionOptions, CrossAttentionWork } from "../run/cross-attention.ts";
import { loadNetwork, type LoadedNetwork } from "../load/load-model.ts";
import type { ModelOptions } from "../load/model-options.ts";
import { savePretrained } from "../save/save.ts";

/** Pixel values [B, 3, H, W] with the ids of B texts, or of a multiple of B texts. */
export interface RetrievalInputs extends TextFeeds {
  /** [B, 3, S, S] */
  readonly pixelValues: Tensor<"float32">;
}

/** The progress of a call, in rows. */
export interface ForwardProgress {
  /** Distinguishes this progress from a download's. */
  readonly kind: "forward";
  /** The number of finished rows. */
  readonly done: number;
  /** The number of rows of the call. */
  readonly total: number;
}

/** Options of a call. */
export interface ForwardOptions extends ImageOptions {
  /** Whether to compute ITM logits (true, the default) or the cosine matrix (false). */
  readonly useItmHead?: boolean;
  /** Called at the start, after the image step, and after the text step. */
  readonly onProgress?: ((progress: ForwardProgress) => void) | undefined;
}

const forwardOptionNames = optionNames<ForwardOptions>()({
  ...imageOptionNames,
  useItmHead: true,
  onProgress: true,
});

/** The output of a call, like transformers' BlipImageTextMatchingModelOutput. */
export interface RetrievalOutput {
  /** [B, 2] logits of "does not match" and "matches"; with `useItmHead: false` cosines [images, texts]. */
  readonly itmScore: Tensor<"float32">;
  /** All image states after the final LayerNorm, [B, N, D]. */
  readonly lastHiddenState: Tensor<"float32">;
  /** All text states, [B, T, D], with cross-attention to the image; without it if `useItmHead` is false. */
  readonly questionEmbeds: Tensor<"float32">;
}

/** A matching model: scores image-text pairs by ITM and by cosine. */
export class ImageTextRetrieval implements Closable {
  /** The network with its configuration. */
  readonly loaded: LoadedNetwork;
  /** The image encoder. Its outputs are not checked for finite numbers; verbs check them row by row. */
  readonly images: ImageEncoder;
  /** The text encoder. */
  readonly texts: TextEncoder;

  constructor(loaded: LoadedNetwork, { images, texts } = encodersOf(loaded, ["match"])) {
    this.loaded = loaded;
    this.images = images;
    this.texts = texts;
    images.prepare();
  }

  /** @throws {ModelError} if the model cannot be found, read, or used for matching */
  static async load(platform: Platform<never>, source: string, options: ModelOptions = {}) {
    return new ImageTextRetrieval(await loadNetwork(platform, source, ["match"], options));
  }

  /** The network's sizes. */
  get config(): BlipConfig {
    return this.loaded.config;
  }

  /**
   * Encodes images [B, 3, S, S]. Returns all states and unit vectors.
   * @throws {UsageError} `model/bad-pixels` @throws {ModelError} `model/not-finite`
   */
  async encodeImages(pixelValues: Tensor<"float32">, options: ImageOptions = {}): Promise<EncodedImages> {
    expectOptions("encodeImages", options, imageOptionNames);
    return finiteEncoding(this.#name, "image", await this.images.encode(pixelValues, options));
  }

  /**
   * Encodes texts without images. Returns all states [B, T, D] and unit vectors [B, E]. The first token stays [CLS].
   * @throws {ModelError} `model/not-finite`
   */
  async encodeTexts(texts: TextFeeds, options: RunOptions = {}): Promise<EncodedTextStates> {
    expectOptions("encodeTexts", options, runOptionNames);
    return finiteEncoding(this.#name, "text", await this.texts.encodeTexts(texts, options));
  }

  /**
   * Matches B texts with images by cross-attention to `imageStates` [I, N, D]. B is a multiple of I: the first B/I
   * texts belong to the first image, and so on. Returns logits [B, 2] and all text states [B, T, D].
   * @throws {UsageError} `model/unequal-batches`, `model/bad-ids`, `model/bad-states` @throws {ModelError}
   * `model/not-finite`
   */
  async matchTexts(
    imageStates: Tensor<"float32">,
    texts: TextFeeds,
    options: RunOptions = {},
  ): Promise<{ readonly logits: Tensor<"float32">; readonly states: Tensor<"float32"> }> {
    expectOptions("matchTexts", options, runOptionNames);
    const { logits, states } = await this.texts.crossAttend([imageStates], texts, "itm", options);
    if (!logits) throw new Error("the head of matching gave no logits");
    expectFinite(this.#name, "the states of text", states);
    return { logits: expectFinite(this.#name, itmLogits, logits), states };
  }

  /**
   * Computes only the ITM logits [B, 2] for the inputs of `matchTexts`. It is faster, because it skips padding and
   * states that the head does not read. It takes any number of texts, runs batches of similar length, and computes an
   * image's keys and values once.
   * @throws {UsageError} `model/unequal-batches`, `model/bad-ids`, `model/bad-states` @throws {ModelError}
   * `model/not-finite`
   */
  async scoreTexts(
    imageStates: Tensor<"float32">,
    texts: TextFeeds,
    options: RunOptions = {},
  ): Promise<Tensor<"float32">> {
    expectOptions("scoreTexts", options, runOptionNames);
    return expectFinite(this.#name, itmLogits, await this.texts.score([imageStates], texts, "itm", options));
  }

  /** Computes the ITM logits of arbitrary image-text pairs. @throws {ModelError} `model/not-finite` */
  async scorePairs(
    work: CrossAttentionWork,
    options: Pick<CrossAttentionOptions, "form" | "signal"> = {},
  ): Promise<readonly (readonly [number, number])[]> {
    const { logits } = await this.texts.crossAttention.run(work, { ...options, head: "itm" });
    expectFinite(this.#name, itmLogits, floatTensor([logits.length, 2], logits.flat()));
    return logits;
  }

  /**
   * Computes the unit vectors [B, E] of any number of texts.
   * @throws {UsageError} `model/bad-ids` @throws {ModelError} `model/not-finite`
   */
  async textFeatures(texts: TextFeeds, options: RunOptions = {}): Promise<Tensor<"float32">> {
    expectOptions("textFeatures", options, runOptionNames);
    return expectFinite(
      this.#name,
      "the unit vector of text",
      (await this.texts.readTexts(texts, options)).features,
    );
  }

  /** Starts loading the sessions that `scoreTexts` needs for texts distributed among images. */
  prepareToScore(texts: TextFeeds, images: number): void {
    this.texts.prepareToCrossAttend(texts, images, { head: "itm", scores: true });
  }

  /**
   * Computes the ITM logits of each image with its text, or with `useItmHead: false` the cosine of every image-text
   * pair. Follows transformers' `BlipForImageTextRetrieval.forward`.
   * @throws {UsageError} `model/bad-pixels`, `model/unequal-batches`, `model/bad-ids`
   * @throws {ModelError} `model/not-finite`
   */
  async forward(inputs: RetrievalInputs, options: ForwardOptions = {}): Promise<RetrievalOutput> {
    expectOptions("forward", options, forwardOptionNames);
    const { useItmHead = true, signal, onProgress } = options;
    const report = (done: number) => onProgress?.({ kind: "forward", done, total: 2 });
    report(0);
    // Load the text session while the images are encoded.
    const count = imageCount(inputs.pixelValues);
    if (useItmHead) this.texts.prepareToCrossAttend(inputs, count, { head: "itm" });
    else this.texts.prepareToRead();
    const images = await this.encodeImages(
      inputs.pixelValues,
      picked<ImageOptions>(options, imageOptionNames),
    );
    report(1);
    if (useItmHead) {
      const { logits, states } = await this.matchTexts(images.states, inputs, { signal });
      report(2);
      return { itmScore: logits, lastHiddenState: images.states, questionEmbeds: states };
    }
    const texts = await this.encodeTexts(inputs, { signal });
    report(2);
    return {
      itmScore: cosineMatrix(images.features, texts.features),
      lastHiddenState: images.states,
      questionEmbeds: texts.states,
    };
  }

  /** Writes a folder that transformers can load. @throws {UsageError} `save/...` if it cannot be written */
  savePretrained(folder: string): Promise<void> {
    return savePretrained(this.loaded, "match", folder);
  }

  /** Frees the model. A second call has no effect. Later calls of other methods throw `usage/disposed`. */
  async close(): Promise<void> {
    await this.loaded.network.close();
  }

  /** Calls `close`, for `await using`. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }

  get #name(): string {
    return this.loaded.opened.files.name;
  }
}

const itmLogits = "the ITM logits of pair";
