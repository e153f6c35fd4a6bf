// NLVR2: decides whether a statement about two images is true (models/blip_nlvr.py; transformers has no such class).
import { type Closable, asyncDispose, atLeast, must, expectOptions } from "@blip-ts/base";
import type { Tensor } from "@blip-ts/graph";
import type { BlipConfig } from "../model/config.ts";
import type { Platform } from "../platform.ts";
import { encodersOf } from "../run/encoders.ts";
import { type ImageEncoder, type ImageOptions, imageOptionNames } from "../run/image-encoder.ts";
import type { TextEncoder } from "../run/text-encoder.ts";
import { expectFinite } from "../run/finite.ts";
import { imageCount } from "../run/tensor-checks.ts";
import { checkTextFeeds, type TextFeeds } from "../run/text-feeds.ts";
import { loadNetwork, type LoadedNetwork } from "../load/load-model.ts";
import type { ModelOptions } from "../load/model-options.ts";
import { rowsOf } from "../run/batch-rows.ts";
import { savePretrained } from "../save/save.ts";
import { unequalPairs } from "../run/errors.ts";

/** Statements [B, T] about images [2B, 3, S, S]: the first B images are left, the last B images are right. */
export interface StatementInputs extends TextFeeds {
  /** All left images, then all right images [2B, 3, H, W]. */
  readonly pixelValues: Tensor<"float32">;
}

/** NLVR2: decides whether a statement about two images is true (models/blip_nlvr.py, models/nlvr_encoder.py). */
export class NaturalLanguageVisualReasoning implements Closable {
  /** The network with its configuration. */
  readonly loaded: LoadedNetwork;
  /** The image encoder. Its outputs are not checked for finite numbers; verbs check them row by row. */
  readonly images: ImageEncoder;
  /** The text encoder. */
  readonly texts: TextEncoder;

  constructor(loaded: LoadedNetwork, { images, texts } = encodersOf(loaded, ["compare"])) {
    this.loaded = loaded;
    this.images = images;
    this.texts = texts;
    images.prepare();
  }

  /** @throws {ModelError} if the model cannot be found, read, or used for NLVR2 */
  static async load(platform: Platform<never>, source: string, options: ModelOptions = {}) {
    const loaded = await loadNetwork(platform, source, ["compare"], {
      ...options,
      compat: options.compat ?? "blip",
    });
    return new NaturalLanguageVisualReasoning(loaded);
  }

  /** The network's sizes. */
  get config(): BlipConfig {
    return this.loaded.config;
  }

  /**
   * Computes the logits [B, 2] of "false" and "true", and all text states [B, T, D].
   * @throws {UsageError} `model/bad-pixels`, `model/bad-ids`, `model/unequal-batches`
   * @throws {ModelError} `model/not-finite`
   */
  async forward(
    inputs: StatementInputs,
    options: ImageOptions = {},
  ): Promise<{ readonly logits: Tensor<"float32">; readonly questionEmbeds: Tensor<"float32"> }> {
    expectOptions("forward", options, imageOptionNames);
    const images = imageCount(inputs.pixelValues);
    const [count] = atLeast(checkTextFeeds(inputs, this.config.text).inputIds.dims, 1);
    if (images !== 2 * count) throw unequalPairs(count, images);
    this.texts.prepareToCrossAttend(inputs, count, { head: "nlvr" });
    const states = await this.images.states(inputs.pixelValues, options);
    return this.#judge(states, inputs, options);
  }

  /**
   * Judges many statements about one pair of images [2, 3, S, S]. Returns logits [B, 2] and all text states [B, T, D].
   * @throws {UsageError} `model/bad-pixels`, `model/bad-ids` @throws {ModelError} `model/not-finite`
   */
  async judge(
    pixelValues: Tensor<"float32">,
    texts: TextFeeds,
    options: ImageOptions = {},
  ): Promise<{ readonly logits: Tensor<"float32">; readonly questionEmbeds: Tensor<"float32"> }> {
    expectOptions("judge", options, imageOptionNames);
    this.prepareToJudge(texts);
    return this.#judge(await this.images.states(pixelValues, options), texts, options);
  }

  /** Starts loading the sessions for statements about one pair of images. */
  prepareToJudge(texts: TextFeeds): void {
    this.texts.prepareToCrossAttend(texts, 1, { head: "nlvr" });
  }

  /**
   * Judges statements about encoded images [2I, N, D], left images first. Does not check that the logits are finite.
   * @throws {UsageError} `model/bad-ids`, `model/unequal-batches`
   */
  async crossAttend(
    states: Tensor<"float32">,
    texts: TextFeeds,
    options: ImageOptions,
  ): Promise<{ readonly logits: Tensor<"float32">; readonly questionEmbeds: Tensor<"float32"> }> {
    const found = await this.texts.crossAttend([half(states, 0), half(states, 1)], texts, "nlvr", options);
    if (!found.logits) throw new Error("the head of NLVR2 gave no logits");
    return { logits: found.logits, questionEmbeds: found.states };
  }

  async #judge(
    images: Tensor<"float32">,
    texts: TextFeeds,
    options: ImageOptions,
  ): Promise<{ readonly logits: Tensor<"float32">; readonly questionEmbeds: Tensor<"float32"> }> {
    const { name } = this.loaded.opened.files;
    expectFinite(name, "the states of image", images);
    const found = await this.crossAttend(images, texts, options);
    expectFinite(name, "the states of statement", found.questionEmbeds);
    expectFinite(name, "the logits of statement", found.logits);
    return found;
  }

  /** Writes a folder with Hugging Face names. @throws {UsageError} `save/...` if it cannot be written */
  savePretrained(folder: string): Promise<void> {
    return savePretrained(this.loaded, "compare", folder);
  }

  /** Frees the model. A second call has no effect. Later calls of other methods throw `usage/disposed`. */
  async close(): Promise<void> {
    await this.loaded.network.close();
  }

  /** Calls `close`, for `await using`. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Returns the first or the second half of a batch. */
function half(states: Tensor<"float32">, which: 0 | 1): Tensor<"float32"> {
  const count = must(states.dims, 0) / 2;
  return rowsOf(states, which * count, (which + 1) * count);
}
