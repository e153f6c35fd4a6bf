// The verb `embed`: encodes images and texts as vectors in one space, or as all their states (models/blip.py
// `BLIP_Base`, LAVIS blip_feature_extractor.py).
import { expectImages } from "../image/expect-images.ts";
import {
  atLeast,
  BlipError,
  type ModelError,
  must,
  expectOptions,
  optionNames,
  withoutNames,
} from "@blip-ts/base";
import type { Tensor } from "@blip-ts/graph";
import type { Platform } from "../platform.ts";
import type { EncodedTexts } from "../text/word-piece.ts";
import { failuresOf, orNotFinite } from "../run/finite.ts";
import { FeatureExtraction } from "../classes/model.ts";
import {
  answersOf,
  inOrder,
  readBatches,
  rowError,
  type FailedRow,
  type FailedText,
  type VerbCallOptions,
  type VerbOptions,
  verbCallOptionNames,
} from "./image-batches.ts";
import { RowVerb, type PixelBatch, type RowCallOptions, type SeenImage, type SeenRequest } from "./rows.ts";
import { rowsOf } from "../run/batch-rows.ts";
import { loadVerb, type VerbParts } from "./verb.ts";
import { expectTexts } from "../text/expect-texts.ts";

/** A unit vector [E]; with `states`, one list of numbers per token: [N, D'] for an image, [T, D] for a text. */
export type Embedding<States extends boolean = boolean> = States extends true
  ? readonly (readonly number[])[]
  : readonly number[];

/** The embedding of an image. */
export interface ImageEmbedding<ImageInput, States extends boolean = boolean> {
  /** The image, as it was given. */
  readonly image: ImageInput;
  /** The unit vector [E], or with `states` all states. */
  readonly embedding: Embedding<States>;
  /** Present only if the row failed. */
  readonly error?: undefined;
}

/** The embedding of a text. */
export interface TextEmbedding<States extends boolean = boolean> {
  /** The text, as it was given. */
  readonly text: string;
  /** The unit vector [E], or with `states` all states. */
  readonly embedding: Embedding<States>;
  /** Present only if the row failed. */
  readonly error?: undefined;
}

/** Options to embed images or texts. */
export interface EmbedOptions<States extends boolean = boolean> extends VerbCallOptions {
  /** Returns all states after the last layer instead of the joint embedding. */
  readonly states?: States | undefined;
}

export const embedOptionNames = optionNames<EmbedOptions>()({ ...verbCallOptionNames, states: true });

/** An image or a text, as a row. */
export type EmbedRequest<ImageInput> =
  | { readonly image: ImageInput; readonly text?: undefined }
  | { readonly text: string; readonly image?: undefined };

/** The answer to one row, without its image or text. */
export interface EmbedAnswer {
  /** The unit vector [E], or with `states` all states. */
  readonly embedding: Embedding;
}

/** Options to embed a stream of rows. */
export type EmbedRowOptions = Pick<EmbedOptions, "states"> & RowCallOptions;

const embedRowOptionNames = withoutNames(embedOptionNames, "onProgress");

/** A feature extraction model with the processors of its images and texts. */
export class Embedder<ImageInput> extends RowVerb<
  ImageInput,
  FeatureExtraction,
  EmbedRequest<ImageInput>,
  EmbedAnswer,
  EmbedRowOptions
> {
  /** @throws {ModelError} if the model cannot be found, read, or used for features */
  static load<ImageInput>(
    platform: Platform<ImageInput>,
    source: string,
    options: VerbOptions = {},
  ): Promise<Embedder<ImageInput>> {
    return loadVerb(platform, source, ["embed"], options, (parts) => Embedder.over(parts));
  }

  /** Creates an embedder over a loaded network. */
  static over<ImageInput>({ loaded, encoders, processors }: VerbParts<ImageInput>): Embedder<ImageInput> {
    return new Embedder(new FeatureExtraction(loaded, encoders), processors);
  }

  /**
   * Embeds images in order. An image that cannot be read, or whose results are not finite, gives a row with its error.
   * @throws {UsageError} `usage/no-images`, `usage/bad-option`
   */
  async *embedImages<Input extends ImageInput, States extends boolean = false>(
    images: readonly Input[],
    options: EmbedOptions<States> = {},
  ): AsyncGenerator<ImageEmbedding<Input, States> | FailedRow<Input>, void, undefined> {
    expectOptions("embedImages", options, embedOptionNames);
    const { signal, states } = options;
    expectImages(images);
    for await (const batch of readBatches(images, this.processors.images, options)) {
      const { pixels } = batch;
      const answers = await answersOf(async () => (pixels ? this.#images(pixels, states, signal) : []));
      yield* inOrder(batch, (index) => {
        const embedding = answers(index);
        return embedding instanceof BlipError ? embedding : [{ embedding }];
      });
    }
  }

  /**
   * Embeds texts in order. The embedding of a text does not depend on the other texts of the call. A text whose results
   * are not finite gives a row with its error.
   * @throws {UsageError} `text/empty` @throws {InputError} `text/too-long`
   */
  async *embedTexts<States extends boolean = false>(
    texts: readonly string[],
    options: Pick<EmbedOptions<States>, "signal" | "states"> = {},
  ): AsyncGenerator<TextEmbedding<States> | FailedText, void, undefined> {
    // A call with images and texts passes one options object to both.
    expectOptions<EmbedOptions>("embedTexts", options, embedOptionNames);
    const { signal, states } = options;
    expectTexts(texts);
    if (texts.length === 0) return;
    // Encode all texts before any other work, so that an empty text is reported first.
    const encoded = this.processors.texts.encodeFeatureTexts(texts);
    const embeddings = await orNotFinite(() => this.#texts(encoded, states, signal));
    for (const [index, text] of texts.entries()) {
      const embedding = embeddings instanceof BlipError ? embeddings : embeddings[index];
      if (embedding instanceof BlipError) yield { text, error: rowError(embedding) };
      else if (embedding) yield { text, embedding };
    }
  }

  /** @throws {UsageError} `text/empty` @throws {InputError} `text/too-long` */
  check({ text }: Pick<EmbedRequest<ImageInput>, "text">): void {
    if (text !== undefined) this.processors.texts.encodeFeatureTexts([text]);
  }

  protected readonly callNames = embedRowOptionNames;

  protected checkOptions(): void {
    // The image options are checked when images are read.
  }

  protected imagesOf({ image }: EmbedRequest<ImageInput>): readonly ImageInput[] {
    return image === undefined ? [] : [image];
  }

  protected async see(
    { pixels }: PixelBatch,
    { signal }: EmbedRowOptions,
  ): Promise<(SeenImage | BlipError)[]> {
    if (!pixels) return [];
    const { states, features } = await this.model.images.encode(pixels, { signal });
    const inFeatures = this.failuresOf("the unit vector of the image", features);
    return this.failuresOf("the states of the image", states).map(
      (broken, row) =>
        broken ??
        inFeatures[row] ?? { states: rowsOf(states, row, row + 1), features: rowsOf(features, row, row + 1) },
    );
  }

  protected async answer(
    rows: readonly SeenRequest<EmbedRequest<ImageInput>>[],
    { states: all, signal }: EmbedRowOptions,
  ): Promise<(EmbedAnswer[] | BlipError)[]> {
    const texts = rows.flatMap(({ request }) => request.text ?? []);
    const read =
      texts.length > 0 ? await this.#texts(this.processors.texts.encodeFeatureTexts(texts), all, signal) : [];
    let next = 0;
    return rows.map(({ images: [seen] }) => {
      if (!seen) {
        const embedding = must(read, next++, "texts");
        return embedding instanceof BlipError ? embedding : [{ embedding }];
      }
      if (!seen.features) throw new Error("an image has no unit vector");
      return [{ embedding: embeddingOf(seen.states, seen.features, [0, 0], all) }];
    });
  }

  /** Embeds images. Returns an error for each image whose results are not finite. */
  async #images<States extends boolean>(
    pixels: Tensor<"float32">,
    all: States | undefined,
    signal: AbortSignal | undefined,
  ): Promise<(Embedding<States> | BlipError)[]> {
    const { states, features } = await this.model.images.encode(pixels, { signal });
    const inStates = this.#broken("the states of the image", states);
    const inFeatures = this.#broken("the unit vector of the image", features);
    return inStates.map(
      (broken, place) => broken ?? inFeatures[place] ?? embeddingOf(states, features, [place, place], all),
    );
  }

  /** Embeds texts. Returns an error for each text whose results are not finite. */
  async #texts<States extends boolean>(
    encoded: EncodedTexts,
    all: States | undefined,
    signal: AbortSignal | undefined,
  ): Promise<(Embedding<States> | BlipError)[]> {
    const { states, features } = await this.model.texts.readTexts(encoded, { signal, states: all });
    const D = this.model.config.text.hiddenSize;
    return this.#broken("the unit vector of the text", features).map((broken, index) => {
      const data = all ? must(states, index) : new Float32Array();
      const own = { dtype: "float32" as const, dims: [1, data.length / D, D], data };
      const inStates = this.#broken("the states of the text", own)[0];
      return broken ?? inStates ?? embeddingOf(own, features, [0, index], all);
    });
  }

  #broken(what: string, numbers: Tensor<"float32">): readonly (ModelError | undefined)[] {
    return failuresOf(this.model.loaded.opened.files.name, what, numbers);
  }
}

const row = ({ data }: Tensor<"float32">, index: number, size: number): number[] =>
  Array.from(data.subarray(index * size, (index + 1) * size));

function embeddingOf<States extends boolean>(
  states: Tensor<"float32">,
  features: Tensor<"float32">,
  [stateRow, featureRow]: readonly [number, number],
  all: States | undefined,
): Embedding<States> {
  const [, N, D] = atLeast(states.dims, 3);
  const found: unknown = all
    ? Array.from({ length: N }, (_, token) => row(states, stateRow * N + token, D))
    : row(features, featureRow, must(features.dims, 1));
  // The type of `all`, States, determines the type of the embedding.
  return found as Embedding<States>;
}
