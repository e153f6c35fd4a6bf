// The verb `retrieve`: cosine over everything, then ITM re-ranks the best k (train_retrieval.py `evaluation`,
// eval_retrieval_video.py).
import { asyncDispose, type Closable, orClosed } from "@blip-ts/base";
import type { Tensor } from "@blip-ts/graph";
import { BlipError, UsageError } from "../errors.ts";
import type { Platform } from "../platform.ts";
import type { EncodedTexts } from "../text/word-piece.ts";
import { cosineMatrix } from "./encoder.ts";
import { badOption } from "./errors.ts";
import { ImageTextRetrieval } from "./image-text-retrieval.ts";
import { loadNetwork } from "./load-network.ts";
import { scoresOf } from "./match.ts";
import {
  batchSize,
  chunks,
  processorsOf,
  verbOptions,
  type FailedRow,
  type PictureModel,
  type VerbCallOptions,
  type VerbOptions,
} from "./picture-model.ts";
import { checkMaxPixels, stackPixels } from "./processor.ts";
import { textRows, trimmed, type TokenRow } from "./text-batches.ts";
import { videoOf, type Seen } from "./video.ts";

/** A video by frames that were chosen before; each is a picture. */
export interface Video<ImageInput> {
  /** What its rows call it. */
  readonly image: ImageInput;
  readonly frames: readonly ImageInput[];
}

/** What every hit says of its pair. */
export interface HitScores {
  readonly cosine: number;
  /** ITM logits; null where the pair was not re-ranked. */
  readonly logits: readonly [no: number, yes: number] | null;
  /** logits[1] + cosine; null where the pair was not re-ranked. */
  readonly rankScore: number | null;
}

export interface ImageHit<ImageInput> extends HitScores {
  readonly image: ImageInput;
}

export interface TextHit extends HitScores {
  readonly text: string;
}

/** The pictures for a text, best first. */
export interface TextRow<ImageInput> {
  readonly text: string;
  readonly hits: readonly ImageHit<ImageInput>[];
}

/** The texts for a picture, best first. */
export interface ImageRow<ImageInput> {
  readonly image: ImageInput;
  readonly hits: readonly TextHit[];
}

export interface RetrieveOptions extends VerbCallOptions {
  /** How many of each ranking ITM looks at: 128, as for Flickr30k; 256 for COCO. 0 ranks by cosine alone. */
  readonly k?: number | undefined;
  /**
   * Most bytes of image states that are kept between the two steps: 512 MiB, or what a bound of memory leaves. What does
   * not fit is computed again.
   */
  readonly cacheBytes?: number | undefined;
}

const defaultK = 128;
/** Pictures whose texts are looked at together. */
const lookBatch = 32;
/** Frames at a time. */
const frameBatch = 8;

/** A picture, or a video by its frames. */
export type Retrievable<Input> = Input | Video<Input>;

const isVideo = <Input>(one: Retrievable<Input>): one is Video<Input> =>
  typeof one === "object" && one !== null && "frames" in one && "image" in one;

const nameOf = <Input>(one: Retrievable<Input>): Input => (isVideo(one) ? one.image : one);

interface Read<Input> {
  /** Pictures that could be read, by their place among those given. */
  readonly places: readonly number[];
  readonly failed: readonly FailedRow<Input>[];
  /** [images, texts] */
  readonly cosines: readonly Float32Array[];
}

/**
 * 8 frames of n as BLIP takes them: frame i * floor(n / 8), for the step is cut to a whole number (data/video_dataset.py).
 * Of fewer than 8 the first, eight times.
 */
export function uniformFrames<T>(frames: readonly T[], count = 8): T[] {
  const step = Math.floor(frames.length / count);
  return Array.from({ length: frames.length > 0 ? count : 0 }, (_, index) => frames[index * step]).filter(
    (frame) => frame !== undefined,
  );
}

/** Places of the highest scores, best first; equals in their order. */
export function best(scores: ArrayLike<number>, count: number): number[] {
  const places = Array.from({ length: scores.length }, (_, place) => place);
  places.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
  return places.slice(0, count);
}

/** A matching model with what turns pictures and texts into its inputs. */
export class Retriever<ImageInput> implements Closable {
  readonly model: ImageTextRetrieval;
  readonly #processors: PictureModel<ImageInput>;

  private constructor(model: ImageTextRetrieval, processors: PictureModel<ImageInput>) {
    this.model = model;
    this.#processors = processors;
  }

  /** @throws {ModelError} where the model cannot be found, read, or used for matching */
  static async load<ImageInput>(
    platform: Platform<ImageInput>,
    source: string,
    options: VerbOptions = {},
  ): Promise<Retriever<ImageInput>> {
    const given = verbOptions(options);
    const loaded = await loadNetwork(platform, source, ["match"], given);
    return orClosed(
      loaded.network,
      async () => new Retriever(new ImageTextRetrieval(loaded), await processorsOf(platform, loaded, given)),
      given.signal,
    );
  }

  /**
   * For each text the pictures, best first. Pictures that cannot be read give rows with their errors, which come first.
   * @throws {UsageError} `usage/no-images`, `usage/no-texts`, `usage/bad-option`, `text/empty`
   * @throws {InputError} `text/too-long`
   */
  async *byText<Input extends ImageInput>(
    images: readonly Retrievable<Input>[],
    texts: readonly string[],
    options: RetrieveOptions = {},
  ): AsyncGenerator<TextRow<Input> | FailedRow<Input>, void, undefined> {
    const { k, cacheBytes, encoded } = this.#checked(images, texts, options);
    const features = await this.model.textFeatures(encoded, options);
    const cache = new Map<number, Tensor<"float32">>();
    let bytes = 0;
    const found = await this.#readAll(images, features, options, (place, { states }) => {
      if (k === 0 || bytes + states.data.byteLength > cacheBytes) return;
      bytes += states.data.byteLength;
      cache.set(place, states);
    });
    yield* found.failed;
    // Which texts ask for a second look at which picture.
    const wanted = new Map<number, number[]>();
    const order = texts.map((_, text) =>
      best(
        found.cosines.map((row) => row[text] ?? NaN),
        found.places.length,
      ),
    );
    order.forEach((ranking, text) => {
      for (const index of ranking.slice(0, k)) wanted.set(index, [...(wanted.get(index) ?? []), text]);
    });
    const { logits, failed } = await this.#lookAgain(images, found.places, wanted, encoded, cache, options);
    yield* failed.values();
    for (const [text, ranking] of order.entries()) {
      const hits = ranking.flatMap((index) => {
        const image = images[found.places[index] ?? 0];
        if (image === undefined || failed.has(index)) return [];
        const cosine = found.cosines[index]?.[text] ?? NaN;
        return [{ image: nameOf(image), ...hitOf(cosine, logits.get(`${index} ${text}`)) }];
      });
      yield { text: texts[text] ?? "", hits: reRanked(hits) };
    }
  }

  /**
   * For each picture, as it is read, the texts, best first. One that cannot be read gives a row with its error.
   * @throws {UsageError} `usage/no-images`, `usage/no-texts`, `usage/bad-option`, `text/empty`
   * @throws {InputError} `text/too-long`
   */
  async *byImage<Input extends ImageInput>(
    images: readonly Retrievable<Input>[],
    texts: readonly string[],
    options: RetrieveOptions = {},
  ): AsyncGenerator<ImageRow<Input> | FailedRow<Input>, void, undefined> {
    const { k, encoded } = this.#checked(images, texts, options);
    const features = await this.model.textFeatures(encoded, options);
    const rows = textRows(encoded).map(trimmed);
    for await (const { image, seen } of this.#each(images, options)) {
      if ("error" in seen) {
        yield seen;
        continue;
      }
      const cosines = cosineMatrix(seen.features, features).data;
      const ranking = best(cosines, texts.length);
      const asking = ranking.slice(0, k);
      const looked = await this.#look([seen.states], [asking], rows, options);
      const hits = ranking.map((text, place) => ({
        text: texts[text] ?? "",
        ...hitOf(cosines[text] ?? NaN, looked[place]),
      }));
      yield { image: nameOf(image), hits: reRanked(hits) };
    }
  }

  /** Frees the model. A second call does nothing more; other calls are refused from now on (`usage/disposed`). */
  async close(): Promise<void> {
    await this.model.close();
  }

  /** Calls `close`, for `await using`. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }

  #checked(images: readonly unknown[], texts: readonly string[], options: RetrieveOptions) {
    const { keptStates } = this.model.loaded.limits;
    const { k = defaultK, cacheBytes = keptStates } = options;
    checkMaxPixels(options.maxPixels);
    if (images.length === 0) throw new UsageError("usage/no-images", "there is no image: give at least one");
    if (texts.length === 0) throw new UsageError("usage/no-texts", "there is no text: give at least one");
    if (!Number.isSafeInteger(k) || k < 0) throw badOption("k", k, ["a whole number of at least 0"]);
    if (!(cacheBytes >= 0)) throw badOption("cacheBytes", cacheBytes, ["a number of bytes"]);
    // All texts are read before any work is done, so that an empty one is found first.
    return { k, cacheBytes, encoded: this.#processors.texts.encode(texts) };
  }

  /**
   * The ITM logits of pictures with the texts that ask for them, by `picture text`.
   * @param cache states that were kept; what is not there is computed again
   * @returns with them the pictures that could not be read any more, by their place among those that could
   */
  async #lookAgain<Input extends ImageInput>(
    images: readonly Retrievable<Input>[],
    places: readonly number[],
    wanted: ReadonlyMap<number, readonly number[]>,
    encoded: EncodedTexts,
    cache: Map<number, Tensor<"float32">>,
    options: RetrieveOptions,
  ) {
    const logits = new Map<string, readonly [number, number]>();
    const failed = new Map<number, FailedRow<Input>>();
    const rows = textRows(encoded).map(trimmed);
    for (const part of chunks(
      [...wanted].sort(([a], [b]) => a - b),
      lookBatch,
    )) {
      const seen: {
        readonly index: number;
        readonly states: Tensor<"float32">;
        readonly asking: readonly number[];
      }[] = [];
      for (const [index, asking] of part) {
        const place = places[index] ?? 0;
        const image = images[place];
        if (image === undefined) continue;
        const again = cache.get(place) ?? (await this.#seeOrError(image, options));
        cache.delete(place);
        if ("error" in again) failed.set(index, again);
        else seen.push({ index, states: "states" in again ? again.states : again, asking });
      }
      // Videos have more states than pictures.
      for (const N of new Set(seen.map(({ states }) => states.dims[1] ?? 0))) {
        const alike = seen.filter(({ states }) => states.dims[1] === N);
        const looked = await this.#look(
          alike.map(({ states }) => states),
          alike.map(({ asking }) => asking),
          rows,
          options,
        );
        let row = 0;
        for (const { index, asking } of alike)
          for (const text of asking) logits.set(`${index} ${text}`, looked[row++] ?? [NaN, NaN]);
      }
    }
    return { logits, failed };
  }

  /** The ITM logits of each picture with its texts, picture by picture. */
  #look(
    states: readonly Tensor<"float32">[],
    asking: readonly (readonly number[])[],
    rows: readonly TokenRow[],
    { signal }: RetrieveOptions,
  ): Promise<readonly (readonly [number, number])[]> {
    const work = {
      images: states.map(({ data }) => [data] as const),
      states: states[0]?.dims[1] ?? 0,
      rows: asking.flatMap((texts, image) =>
        texts.flatMap((text) => (rows[text] ? [{ ...rows[text], image }] : [])),
      ),
    };
    return this.model.scorePairs(work, { signal });
  }

  /** A picture's or a video's states and unit vector. @throws {InputError} `image/...` */
  async #see<Input extends ImageInput>(one: Retrievable<Input>, options: RetrieveOptions): Promise<Seen> {
    const { signal, maxPixels } = options;
    const { images } = this.#processors;
    const parts = [];
    for (const part of chunks(isVideo(one) ? one.frames : [one], frameBatch)) {
      const pixels: Float32Array[] = [];
      for (const frame of part) pixels.push(await images.pixels(frame, signal, maxPixels));
      parts.push(await this.model.encodeImages(stackPixels(pixels, images.config), { signal }));
    }
    const [only] = parts;
    return only && !isVideo(one) ? only : videoOf(parts);
  }

  /** The same, or its row where it cannot be read. */
  async #seeOrError<Input extends ImageInput>(
    one: Retrievable<Input>,
    options: RetrieveOptions,
  ): Promise<Seen | FailedRow<Input>> {
    try {
      return await this.#see(one, options);
    } catch (error) {
      if (!(error instanceof BlipError)) throw error;
      return { image: nameOf(one), error: { code: error.code, message: error.message } };
    }
  }

  /** Every picture, seen or with what was wrong. */
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

  /** All pictures with their cosines; `keep` may keep their states. */
  async #readAll<Input extends ImageInput>(
    images: readonly Retrievable<Input>[],
    texts: Tensor<"float32">,
    options: RetrieveOptions,
    keep: (place: number, seen: Seen) => void,
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

/** What a hit says; without logits it was not looked at again. */
function hitOf(cosine: number, logits: readonly [number, number] | undefined): HitScores {
  return logits
    ? { cosine, logits, rankScore: scoresOf(...logits, cosine).rankScore }
    : { cosine, logits: null, rankScore: null };
}

/** Those that were re-ranked by their scores, then the others, which are in the order of their cosines. */
function reRanked<Hit extends HitScores>(hits: readonly Hit[]): Hit[] {
  const looked = hits.filter(({ rankScore }) => rankScore !== null);
  const scores = looked.map(({ rankScore }) => rankScore ?? NaN);
  const ranked = best(scores, looked.length).flatMap((place) => looked[place] ?? []);
  return [...ranked, ...hits.filter(({ rankScore }) => rankScore === null)];
}
