// The verb `match`: every picture with every text. Each picture is encoded once, each text once for its cosine; ITM
// looks at batches of pictures with batches of texts (models/blip_itm.py, train_retrieval.py).
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

/** How well a text fits a picture. */
export interface MatchScores {
  /** ITM logits of "does not match" and "matches". */
  readonly logits: readonly [no: number, yes: number];
  /** softmax(logits)[1]: how likely the text fits the picture, 0 to 1. */
  readonly probability: number;
  /** Cosine of the contrastive embeddings, -1 to 1; no temperature. */
  readonly cosine: number;
  /** logits[1] + cosine: what the paper's retrieval ranks by. */
  readonly rankScore: number;
}

/** The scores of one picture with one text. */
export interface MatchRow<ImageInput> extends MatchScores {
  /** The image, as it was given. */
  readonly image: ImageInput;
  /** The text, as it was given. */
  readonly text: string;
  /** A row has this only if it failed. */
  readonly error?: undefined;
}

/** How images are read. */
export type MatchOptions = VerbCallOptions;

/** The texts of a call as both encoders read them. */
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

/** A model with what turns pictures and texts into its inputs. */
export class Matcher<ImageInput> extends RowVerb<
  ImageInput,
  ImageTextRetrieval,
  MatchRequest<ImageInput>,
  MatchScores,
  RowCallOptions
> {
  /** @throws {ModelError} where the model cannot be found, read, or used for matching */
  static load<ImageInput>(
    platform: Platform<ImageInput>,
    source: string,
    options: VerbOptions = {},
  ): Promise<Matcher<ImageInput>> {
    return loadVerb(platform, source, ["match"], options, (parts) => Matcher.over(parts));
  }

  /** One over a network that is loaded. */
  static over<ImageInput>({ loaded, encoders, processors }: VerbParts<ImageInput>): Matcher<ImageInput> {
    return new Matcher(new ImageTextRetrieval(loaded, encoders), processors);
  }

  /**
   * Every picture with every text, pictures in their order, texts inside. A picture that cannot be read, or whose states
   * are not finite, gives one row with its error; a text whose scores are not finite with a picture, one with its own, or
   * one for all texts if none has scores.
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
    // All texts are read before any work is done, so that an empty one is found first.
    const encoded = this.processors.texts.encode(texts);
    this.model.prepareToScore(encoded, 1);
    let features: Tensor<"float32"> | undefined;
    for await (const batch of readBatches(images, this.processors.images, options)) {
      const { pixels } = batch;
      const scores = await answersOf(async () => {
        // The first pictures are decoded while the texts are read.
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
   * The ITM probability of each picture with its own text.
   * Not finite if the model's logits are not.
   * @param states [B, N, D] @param texts as many for each picture, in the pictures' order; one of which the conventions
   * leave nothing to read (empty, or only punctuation) has none
   */
  async probabilities(
    states: Tensor<"float32">,
    texts: readonly string[],
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<(number | null)[]> {
    const read = this.processors.texts;
    const legible = texts.map((text) => read.clean(text).trim() !== "");
    // Each picture needs as many texts: a word stands in for what cannot be read, and its score is not used.
    const said = texts.map((text, row) => (legible[row] === true ? text : "a"));
    const encoded = read.encodeQuietly(said, { truncation: true });
    const { data } = await this.model.texts.score([states], encoded, "itm", options);
    return texts.map((_, row) =>
      legible[row] === true ? probabilityOf(must(data, 2 * row), must(data, 2 * row + 1)) : null,
    );
  }

  /**
   * The ITM probability of texts with images that are encoded; cosines are not computed.
   * @param states [B, N, D] of this model's image encoder
   * @param rows texts, each with the place of its image among the states
   * @returns for each row 0 to 1, or null if the conventions leave nothing of the text to read (empty, or only
   * punctuation), or what is not finite. Texts longer than the conventions have it are cut
   * @throws the signal's reason
   */
  async probabilitiesOf(
    states: Tensor<"float32">,
    rows: readonly { readonly text: string; readonly image: number }[],
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<(number | null | ModelError)[]> {
    const read = this.processors.texts;
    const probabilities: (number | null | ModelError)[] = rows.map(() => null);
    const legible = rows.flatMap((row, index) =>
      read.clean(row.text).trim() === "" ? [] : [{ row, index }],
    );
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
    // What is said of images is checked where they are read.
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

  /** For each picture its scores with every text, or what is wrong with it. */
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

/** What a text has with a picture, or why it has nothing. */
type ScoredText = { readonly text: string } & (MatchScores | { readonly error: RowError });

/** What failures say is not finite. */
const ofImage = "the states of the image";

/** What a row says of its two logits and its cosine, if all of them are finite. */
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

/** What a row says of its two logits and its cosine. */
export function scoresOf(no: number, yes: number, cosine: number): MatchScores {
  return { logits: [no, yes], probability: probabilityOf(no, yes), cosine, rankScore: yes + cosine };
}
