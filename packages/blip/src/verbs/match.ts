// The verb `match`: scores every image-text pair. Each image is encoded once, and each text once for its cosine. ITM
// scores batches of images with batches of texts (models/blip_itm.py, train_retrieval.py).
import { BlipError, type ModelError, allFinite, atLeast, must, expectOptions } from "@blip-ts/base";
import { expectImages } from "../image/expect-images.ts";
import type { Tensor } from "@blip-ts/graph";
import type { Platform } from "../platform.ts";
import type { EncodedTexts } from "../text/word-piece.ts";
import { cosineMatrix } from "../run/cosine-matrix.ts";
import { notFinite } from "@blip-ts/engine";
import { allFailed, failuresOf, quoted } from "../run/finite.ts";
import { ImageTextRetrieval } from "../classes/image-text-retrieval.ts";
import {
  answersOf,
  inOrder,
  readBatches,
  repeat,
  rowError,
  type FailedRow,
  type RowError,
  type VerbCallOptions,
  type VerbOptions,
  verbCallOptionNames,
} from "./image-batches.ts";
import {
  imagesOfRows,
  RowVerb,
  stacked,
  type PixelBatch,
  type RowCallOptions,
  type SeenImage,
  type SeenRequest,
  rowCallOptionNames,
} from "./rows.ts";
import { rowsOf } from "../run/batch-rows.ts";
import { loadVerb, type VerbParts } from "./verb.ts";
import { textRows, trimmed } from "../run/text-batches.ts";
import { expectTexts } from "../text/expect-texts.ts";
import { noTexts } from "./errors.ts";

/** The scores of an image-text pair. */
export interface MatchScores {
  /** The ITM logits of "does not match" and "matches". */
  readonly logits: readonly [no: number, yes: number];
  /** softmax(logits)[1]: the probability that the text fits the image, 0 to 1. */
  readonly probability: number;
  /** The cosine of the contrastive embeddings, -1 to 1, without temperature. */
  readonly cosine: number;
  /** logits[1] + cosine: the score by which the paper's retrieval ranks. */
  readonly rankScore: number;
}

/** The row of an image-text pair. */
export interface MatchRow<ImageInput> extends MatchScores {
  /** The image, as it was given. */
  readonly image: ImageInput;
  /** The text, as it was given. */
  readonly text: string;
  /** Present only if the row failed. */
  readonly error?: undefined;
}

/** Options of a call. */
export type MatchOptions = VerbCallOptions;

/** The texts of a call, with their tokens and unit vectors. */
interface ReadTexts {
  readonly texts: readonly string[];
  readonly encoded: EncodedTexts;
  /** [B, E] */
  readonly features: Tensor<"float32">;
}

/** An image with a text, as a row. */
export interface MatchRequest<ImageInput> {
  /** The image. */
  readonly image: ImageInput;
  /** A text in English. */
  readonly text: string;
}

/** A matching model with the processors of its images and texts. */
export class Matcher<ImageInput> extends RowVerb<
  ImageInput,
  ImageTextRetrieval,
  MatchRequest<ImageInput>,
  MatchScores,
  RowCallOptions
> {
  /** @throws {ModelError} if the model cannot be found, read, or used for matching */
  static load<ImageInput>(
    platform: Platform<ImageInput>,
    source: string,
    options: VerbOptions = {},
  ): Promise<Matcher<ImageInput>> {
    return loadVerb(platform, source, ["match"], options, (parts) => Matcher.over(parts));
  }

  /** Creates a matcher over a loaded network. */
  static over<ImageInput>({ loaded, encoders, processors }: VerbParts<ImageInput>): Matcher<ImageInput> {
    return new Matcher(new ImageTextRetrieval(loaded, encoders), processors);
  }

  /**
   * Scores every image-text pair. Rows are ordered by image, then by text. An image that cannot be read, or whose
   * states are not finite, gives one row with its error. A pair whose scores are not finite gives a row with its error.
   * If all pairs of an image fail, the image gives a single error row.
   * @throws {UsageError} `text/empty`, `usage/no-images`, `usage/no-texts`, `usage/bad-option`
   * @throws {InputError} `text/too-long`
   */
  async *match<Input extends ImageInput>(
    images: readonly Input[],
    texts: readonly string[],
    options: MatchOptions = {},
  ): AsyncGenerator<MatchRow<Input> | FailedRow<Input>, void, undefined> {
    expectOptions("match", options, verbCallOptionNames);
    const { signal } = options;
    expectImages(images);
    expectTexts(texts);
    if (texts.length === 0) throw noTexts();
    // Encode all texts before any other work, so that an empty text is reported first.
    const encoded = this.processors.texts.encode(texts);
    this.model.prepareToScore(encoded, 1);
    let features: Tensor<"float32"> | undefined;
    for await (const batch of readBatches(images, this.processors.images, options)) {
      const { pixels } = batch;
      const scores = await answersOf(async () => {
        // Encode the texts here, while the second batch of images is decoded.
        features ??= (await this.model.texts.readTexts(encoded, { signal })).features;
        return pixels ? this.#score(pixels, { texts, encoded, features }, signal) : [];
      });
      yield* inOrder(batch, scores);
    }
  }

  /** @throws {UsageError} `text/empty` @throws {InputError} `text/too-long` */
  check({ text }: Pick<MatchRequest<ImageInput>, "text">): void {
    this.processors.texts.encode([text]);
  }

  /**
   * Computes the ITM probability of each image with its own texts. It is not finite if the model's logits are not.
   * @param states [B, N, D]
   * @param texts equally many per image, in the order of the images
   * @returns per text a number from 0 to 1, or null for a text that is too long, or of which no token remains
   */
  async probabilities(
    states: Tensor<"float32">,
    texts: readonly string[],
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<(number | null)[]> {
    const read = this.processors.texts;
    const legible = texts.map((text) => read.isLegible(text));
    // Each image needs equally many texts. A word replaces a text that cannot be read; its score is not used.
    const said = texts.map((text, row) => (legible[row] === true ? text : "a"));
    const encoded = read.encodeQuietly(said, { truncation: true });
    const { data } = await this.model.texts.score([states], encoded, "itm", options);
    return texts.map((_, row) =>
      legible[row] === true ? probabilityOf(must(data, 2 * row), must(data, 2 * row + 1)) : null,
    );
  }

  /**
   * Computes the ITM probabilities of texts with encoded images, but no cosines. Truncates texts that are longer than
   * the conventions allow.
   * @param states [B, N, D] from this model's image encoder
   * @param rows texts, each with the index of its image among the states
   * @returns per row a number from 0 to 1; null for a text that is too long, or of which no token remains; or an error
   * for results that are not finite
   * @throws the signal's reason
   */
  async probabilitiesOf(
    states: Tensor<"float32">,
    rows: readonly { readonly text: string; readonly image: number }[],
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<(number | null | ModelError)[]> {
    const read = this.processors.texts;
    const probabilities: (number | null | ModelError)[] = rows.map(() => null);
    const legible = rows.flatMap((row, index) => (read.isLegible(row.text) ? [{ row, index }] : []));
    if (legible.length === 0) return probabilities;
    const [count] = atLeast(states.dims, 1);
    const broken = this.failuresOf(ofImage, states);
    const tokens = textRows(
      read.encodeQuietly(
        legible.map(({ row }) => row.text),
        { truncation: true },
      ),
    );
    const work = {
      images: Array.from({ length: count }, (_, row) => [rowsOf(states, row, row + 1).data] as const),
      states: must(states.dims, 1),
      rows: legible.map(({ row }, position) => ({ ...trimmed(must(tokens, position)), image: row.image })),
    };
    const { logits } = await this.model.texts.crossAttention.run(work, { head: "itm", signal });
    legible.forEach(({ row, index }, position) => {
      const [no, yes] = must(logits, position, "logits");
      const failure = broken[row.image];
      const finite = allFinite([no, yes]) ? probabilityOf(no, yes) : undefined;
      probabilities[index] =
        failure ?? finite ?? notFinite(this.name, `the ITM logits of ${quoted(row.text)}`);
    });
    return probabilities;
  }

  protected readonly callNames = rowCallOptionNames;

  protected checkOptions(): void {
    // The image options are checked when images are read.
  }

  protected imagesOf({ image }: MatchRequest<ImageInput>): readonly ImageInput[] {
    return [image];
  }

  protected async see(
    { pixels }: PixelBatch,
    { signal }: RowCallOptions,
  ): Promise<(SeenImage | BlipError)[]> {
    if (!pixels) return [];
    const { states, features } = await this.model.images.encode(pixels, { signal });
    return this.failuresOf(ofImage, states).map(
      (broken, row) =>
        broken ?? { states: rowsOf(states, row, row + 1), features: rowsOf(features, row, row + 1) },
    );
  }

  protected async answer(
    rows: readonly SeenRequest<MatchRequest<ImageInput>>[],
    { signal }: RowCallOptions,
  ): Promise<(MatchScores[] | BlipError)[]> {
    const encoder = this.model.texts;
    const texts = rows.map(({ request }) => request.text);
    const encoded = this.processors.texts.encode(texts);
    const { images, places } = imagesOfRows(rows);
    const { features } = await encoder.readTexts(encoded, { signal });
    const vectors = stacked(images.flatMap(({ features: vector }) => vector ?? []));
    const cosines = cosineMatrix(vectors, features).data;
    const work = {
      images: images.map(({ states }) => [states.data] as const),
      states: must(must(images, 0).states.dims, 1),
      rows: textRows(encoded).map((row, index) => ({ ...trimmed(row), image: must(places, index) })),
    };
    const { logits } = await encoder.crossAttention.run(work, { head: "itm", signal });
    return texts.map((text, row) => {
      const cosine = must(cosines, must(places, row) * texts.length + row, "cosines");
      const scores = finiteScores(this.name, text, must(logits, row, "logits"), cosine);
      return scores instanceof BlipError ? scores : [scores];
    });
  }

  /** Returns the scores of each image with every text, or the image's error. */
  async #score(
    pixels: Tensor<"float32">,
    { texts, encoded, features }: ReadTexts,
    signal: AbortSignal | undefined,
  ): Promise<(ScoredText[] | BlipError)[]> {
    const [count] = atLeast(pixels.dims, 1);
    const seen = await this.model.images.encode(pixels, { signal });
    const { data } = await this.model.texts.score([seen.states], repeat(encoded, count), "itm", { signal });
    const cosines = cosineMatrix(seen.features, features).data;
    return failuresOf(this.name, ofImage, seen.states).map((broken, row) => {
      const scored = texts.map((text, column) => {
        const index = row * texts.length + column;
        const logits = [must(data, index * 2), must(data, index * 2 + 1)] as const;
        return { text, scores: finiteScores(this.name, text, logits, cosines[index]) };
      });
      const failure = allFailed(scored.map(({ scores }) => scores));
      if (broken) return broken;
      if (failure) return failure;
      return scored.map(({ text, scores }) =>
        scores instanceof BlipError ? { text, error: rowError(scores) } : { text, ...scores },
      );
    });
  }
}

/** A text with its scores for an image, or with its error. */
type ScoredText = { readonly text: string } & (MatchScores | { readonly error: RowError });

/** The subject of messages about states that are not finite. */
const ofImage = "the states of the image";

/** Computes the scores from two logits and a cosine, or an error if one of them is not finite. */
export function finiteScores(
  model: string,
  text: string,
  [no, yes]: readonly [number, number] = [NaN, NaN],
  cosine = NaN,
): MatchScores | ModelError {
  if (!allFinite([no, yes])) return notFinite(model, `the ITM logits of ${quoted(text)}`);
  if (!Number.isFinite(cosine)) return notFinite(model, `the cosine of ${quoted(text)}`);
  return scoresOf(no, yes, cosine);
}

/** softmax([no, yes])[1] */
export const probabilityOf = (no: number, yes: number): number => 1 / (1 + Math.exp(no - yes));

/** Computes the scores from two logits and a cosine. */
export function scoresOf(no: number, yes: number, cosine: number): MatchScores {
  return { logits: [no, yes], probability: probabilityOf(no, yes), cosine, rankScore: yes + cosine };
}
