// Matching and contrast as transformers' `BlipForImageTextRetrieval` offers them.
import { asyncDispose, type Closable } from "@blip-ts/base";
import { floatTensor, type Tensor } from "@blip-ts/graph";
import type { BlipConfig } from "../model/config.ts";
import type { Platform } from "../platform.ts";
import type { RunOptions } from "@blip-ts/engine";
import { cosineMatrix } from "../run/cosine-matrix.ts";
import { encodersOf } from "../run/encoders.ts";
import type { EncodedImages, ImageEncoder, ImageOptions } from "../run/image-encoder.ts";
import type { EncodedTextStates, TextEncoder } from "../run/text-encoder.ts";
import { expectFinite, finiteEncoding } from "../run/finite.ts";
import { imageCount } from "../run/tensor-checks.ts";
import type { TextFeeds } from "../run/text-feeds.ts";
import type { CrossAttentionOptions, CrossAttentionWork } from "../run/cross-attention.ts";
import { loadNetwork, type LoadedNetwork } from "../load/load-model.ts";
import type { ModelOptions } from "../load/model-options.ts";
import { savePretrained } from "../save/save.ts";

/** Pixel values [B, 3, H, W] with the ids of as many texts, or of a multiple. */
export interface RetrievalInputs extends TextFeeds {
  /** [B, 3, S, S] */
  readonly pixelValues: Tensor<"float32">;
}

/** How many rows of a call are done. */
export interface ForwardProgress {
  /** Tells this progress from a download's. */
  readonly kind: "forward";
  /** Rows that are done. */
  readonly done: number;
  /** All rows of the call. */
  readonly total: number;
}

/** What a call computes, and how. */
export interface ForwardOptions extends ImageOptions {
  /** true (default): ITM logits; false: the cosine matrix. */
  readonly useItmHead?: boolean;
  /** Called before the first and after each of the two steps: the picture, the text. */
  readonly onProgress?: ((progress: ForwardProgress) => void) | undefined;
}

/** What a call gives, as transformers' BlipImageTextMatchingModelOutput. */
export interface RetrievalOutput {
  /** [B, 2] logits of "does not match" and "matches", or with `useItmHead: false` cosines [images, texts]. */
  readonly itmScore: Tensor<"float32">;
  /** All image states after the final LayerNorm, [B, N, D]. */
  readonly lastHiddenState: Tensor<"float32">;
  /** All text states, [B, T, D]: looking at the image, or with `useItmHead: false` alone. */
  readonly questionEmbeds: Tensor<"float32">;
}

/** The network of one checkpoint, ready for pictures and texts. */
export class ImageTextRetrieval implements Closable {
  /** The network with its configuration. */
  readonly loaded: LoadedNetwork;
  /** The network without the check that its numbers are finite: verbs make it row by row. */
  readonly images: ImageEncoder;
  /** The text encoder. */
  readonly texts: TextEncoder;

  constructor(loaded: LoadedNetwork, { images, texts } = encodersOf(loaded, ["match"])) {
    this.loaded = loaded;
    this.images = images;
    this.texts = texts;
    images.prepare();
  }

  /** @throws {ModelError} where the model cannot be found, read, or used for matching */
  static async load(platform: Platform<never>, source: string, options: ModelOptions = {}) {
    return new ImageTextRetrieval(await loadNetwork(platform, source, ["match"], options));
  }

  /** The network's sizes. */
  get config(): BlipConfig {
    return this.loaded.config;
  }

  /**
   * Pictures [B, 3, S, S]: all states and unit vectors.
   * @throws {UsageError} `model/bad-pixels` @throws {ModelError} `model/not-finite`
   */
  async encodeImages(pixelValues: Tensor<"float32">, options: ImageOptions = {}): Promise<EncodedImages> {
    return finiteEncoding(this.#name, "image", await this.images.encode(pixelValues, options));
  }

  /**
   * Texts alone: all states [B, T, D] and unit vectors [B, E]. Index 0 stays [CLS].
   * @throws {ModelError} `model/not-finite`
   */
  async encodeTexts(texts: TextFeeds, options: RunOptions = {}): Promise<EncodedTextStates> {
    return finiteEncoding(this.#name, "text", await this.texts.encodeTexts(texts, options));
  }

  /**
   * Texts that look at images: `imageStates` [I, N, D] and B texts, B a multiple of I; each image in turn has B/I of the
   * texts. Returns logits [B, 2] and all text states [B, T, D].
   * @throws {UsageError} `model/unequal-batches`, `model/bad-ids`, `model/bad-states` @throws {ModelError} `model/not-finite`
   */
  async matchTexts(
    imageStates: Tensor<"float32">,
    texts: TextFeeds,
    options: RunOptions = {},
  ): Promise<{ readonly logits: Tensor<"float32">; readonly states: Tensor<"float32"> }> {
    const { logits, states } = await this.texts.crossAttend([imageStates], texts, "itm", options);
    if (!logits) throw new Error("the head of matching gave no logits");
    expectFinite(this.#name, "the states of text", states);
    return { logits: expectFinite(this.#name, itmLogits, logits), states };
  }

  /**
   * What the ITM head says of the same, [B, 2], and no states: faster, as padding and what the head does not read are not
   * computed. Any number of texts; they go in batches of like length, and an image's keys and values are made once.
   * @throws {UsageError} `model/unequal-batches`, `model/bad-ids`, `model/bad-states` @throws {ModelError} `model/not-finite`
   */
  async scoreTexts(
    imageStates: Tensor<"float32">,
    texts: TextFeeds,
    options: RunOptions = {},
  ): Promise<Tensor<"float32">> {
    return expectFinite(this.#name, itmLogits, await this.texts.score([imageStates], texts, "itm", options));
  }

  /** The same for texts with images of their choice. @throws {ModelError} `model/not-finite` */
  async scorePairs(
    work: CrossAttentionWork,
    options: Pick<CrossAttentionOptions, "form" | "signal"> = {},
  ): Promise<readonly (readonly [number, number])[]> {
    const { logits } = await this.texts.crossAttention.run(work, { ...options, head: "itm" });
    expectFinite(this.#name, itmLogits, floatTensor([logits.length, 2], logits.flat()));
    return logits;
  }

  /**
   * Unit vectors of texts of any number, [B, E].
   * @throws {UsageError} `model/bad-ids` @throws {ModelError} `model/not-finite`
   */
  async textFeatures(texts: TextFeeds, options: RunOptions = {}): Promise<Tensor<"float32">> {
    return expectFinite(
      this.#name,
      "the unit vector of text",
      (await this.texts.readTexts(texts, options)).features,
    );
  }

  /** Begins to load what `scoreTexts` needs for texts that are shared out among images. */
  prepareToScore(texts: TextFeeds, images: number): void {
    this.texts.prepareToCrossAttend(texts, images, { head: "itm", scores: true });
  }

  /**
   * ITM logits of each picture with its text, or with `useItmHead: false` the cosines of all pictures with all texts.
   * Follows transformers' `BlipForImageTextRetrieval.forward`.
   * @throws {UsageError} `model/bad-pixels`, `model/unequal-batches`, `model/bad-ids`
   * @throws {ModelError} `model/not-finite`
   */
  async forward(inputs: RetrievalInputs, options: ForwardOptions = {}): Promise<RetrievalOutput> {
    const { useItmHead = true, signal, onProgress } = options;
    const report = (done: number) => onProgress?.({ kind: "forward", done, total: 2 });
    report(0);
    // The text's session is loaded while the picture is looked at.
    const count = imageCount(inputs.pixelValues);
    if (useItmHead) this.texts.prepareToCrossAttend(inputs, count, { head: "itm" });
    else this.texts.prepareToRead();
    const images = await this.encodeImages(inputs.pixelValues, options);
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

  /** Writes a folder that transformers loads. @throws {UsageError} `save/...` where it cannot be written */
  savePretrained(folder: string): Promise<void> {
    return savePretrained(this.loaded, "match", folder);
  }

  /** Frees the model. A second call does nothing more; other calls are refused from now on (`usage/disposed`). */
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
