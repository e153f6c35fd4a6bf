// The verb `retrieve`: ranks all candidates by cosine, then re-ranks the best k by ITM (train_retrieval.py
// `evaluation`, eval_retrieval_video.py).
import { BlipError, ModelError, atLeast, badOption, must, expectOptions, optionNames } from "@blip-ts/base";
import { expectImages } from "../image/expect-images.ts";
import { floatTensor, type Tensor } from "@blip-ts/graph";
import type { Platform } from "../platform.ts";
import type { EncodedTexts } from "../text/word-piece.ts";
import { cosineMatrix } from "../run/cosine-matrix.ts";
import { failuresOf, orNotFinite, quoted } from "../run/finite.ts";
import { best, hitOf, rankedHits, type HitScores } from "./hits.ts";
import { ImageTextRetrieval } from "../classes/image-text-retrieval.ts";
import {
  batchSize,
  chunks,
  rowError,
  type FailedRow,
  type FailedText,
  type VerbCallOptions,
  type VerbOptions,
  verbCallOptionNames,
} from "./image-batches.ts";
import { loadVerb, Verb, type VerbParts } from "./verb.ts";
import { checkMaxPixels, stackPixels } from "../processor/image-processor.ts";
import { textRows, trimmed, type TokenRow } from "../run/text-batches.ts";
import { isVideo, nameOf, videoOf, type Retrievable, type Seen } from "./video.ts";
import { expectTexts } from "../text/expect-texts.ts";
import { noImages, noTexts } from "./errors.ts";

/** The ITM logits of a pair: "does not match" and "matches". */
type Logits = readonly [number, number];

/** An image in a result. */
export interface ImageHit<ImageInput> extends HitScores {
  /** The image, as it was given. */
  readonly image: ImageInput;
}

/** A text in a result. */
export interface TextHit extends HitScores {
  /** The text, as it was given. */
  readonly text: string;
}

/** The result row of a query text: its images, best first. */
export interface TextRow<ImageInput> {
  /** The query text. */
  readonly text: string;
  /** The found images, best first. */
  readonly hits: readonly ImageHit<ImageInput>[];
  /** Present only if the row failed. */
  readonly error?: undefined;
}

/** The result row of a query image: its texts, best first. */
export interface ImageRow<ImageInput> {
  /** The query image. */
  readonly image: ImageInput;
  /** The found texts, best first. */
  readonly hits: readonly TextHit[];
  /** Present only if the row failed. */
  readonly error?: undefined;
}

/** Options of a search. */
export interface RetrieveOptions extends VerbCallOptions {
  /**
   * The number of candidates per query that ITM re-ranks. Default: 128, as for Flickr30k; COCO uses 256. 0 ranks by
   * cosine only.
   */
  readonly k?: number | undefined;
  /**
   * The most bytes of image states cached between ranking and re-ranking. Default: 512 MiB, or less under a memory
   * limit. States that do not fit are computed again.
   */
  readonly cacheBytes?: number | undefined;
}

export const retrieveOptionNames = optionNames<RetrieveOptions>()({
  ...verbCallOptionNames,
  k: true,
  cacheBytes: true,
});

/** @throws {UsageError} `usage/bad-option` */
export function expectBy(by: string): void {
  if (by !== "text" && by !== "image") throw badOption("by", by, ["text", "image"]);
}

const defaultK = 128;
/** The number of images per re-ranking batch. */
const rerankBatch = 32;
/** The number of video frames per encoding batch. */
const frameBatch = 8;

interface Read<Input> {
  /** The indices of the readable images in the input. */
  readonly places: readonly number[];
  readonly failed: readonly FailedRow<Input>[];
  /** [images, texts] */
  readonly cosines: readonly Float32Array[];
}

/** A matching model with the processors of its images and texts. */
export class Retriever<ImageInput> extends Verb<ImageInput, ImageTextRetrieval> {
  /** @throws {ModelError} if the model cannot be found, read, or used for matching */
  static load<ImageInput>(
    platform: Platform<ImageInput>,
    source: string,
    options: VerbOptions = {},
  ): Promise<Retriever<ImageInput>> {
    return loadVerb(platform, source, ["match"], options, (parts) => Retriever.over(parts));
  }

  /** Creates a retriever over a loaded network. */
  static over<ImageInput>({ loaded, encoders, processors }: VerbParts<ImageInput>): Retriever<ImageInput> {
    return new Retriever(new ImageTextRetrieval(loaded, encoders), processors);
  }

  /**
   * Ranks the images for each text, best first. Images that cannot be read, or whose states are not finite, give error
   * rows, which come first. A text gives an error row if its embedding, or one of its scores with an image, is not
   * finite.
   * @throws {UsageError} `usage/no-images`, `usage/no-texts`, `usage/bad-option`, `text/empty`
   * @throws {InputError} `text/too-long`
   */
  async *byText<Input extends ImageInput>(
    images: readonly Retrievable<Input>[],
    texts: readonly string[],
    options: RetrieveOptions = {},
  ): AsyncGenerator<TextRow<Input> | FailedRow<Input> | FailedText, void, undefined> {
    const { k, cacheBytes, encoded } = this.#checked("byText", images, texts, options);
    const { features, broken } = await this.#readTexts(encoded, options);
    const cache = new Map<number, Tensor<"float32">>();
    let bytes = 0;
    const readImages = await this.#readAll(images, features, options, (index, { states }) => {
      if (k === 0 || bytes + states.data.byteLength > cacheBytes) return;
      bytes += states.data.byteLength;
      cache.set(index, states);
    });
    yield* readImages.failed;
    // Maps each image to the texts for which it is re-ranked.
    const wanted = new Map<number, number[]>();
    const order = texts.map((_, text) =>
      broken[text]
        ? []
        : best(
            readImages.cosines.map((row) => must(row, text)),
            readImages.places.length,
          ),
    );
    order.forEach((ranking, text) => {
      for (const index of ranking.slice(0, k)) wanted.set(index, [...(wanted.get(index) ?? []), text]);
    });
    const second = await orNotFinite(() =>
      this.#rerank(images, readImages.places, wanted, encoded, cache, options),
    );
    const failure = second instanceof ModelError ? second : undefined;
    const { logits, failed } =
      second instanceof ModelError
        ? { logits: new Map<string, Logits>(), failed: new Map<number, FailedRow<Input>>() }
        : second;
    yield* failed.values();
    for (const [index, text] of texts.entries()) {
      const hits = rankedHits(this.name, quoted(text), broken[index] ?? failure, () =>
        must(order, index).flatMap((seen) => {
          const image = images[must(readImages.places, seen)];
          if (image === undefined || failed.has(seen)) return [];
          const cosine = must(must(readImages.cosines, seen), index);
          return [{ image: nameOf(image), ...hitOf(cosine, logits.get(`${seen} ${index}`)) }];
        }),
      );
      yield hits instanceof ModelError ? { text, error: rowError(hits) } : { text, hits };
    }
  }

  /**
   * Ranks the texts for each image, best first. Yields each row once its image is read. An image that cannot be read,
   * or whose results are not finite, gives an error row. Texts whose unit vectors are not finite give error rows, which
   * come first, and are never hits.
   * @throws {UsageError} `usage/no-images`, `usage/no-texts`, `usage/bad-option`, `text/empty`
   * @throws {InputError} `text/too-long`
   */
  async *byImage<Input extends ImageInput>(
    images: readonly Retrievable<Input>[],
    texts: readonly string[],
    options: RetrieveOptions = {},
  ): AsyncGenerator<ImageRow<Input> | FailedRow<Input> | FailedText, void, undefined> {
    const { k, encoded } = this.#checked("byImage", images, texts, options);
    const { features, broken } = await this.#readTexts(encoded, options);
    for (const [index, text] of texts.entries()) {
      const error = broken[index];
      if (error) yield { text, error: rowError(error) };
    }
    const usable = texts.filter((_, index) => !broken[index]).length;
    if (usable === 0) return;
    const rows = textRows(encoded).map(trimmed);
    for await (const { image, seen } of this.#each(images, options)) {
      if ("error" in seen) {
        yield seen;
        continue;
      }
      const cosines = cosineMatrix(seen.features, features).data;
      const ranking = best(
        cosines.map((cosine, text) => (broken[text] ? -Infinity : cosine)),
        usable,
      );
      const asking = ranking.slice(0, k);
      const reranked = await orNotFinite(() => this.#itmLogits([seen.states], [asking], rows, options));
      const [failure, logits] = reranked instanceof ModelError ? [reranked, []] : [undefined, reranked];
      const hits = rankedHits(this.name, "the image", failure, () =>
        ranking.map((text, rank) => ({
          text: must(texts, text),
          ...hitOf(must(cosines, text), logits[rank]),
        })),
      );
      yield hits instanceof ModelError
        ? { image: nameOf(image), error: rowError(hits) }
        : { image: nameOf(image), hits };
    }
  }

  #checked(call: string, images: readonly unknown[], texts: readonly string[], options: RetrieveOptions) {
    expectOptions(call, options, retrieveOptionNames);
    const { keptStates } = this.model.loaded.limits;
    const { k = defaultK, cacheBytes = keptStates } = options;
    checkMaxPixels(options.maxPixels);
    expectImages(images);
    expectTexts(texts);
    if (images.length === 0) throw noImages();
    if (texts.length === 0) throw noTexts();
    if (!Number.isSafeInteger(k) || k < 0) throw badOption("k", k, ["a whole number of at least 0"]);
    if (!(cacheBytes >= 0)) throw badOption("cacheBytes", cacheBytes, ["a number of bytes"]);
    // Encode all texts before any other work, so that an empty text is reported first.
    return { k, cacheBytes, encoded: this.processors.texts.encode(texts) };
  }

  /** Returns the unit vectors [B, E] of texts, and the error of each text, if any. */
  async #readTexts(encoded: EncodedTexts, { signal }: RetrieveOptions) {
    const read = await orNotFinite(() => this.model.texts.readTexts(encoded, { signal }));
    if (!(read instanceof ModelError))
      return {
        features: read.features,
        broken: failuresOf(this.name, "the unit vector of the text", read.features),
      };
    const { config } = this.model;
    const [count] = atLeast(encoded.inputIds.dims, 1);
    return {
      features: floatTensor([count, config.jointEmbedding], new Float32Array(count * config.jointEmbedding)),
      broken: Array.from({ length: count }, () => read),
    };
  }

  /**
   * Computes the ITM logits of images with the texts that `wanted` maps them to.
   * @param cache the cached states; other states are computed again
   * @returns the logits, keyed by `image text`, and error rows of images that can no longer be read, by `places` index
   */
  async #rerank<Input extends ImageInput>(
    images: readonly Retrievable<Input>[],
    places: readonly number[],
    wanted: ReadonlyMap<number, readonly number[]>,
    encoded: EncodedTexts,
    cache: Map<number, Tensor<"float32">>,
    options: RetrieveOptions,
  ) {
    const logits = new Map<string, Logits>();
    const failed = new Map<number, FailedRow<Input>>();
    const rows = textRows(encoded).map(trimmed);
    for (const part of chunks(
      [...wanted].sort(([a], [b]) => a - b),
      rerankBatch,
    )) {
      const seen: {
        readonly index: number;
        readonly states: Tensor<"float32">;
        readonly asking: readonly number[];
      }[] = [];
      for (const [index, asking] of part) {
        const imageIndex = must(places, index);
        const image = images[imageIndex];
        if (image === undefined) continue;
        const again = cache.get(imageIndex) ?? (await this.#seeOrError(image, options));
        cache.delete(imageIndex);
        if ("error" in again) failed.set(index, again);
        else seen.push({ index, states: "states" in again ? again.states : again, asking });
      }
      // Group by the number of states, because a video has more states than an image.
      for (const N of new Set(seen.map(({ states }) => must(states.dims, 1)))) {
        const alike = seen.filter(({ states }) => states.dims[1] === N);
        const reranked = await this.#itmLogits(
          alike.map(({ states }) => states),
          alike.map(({ asking }) => asking),
          rows,
          options,
        );
        let row = 0;
        for (const { index, asking } of alike)
          for (const text of asking) logits.set(`${index} ${text}`, must(reranked, row++));
      }
    }
    return { logits, failed };
  }

  /** Computes the ITM logits of each image with its texts, ordered by image. */
  async #itmLogits(
    states: readonly Tensor<"float32">[],
    asking: readonly (readonly number[])[],
    rows: readonly TokenRow[],
    { signal }: RetrieveOptions,
  ): Promise<readonly Logits[]> {
    const work = {
      images: states.map(({ data }) => [data] as const),
      states: must(must(states, 0).dims, 1),
      rows: asking.flatMap((texts, image) => texts.map((text) => ({ ...must(rows, text, "texts"), image }))),
    };
    return (await this.model.texts.crossAttention.run(work, { head: "itm", signal })).logits;
  }

  /**
   * Encodes an image or a video. Its states and unit vector are finite.
   * @throws {InputError} `image/...` @throws {ModelError} `model/not-finite`
   */
  async #see<Input extends ImageInput>(input: Retrievable<Input>, options: RetrieveOptions): Promise<Seen> {
    const { signal, maxPixels } = options;
    const { images } = this.processors;
    const see = (pixels: readonly Float32Array[]) =>
      this.model.encodeImages(stackPixels(pixels, images.config), { signal });
    if (!isVideo(input)) return see([await images.pixels(input, signal, maxPixels)]);
    const parts = [];
    for (const part of chunks(input.frames, frameBatch)) {
      const pixels: Float32Array[] = [];
      for (const frame of part) pixels.push(await images.pixels(frame, signal, maxPixels));
      parts.push(await see(pixels));
    }
    return videoOf(parts);
  }

  /** Same as `#see`, but returns an error row instead of throwing a BlipError. */
  async #seeOrError<Input extends ImageInput>(
    input: Retrievable<Input>,
    options: RetrieveOptions,
  ): Promise<Seen | FailedRow<Input>> {
    try {
      return await this.#see(input, options);
    } catch (error) {
      if (!(error instanceof BlipError)) throw error;
      return { image: nameOf(input), error: rowError(error) };
    }
  }

  /** Yields every image with its encoding or its error row. */
  async *#each<Input extends ImageInput>(images: readonly Retrievable<Input>[], options: RetrieveOptions) {
    const { onProgress } = options;
    const size = batchSize("imageBatchSize", options.imageBatchSize ?? 1);
    const total = images.length;
    onProgress?.({ kind: "images", done: 0, total });
    let done = 0;
    for (const part of chunks(images, size)) {
      for (const image of part) {
        yield { image, seen: await this.#seeOrError(image, options), place: done };
        done++;
      }
      onProgress?.({ kind: "images", done, total });
    }
  }

  /** Encodes all images and computes their cosines with the texts. @param keep called with each encoded image */
  async #readAll<Input extends ImageInput>(
    images: readonly Retrievable<Input>[],
    texts: Tensor<"float32">,
    options: RetrieveOptions,
    keep: (index: number, seen: Seen) => void,
  ): Promise<Read<Input>> {
    const places: number[] = [];
    const failed: FailedRow<Input>[] = [];
    const cosines: Float32Array[] = [];
    for await (const { seen, place } of this.#each(images, options)) {
      if ("error" in seen) {
        failed.push(seen);
        continue;
      }
      places.push(place);
      cosines.push(cosineMatrix(seen.features, texts).data);
      keep(place, seen);
    }
    return { places, failed, cosines };
  }
}
