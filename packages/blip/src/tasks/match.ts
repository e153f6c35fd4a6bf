// The verb `match`: every picture with every text. Each picture is encoded once, each text once for its cosine; ITM
// looks at batches of pictures with batches of texts (models/blip_itm.py, train_retrieval.py).
import type { Tensor } from "@blip-ts/graph";
import { UsageError, type BlipError } from "../errors.ts";
import type { Platform } from "../platform.ts";
import type { EncodedTexts } from "../text/word-piece.ts";
import { fullGroups, pickRows, pickTexts, readDistinct } from "./distinct-pictures.ts";
import { cosineMatrix } from "./encoder.ts";
import { ImageTextRetrieval } from "./image-text-retrieval.ts";
import { loadNetwork, type LoadedNetwork } from "./load-network.ts";
import {
  batchSize,
  chunks,
  inOrder,
  processorsOf,
  readBatches,
  repeat,
  verbOptions,
  type FailedRow,
  type PictureModel,
  type VerbCallOptions,
  type VerbOptions,
} from "./picture-model.ts";

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
  readonly image: ImageInput;
  readonly text: string;
}

export interface MatchOptions extends VerbCallOptions {
  /** Texts at a time for each picture: 32. */
  readonly textBatchSize?: number | undefined;
}

const defaultTexts = 32;

/** Texts of a batch, ready for both encoders. */
interface TextBatch {
  readonly texts: readonly string[];
  readonly encoded: EncodedTexts;
  /** [B, E] */
  readonly features: Tensor<"float32">;
}

/** A picture with its own texts. */
export interface MatchRequest<ImageInput> {
  readonly image: ImageInput;
  readonly texts: readonly string[];
}

/** A model with what turns pictures and texts into its inputs. */
export class Matcher<ImageInput> implements AsyncDisposable {
  readonly model: ImageTextRetrieval;
  readonly processors: PictureModel<ImageInput>;

  private constructor(model: ImageTextRetrieval, processors: PictureModel<ImageInput>) {
    this.model = model;
    this.processors = processors;
  }

  /** @throws {ModelError} where the model cannot be found, read, or used for matching */
  static async load<ImageInput>(
    platform: Platform<ImageInput>,
    source: string,
    options: VerbOptions = {},
  ): Promise<Matcher<ImageInput>> {
    const given = verbOptions(options);
    return Matcher.over(platform, await loadNetwork(platform, source, ["match"], given), given);
  }

  /** A matcher over a network that is loaded, and may do other tasks besides. */
  static async over<ImageInput>(
    platform: Platform<ImageInput>,
    loaded: LoadedNetwork,
    options: VerbOptions,
  ): Promise<Matcher<ImageInput>> {
    return new Matcher(new ImageTextRetrieval(loaded), await processorsOf(platform, loaded, options));
  }

  /**
   * Every picture with every text, pictures in their order, texts inside. A picture that cannot be read gives one row
   * with its error.
   * @throws {UsageError} `text/empty`, `usage/no-images`, `usage/no-texts`, `usage/bad-option`
   * @throws {InputError} `text/too-long`
   */
  async *match<Input extends ImageInput>(
    images: readonly Input[],
    texts: readonly string[],
    options: MatchOptions = {},
  ): AsyncGenerator<MatchRow<Input> | FailedRow<Input>, void, undefined> {
    const { signal } = options;
    const textBatch = batchSize("textBatchSize", options.textBatchSize ?? defaultTexts);
    if (texts.length === 0) throw new UsageError("usage/no-texts", "there is no text to match");
    // All texts are read before any work is done, so that an empty one is found first.
    const encoded = chunks(texts, textBatch).map((part) => ({
      texts: part,
      encoded: this.processors.texts.encode(part),
    }));
    const batches: TextBatch[] = [];
    for await (const pictures of readBatches(images, this.processors.images, options)) {
      // The first pictures are decoded while the texts are read.
      for (const part of encoded.slice(batches.length))
        batches.push({
          ...part,
          features: (await this.model.encodeTexts(part.encoded, { signal })).features,
        });
      const scores = pictures.pixels ? await this.#score(pictures.pixels, batches, signal) : [];
      yield* inOrder(pictures, (place) => scores[place] ?? []);
    }
  }

  /**
   * Pictures, each with texts of its own; equal pictures are encoded once.
   * @returns for each request the scores of its texts, or what was wrong with its picture
   * @throws {UsageError} `text/empty` @throws {InputError} `text/too-long`
   */
  async matchEach(
    requests: readonly MatchRequest<ImageInput>[],
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<((MatchScores & { readonly text: string })[] | BlipError)[]> {
    const images = requests.map(({ image }) => image);
    const { pixels, places } = await readDistinct(images, this.processors.images, { signal });
    const rows = requests.flatMap(({ texts }, request) => {
      const picture = places[request];
      return typeof picture === "number" ? texts.map((text) => ({ text, request, picture })) : [];
    });
    const answers = places.map((place): (MatchScores & { text: string })[] | BlipError =>
      typeof place === "number" ? [] : place,
    );
    if (!pixels) return answers;
    const { states, features } = await this.model.encodeImages(pixels, { signal });
    const encoded = this.processors.texts.encode(rows.map(({ text }) => text));
    const scores: MatchScores[] = [];
    for (const group of fullGroups(
      rows.map(({ picture }) => picture),
      defaultTexts,
    )) {
      const texts = pickTexts(encoded, group.rows);
      const read = await this.model.encodeTexts(texts, { signal });
      const { logits } = await this.model.matchTexts(pickRows(states, group.pictures), texts, { signal });
      const cosines = cosineMatrix(pickRows(features, group.pictures), read.features);
      group.rows.forEach((row, index) => {
        const picture = Math.floor((index * group.pictures.length) / group.rows.length);
        const [no, yes] = [logits.data[2 * index] ?? NaN, logits.data[2 * index + 1] ?? NaN];
        scores[row] = scoresOf(no, yes, cosines.data[picture * group.rows.length + index] ?? NaN);
      });
    }
    rows.forEach(({ text, request }, row) => {
      const [answer, score] = [answers[request], scores[row]];
      if (Array.isArray(answer) && score) answer.push({ text, ...score });
    });
    return answers;
  }

  /**
   * The ITM probability of each picture with its own text.
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
    const { logits } = await this.model.matchTexts(states, read.encode(said, { truncation: true }), options);
    return texts.map((_, row) =>
      legible[row] === true
        ? probabilityOf(logits.data[2 * row] ?? NaN, logits.data[2 * row + 1] ?? NaN)
        : null,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.model[Symbol.asyncDispose]();
  }

  /** For each picture its scores with every text. */
  async #score(
    pixels: Tensor<"float32">,
    batches: readonly TextBatch[],
    signal: AbortSignal | undefined,
  ): Promise<Omit<MatchRow<never>, "image">[][]> {
    const [count = 0] = pixels.dims;
    const scores: Omit<MatchRow<never>, "image">[][] = Array.from({ length: count }, () => []);
    const { states, features } = await this.model.encodeImages(pixels, { signal });
    for (const batch of batches) {
      const { logits } = await this.model.matchTexts(states, repeat(batch.encoded, count), { signal });
      const cosines = cosineMatrix(features, batch.features);
      batch.texts.forEach((text, column) => {
        scores.forEach((rows, row) => {
          const index = row * batch.texts.length + column;
          const [no, yes] = [logits.data[index * 2] ?? NaN, logits.data[index * 2 + 1] ?? NaN];
          rows.push({ text, ...scoresOf(no, yes, cosines.data[index] ?? NaN) });
        });
      });
    }
    return scores;
  }
}

/** softmax([no, yes])[1] */
export const probabilityOf = (no: number, yes: number): number => 1 / (1 + Math.exp(no - yes));

/** What a row says of its two logits and its cosine. */
export function scoresOf(no: number, yes: number, cosine: number): MatchScores {
  return { logits: [no, yes], probability: probabilityOf(no, yes), cosine, rankScore: yes + cosine };
}
