// Features of images and texts (models/blip.py `BLIP_Base`, LAVIS blip_feature_extractor.py; transformers `BlipModel`).
import { allFinite, asyncDispose, type Closable, expectOptions } from "@blip-ts/base";
import type { Tensor } from "@blip-ts/graph";
import type { BlipConfig } from "../model/config.ts";
import type { Platform } from "../platform.ts";
import { notFinite, type RunOptions, runOptionNames } from "@blip-ts/engine";
import { encodersOf } from "../run/encoders.ts";
import {
  type EncodedImages,
  type ImageEncoder,
  type ImageOptions,
  imageOptionNames,
} from "../run/image-encoder.ts";
import type { EncodedTextStates, ReadTexts, TextEncoder } from "../run/text-encoder.ts";
import type { TextFeeds } from "../run/text-feeds.ts";
import { wrongTask } from "../load/errors.ts";
import { expectFinite, finiteEncoding } from "../run/finite.ts";
import { loadNetwork, type LoadedNetwork } from "../load/load-model.ts";
import { isDual } from "../tasks/graphs.ts";
import type { ModelOptions } from "../load/model-options.ts";
import { savePretrained } from "../save/save.ts";

/** A model that computes features, from a file with the projections of matching or of `BlipModel`. */
export class FeatureExtraction implements Closable {
  /** The network with its configuration. */
  readonly loaded: LoadedNetwork;
  /** The image encoder. Its outputs are not checked for finite numbers; verbs check them row by row. */
  readonly images: ImageEncoder;
  /** The text encoder. */
  readonly texts: TextEncoder;

  constructor(loaded: LoadedNetwork, { images, texts } = encodersOf(loaded, ["embed"])) {
    this.loaded = loaded;
    this.images = images;
    this.texts = texts;
  }

  /** @throws {ModelError} if the model cannot be found, read, or used for features */
  static async load(platform: Platform<never>, source: string, options: ModelOptions = {}) {
    return new FeatureExtraction(await loadNetwork(platform, source, ["embed"], options));
  }

  /** The network's sizes. */
  get config(): BlipConfig {
    return this.loaded.config;
  }

  /**
   * Encodes images [B, 3, S, S]. Returns all states [B, N, D], the class token's projection [B, E], and that projection
   * at unit length.
   * @throws {UsageError} `model/bad-pixels` @throws {ModelError} `model/not-finite`
   */
  async getImageFeatures(pixelValues: Tensor<"float32">, options: ImageOptions = {}): Promise<EncodedImages> {
    expectOptions("getImageFeatures", options, imageOptionNames);
    return finiteEncoding(this.#name, "image", await this.images.encode(pixelValues, options));
  }

  /**
   * Encodes texts [B, T] without images. Returns all states [B, T, D], the first token's projection [B, E], and that
   * projection at unit length.
   * @throws {UsageError} `model/bad-ids` @throws {ModelError} `model/not-finite`
   */
  async getTextFeatures(texts: TextFeeds, options: RunOptions = {}): Promise<EncodedTextStates> {
    expectOptions("getTextFeatures", options, runOptionNames);
    return finiteEncoding(this.#name, "text", await this.texts.encodeTexts(texts, options));
  }

  /**
   * Encodes any number of texts, in batches of similar length.
   * @throws {UsageError} `model/bad-ids` @throws {ModelError} `model/not-finite`
   */
  async readTexts(
    texts: TextFeeds,
    options: RunOptions & { readonly states?: boolean | undefined } = {},
  ): Promise<ReadTexts> {
    expectOptions("readTexts", options, { ...runOptionNames, states: true });
    const read = await this.texts.readTexts(texts, options);
    expectFinite(this.#name, "the unit vector of text", read.features);
    const row = read.states.findIndex((states) => !allFinite(states));
    if (row >= 0) throw notFinite(this.#name, `the states of text ${row + 1} of ${read.states.length}`);
    return read;
  }

  /**
   * Encodes texts with cross-attention to images. Returns all states [B, T, D]. The first token is [ENC], except in
   * `hf`.
   * @throws {ModelError} `model/wrong-task` for a `BlipModel`, whose text model has no cross-attention to images
   * @throws {ModelError} `model/not-finite`
   * @throws {UsageError} `model/bad-ids`, `model/unequal-batches`
   */
  async getMultimodalFeatures(
    inputs: TextFeeds & { readonly pixelValues: Tensor<"float32"> },
    options: ImageOptions = {},
  ): Promise<Tensor<"float32">> {
    expectOptions("getMultimodalFeatures", options, imageOptionNames);
    const { files, tasks } = this.loaded.opened;
    if (isDual(this.loaded.opened.architecture))
      throw wrongTask(files.name, "multimodal features", tasks.tasks, ["text_encoder"]);
    const images = await this.images.states(inputs.pixelValues, options);
    expectFinite(this.#name, "the states of image", images);
    const { states } = await this.texts.crossAttend([images], inputs, undefined, options);
    return expectFinite(this.#name, "the states of text", states);
  }

  /** Writes a folder that transformers can load. @throws {UsageError} `save/...` if it cannot be written */
  savePretrained(folder: string): Promise<void> {
    return savePretrained(this.loaded, "embed", folder);
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
