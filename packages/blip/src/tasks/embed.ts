// The verb `embed`: pictures and texts as vectors of one space, or as all their states (models/blip.py `BLIP_Base`,
// LAVIS blip_feature_extractor.py).
import type { Tensor } from "@blip-ts/graph";
import type { Platform } from "../platform.ts";
import type { EncodedImages } from "./encoder.ts";
import { FeatureExtraction } from "./feature-extraction.ts";
import { loadNetwork } from "./load-network.ts";
import {
  inOrder,
  processorsOf,
  readBatches,
  verbOptions,
  type FailedRow,
  type PictureModel,
  type VerbCallOptions,
  type VerbOptions,
} from "./picture-model.ts";

/** A picture as numbers. */
export interface ImageEmbedding<ImageInput> {
  readonly image: ImageInput;
  /** E numbers of unit length; with `states` a list of D' numbers for each of its N tokens. */
  readonly embedding: Embedding;
}

/** A text as numbers. */
export interface TextEmbedding {
  readonly text: string;
  /** E numbers of unit length; with `states` a list of D numbers for each of its T tokens. */
  readonly embedding: Embedding;
}

export type Embedding = readonly number[] | readonly (readonly number[])[];

export interface EmbedOptions extends VerbCallOptions {
  /** All states after the last layer instead of the joint embedding. */
  readonly states?: boolean | undefined;
}

/** A model of features with what turns pictures and texts into its inputs. */
export class Embedder<ImageInput> implements AsyncDisposable {
  readonly model: FeatureExtraction;
  readonly #processors: PictureModel<ImageInput>;

  private constructor(model: FeatureExtraction, processors: PictureModel<ImageInput>) {
    this.model = model;
    this.#processors = processors;
  }

  /** @throws {ModelError} where the model cannot be found, read, or used for features */
  static async load<ImageInput>(
    platform: Platform<ImageInput>,
    source: string,
    options: VerbOptions = {},
  ): Promise<Embedder<ImageInput>> {
    const given = verbOptions(options);
    const loaded = await loadNetwork(platform, source, ["embed"], given);
    return new Embedder(new FeatureExtraction(loaded), await processorsOf(platform, loaded, given));
  }

  /**
   * Pictures in their order. One that cannot be read gives a row with its error.
   * @throws {UsageError} `usage/no-images`, `usage/bad-option`
   */
  async *embedImages<Input extends ImageInput>(
    images: readonly Input[],
    options: EmbedOptions = {},
  ): AsyncGenerator<ImageEmbedding<Input> | FailedRow<Input>, void, undefined> {
    const { signal, states = false } = options;
    for await (const batch of readBatches(images, this.#processors.images, options)) {
      const found = batch.pixels && (await this.model.getImageFeatures(batch.pixels, { signal }));
      yield* inOrder(batch, (place) => (found ? [{ embedding: embeddingOf(found, place, states) }] : []));
    }
  }

  /**
   * Texts in their order, each alone.
   * @throws {UsageError} `text/empty` @throws {InputError} `text/too-long`
   */
  async *embedTexts(
    texts: readonly string[],
    { signal, states = false }: Pick<EmbedOptions, "signal" | "states"> = {},
  ): AsyncGenerator<TextEmbedding, void, undefined> {
    // All are read before any work is done, so that an empty one is found first.
    const encoded = texts.map((text) => this.#processors.texts.encode([text]));
    for (const [index, text] of texts.entries()) {
      const feeds = encoded[index];
      if (!feeds) continue;
      const found = await this.model.getTextFeatures(feeds, { signal });
      yield { text, embedding: embeddingOf(found, 0, states) };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.model[Symbol.asyncDispose]();
  }
}

const row = ({ data }: Tensor<"float32">, index: number, size: number): number[] =>
  Array.from(data.subarray(index * size, (index + 1) * size));

function embeddingOf({ states, features }: EncodedImages, place: number, all: boolean): Embedding {
  if (!all) return row(features, place, features.dims[1] ?? 0);
  const [, N = 0, D = 0] = states.dims;
  return Array.from({ length: N }, (_, token) => row(states, place * N + token, D));
}
