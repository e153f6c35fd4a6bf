// Captioning, like transformers' `BlipForConditionalGeneration` (models/blip.py `BLIP_Decoder`).
import {
  type Closable,
  asyncDispose,
  atLeast,
  must,
  orClosed,
  expectOptions,
  optionNames,
} from "@blip-ts/base";
import type { Tensor } from "@blip-ts/graph";
import type { Hypothesis } from "../decode/next-token-model.ts";
import { type GenerationOptions, generationOptionNames } from "../decode/options.ts";
import type { BlipConfig } from "../model/config.ts";
import type { Platform } from "../platform.ts";
import { type Encoders, encodersOf } from "../run/encoders.ts";
import { type ImageEncoder, type ImageOptions, imageOptionNames } from "../run/image-encoder.ts";
import { expectFinite } from "../run/finite.ts";
import { imageCount } from "../run/tensor-checks.ts";
import { checkTextFeeds, type TextFeeds } from "../run/text-feeds.ts";
import { Generator, type StreamedToken } from "../run/generate.ts";
import { loadNetwork, type LoadedNetwork } from "../load/load-model.ts";
import type { NetworkTask } from "../tasks/task.ts";
import type { ModelOptions } from "../load/model-options.ts";
import { savePretrained } from "../save/save.ts";
import { cannotStream, unequalBatches } from "../run/errors.ts";

/** The inputs of captioning. */
export interface CaptionInputs {
  /** [B, 3, S, S] */
  readonly pixelValues: Tensor<"float32">;
  /** Prompts [B, T]; by default none under `hf`, and "a picture of " under all other conventions. */
  readonly inputIds?: TextFeeds["inputIds"] | undefined;
  /** [B, T], 1 for tokens and 0 for padding; by default every position is a token. */
  readonly attentionMask?: TextFeeds["attentionMask"] | undefined;
}

/** Options of generation and of the image encoder. */
export interface GenerateOptions extends GenerationOptions, ImageOptions {}

export const generateOptionNames = optionNames<GenerateOptions>()({
  ...generationOptionNames,
  ...imageOptionNames,
});

/** The prompt of every BLIP caption (models/blip.py). */
export const blipPrompt = "a picture of ";

/** A captioning model, like transformers' BlipForConditionalGeneration (models/blip.py `BLIP_Decoder`). */
export class ConditionalGeneration implements Closable {
  /** The network with its configuration. */
  readonly loaded: LoadedNetwork;
  /** The image encoder: pixel values [B, 3, H, W] to states [B, N, D]. */
  readonly images: ImageEncoder;
  /** The text decoder and its search for captions. */
  readonly generator: Generator;

  private constructor(loaded: LoadedNetwork, images: ImageEncoder, generator: Generator) {
    this.loaded = loaded;
    this.images = images;
    images.prepare();
    this.generator = generator;
  }

  /**
   * @param more other tasks to load from the same file
   * @throws {ModelError} if the model cannot be found, read, or used for captioning
   */
  static async load(
    platform: Platform<never>,
    source: string,
    options: ModelOptions = {},
    more: readonly NetworkTask[] = [],
  ): Promise<ConditionalGeneration> {
    const loaded = await loadNetwork(platform, source, ["caption", ...more], options);
    const encoders = encodersOf(loaded, ["caption", ...more]);
    return orClosed(loaded.network, () => ConditionalGeneration.over(loaded, encoders), options.signal);
  }

  /** Creates an instance on a loaded network. @throws {ModelError} for a generation_config.json that cannot be read */
  static async over(
    loaded: LoadedNetwork,
    { images }: Pick<Encoders, "images"> = encodersOf(loaded, ["caption"]),
  ): Promise<ConditionalGeneration> {
    return new ConditionalGeneration(loaded, images, await Generator.create(loaded, "caption"));
  }

  /** The network's sizes. */
  get config(): BlipConfig {
    return this.loaded.config;
  }

  /**
   * Computes the logits of the next token after each given token: [B, T, V]. The decoder reads `inputIds` unchanged.
   * @throws {UsageError} `model/bad-pixels`, `model/bad-ids`, `model/unequal-batches`
   * @throws {ModelError} `model/not-finite`
   */
  async forward(
    inputs: CaptionInputs & TextFeeds,
    options: ImageOptions = {},
  ): Promise<{ readonly logits: Tensor<"float32">; readonly lastHiddenState: Tensor<"float32"> }> {
    expectOptions("forward", options, imageOptionNames);
    const { inputIds, attentionMask } = checkTextFeeds(inputs, this.config.text);
    this.generator.decoder.prepare();
    const states = await this.#states(inputs.pixelValues, options);
    expectEqual(must(states.dims, 0), must(inputIds.dims, 0));
    const run = await this.generator.decoder.open(states, undefined, options);
    try {
      const logits = await run.allLogits(inputIds, attentionMask);
      return {
        logits: expectFinite(this.loaded.opened.files.name, "the logits of sequence", logits),
        lastHiddenState: states,
      };
    } finally {
      run.close();
    }
  }

  /**
   * Generates captions for each image, best first. Give prompts as the tokenizer encodes them, [CLS] ... [SEP]: [DEC]
   * replaces the first token, and the last token is dropped. Rows do not depend on each other.
   * @throws {UsageError} `model/bad-pixels`, `model/bad-ids`, `model/unequal-batches`, `generate/...`
   * @throws {ModelError} `model/not-finite`
   */
  async generate(
    inputs: CaptionInputs,
    options: GenerateOptions = {},
  ): Promise<readonly (readonly Hypothesis[])[]> {
    expectOptions("generate", options, generateOptionNames);
    const prompts = this.#prompts(inputs);
    // Check the options before any computation.
    this.generator.options(prompts, options);
    this.generator.decoder.prepare();
    const states = await this.#states(inputs.pixelValues, options);
    return this.generator.generate({ states }, prompts, options, options);
  }

  /**
   * Streams the caption of one image, token by token.
   * @throws {UsageError} `generate/cannot-stream` if options ask for beams or several captions
   * @throws {ModelError} `model/not-finite`
   */
  async *stream(
    inputs: CaptionInputs,
    options: GenerateOptions = {},
  ): AsyncGenerator<StreamedToken, void, undefined> {
    expectOptions("stream", options, generateOptionNames);
    const [prompt, ...others] = this.#prompts(inputs);
    if (!prompt || others.length > 0)
      throw cannotStream("one image", String(others.length + (prompt ? 1 : 0)));
    this.generator.decoder.prepare();
    const states = await this.#states(inputs.pixelValues, options);
    yield* this.generator.stream({ states }, prompt, options, options);
  }

  /** Writes a folder that transformers can load. @throws {UsageError} `save/...` if it cannot be written */
  savePretrained(folder: string): Promise<void> {
    return savePretrained(this.loaded, "caption", folder);
  }

  /** Frees the model. A second call has no effect. Later calls of other methods throw `usage/disposed`. */
  async close(): Promise<void> {
    await this.loaded.network.close();
  }

  /** Calls `close`, for `await using`. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Converts a prompt's token ids [CLS] ... [SEP] to the decoder's first ids. */
  promptOf(ids: readonly number[]): number[] {
    return [this.loaded.tokens.dec, ...ids.slice(1, -1)];
  }

  /** Encodes images, and checks that their states are finite. */
  async #states(pixelValues: Tensor<"float32">, options: ImageOptions): Promise<Tensor<"float32">> {
    const states = await this.images.states(pixelValues, options);
    return expectFinite(this.loaded.opened.files.name, "the states of image", states);
  }

  #prompts({ pixelValues, inputIds, attentionMask }: CaptionInputs): number[][] {
    const images = imageCount(pixelValues);
    if (!inputIds) {
      const { compat, tokenizer } = this.loaded;
      const prompt = compat === "hf" ? [this.loaded.tokens.dec] : this.promptOf(tokenizer.ids(blipPrompt));
      return Array.from({ length: images }, () => prompt);
    }
    const feeds = checkTextFeeds({ inputIds, attentionMask }, this.config.text);
    const [count, length] = atLeast(inputIds.dims, 2);
    expectEqual(images, count);
    return Array.from({ length: count }, (_, row) => {
      const ids = Array.from(inputIds.data.subarray(row * length, (row + 1) * length), Number);
      return this.promptOf(
        ids.filter((_id, column) => feeds.attentionMask.data[row * length + column] !== 0n),
      );
    });
  }
}

export function expectEqual(images: number, texts: number): void {
  if (images !== texts) throw unequalBatches(texts, images);
}
