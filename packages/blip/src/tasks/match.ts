// The verb `match`: every picture with every text. Each picture is encoded once, each text once for its cosine; ITM
// looks at batches of pictures with batches of texts (models/blip_itm.py, train_retrieval.py).
import type { Tensor } from "@blip-ts/graph";
import { BlipError, UsageError } from "../errors.ts";
import { defaultImageConfig, parseImageConfig } from "../image/image-processor.ts";
import type { Compat, DownloadProgress, Platform, Warning } from "../platform.ts";
import type { EncodedTexts } from "../text/word-piece.ts";
import { badOption } from "./errors.ts";
import { cosineMatrix, type ImageTextRetrieval } from "./image-text-retrieval.ts";
import { loadRetrieval, type ModelOptions } from "./load-retrieval.ts";
import { readJson, readTokenizer } from "./open-model.ts";
import {
  decodeDefaults,
  ImageProcessor,
  stackPixels,
  TextProcessor,
  type ProcessorOptions,
} from "./processor.ts";

/** The scores of one picture with one text. */
export interface MatchRow<ImageInput> {
  readonly image: ImageInput;
  readonly text: string;
  /** ITM logits of "does not match" and "matches". */
  readonly logits: readonly [no: number, yes: number];
  /** softmax(logits)[1]: how likely the text fits the picture, 0 to 1. */
  readonly probability: number;
  /** Cosine of the contrastive embeddings, -1 to 1; no temperature. */
  readonly cosine: number;
  /** logits[1] + cosine: what the paper's retrieval ranks by. */
  readonly rankScore: number;
}

/** A picture that could not be read; the others go on. */
export interface FailedRow<ImageInput> {
  readonly image: ImageInput;
  readonly error: { readonly code: string; readonly message: string };
}

export interface MatchProgress {
  readonly kind: "match";
  /** Pictures done, of all. */
  readonly done: number;
  readonly total: number;
}

export interface MatcherOptions
  extends Omit<ModelOptions, "onProgress">, Omit<ProcessorOptions, "onProgress"> {
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
}

export interface MatchOptions {
  /** Pictures at a time: 4. */
  readonly imageBatchSize?: number | undefined;
  /** Texts at a time for each picture: 32. */
  readonly textBatchSize?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: MatchProgress) => void) | undefined;
}

const defaultImages = 4;
const defaultTexts = 32;

/** Texts of a batch, ready for both encoders. */
interface TextBatch {
  readonly texts: readonly string[];
  readonly encoded: EncodedTexts;
  /** [B, E] */
  readonly features: Tensor<"float32">;
}

/** A model with what turns pictures and texts into its inputs. */
export class Matcher<ImageInput> implements AsyncDisposable {
  readonly model: ImageTextRetrieval;
  readonly #images: ImageProcessor<ImageInput>;
  readonly #texts: TextProcessor;

  private constructor(model: ImageTextRetrieval, images: ImageProcessor<ImageInput>, texts: TextProcessor) {
    this.model = model;
    this.#images = images;
    this.#texts = texts;
  }

  /** @throws {ModelError} where the model cannot be found, read, or used for matching */
  static async load<ImageInput>(
    platform: Platform<ImageInput>,
    source: string,
    options: MatcherOptions = {},
  ): Promise<Matcher<ImageInput>> {
    const compat: Compat = options.compat ?? "blip";
    const decode = decodeDefaults(compat, options);
    const { model, opened } = await loadRetrieval(platform, source, { ...options, compat });
    const { vocabSize, maxPositions } = model.config.text;
    const json = await readJson(opened.files, "preprocessor_config.json");
    const said = parseImageConfig(json ?? {}, `${opened.files.name}/preprocessor_config.json`);
    // The size is the network's own: no other would fit its position table.
    const { height, width } = defaultImageConfig(model.config.vision.imageSize);
    const tokenizer = await readTokenizer(opened.files, vocabSize, () => platform.bundledVocabulary());
    const onWarning = options.onWarning ?? ((warning: Warning) => platform.warn(warning));
    const images = new ImageProcessor(platform, { ...said, height, width }, { ...decode, onWarning });
    return new Matcher(model, images, new TextProcessor(tokenizer, maxPositions, compat));
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
    const { signal, onProgress } = options;
    const imageBatch = batchSize("imageBatchSize", options.imageBatchSize ?? defaultImages);
    const textBatch = batchSize("textBatchSize", options.textBatchSize ?? defaultTexts);
    if (images.length === 0) throw new UsageError("usage/no-images", "there is no image to match");
    if (texts.length === 0) throw new UsageError("usage/no-texts", "there is no text to match");
    // All texts are read before any work is done, so that an empty one is found first.
    const encoded = chunks(texts, textBatch).map((part) => ({
      texts: part,
      encoded: this.#texts.encode(part),
    }));
    onProgress?.({ kind: "match", done: 0, total: images.length });
    const pictures = chunks(images, imageBatch);
    let next = this.#readAll(pictures[0] ?? [], signal);
    const batches: TextBatch[] = [];
    for (const part of encoded)
      batches.push({ ...part, features: (await this.model.encodeTexts(part.encoded, { signal })).features });
    let done = 0;
    for (const [index, part] of pictures.entries()) {
      const read = await next;
      // The next pictures are decoded while the network looks at these.
      next = this.#readAll(pictures[index + 1] ?? [], signal);
      next.catch(() => undefined);
      for (const rows of await this.#matchBatch(part, read, batches, signal)) yield* rows;
      done += part.length;
      onProgress?.({ kind: "match", done, total: images.length });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.model[Symbol.asyncDispose]();
  }

  #readAll(
    images: readonly ImageInput[],
    signal: AbortSignal | undefined,
  ): Promise<(Float32Array | BlipError)[]> {
    return Promise.all(
      images.map((image) =>
        this.#images.pixels(image, signal).catch((error: unknown) => {
          if (error instanceof BlipError) return error;
          throw error;
        }),
      ),
    );
  }

  /** The rows of each picture of a batch. */
  async #matchBatch<Input extends ImageInput>(
    images: readonly Input[],
    read: readonly (Float32Array | BlipError)[],
    batches: readonly TextBatch[],
    signal: AbortSignal | undefined,
  ): Promise<(MatchRow<Input> | FailedRow<Input>)[][]> {
    const readable = read.filter((pixels) => pixels instanceof Float32Array);
    const scores: Omit<MatchRow<Input>, "image">[][] = readable.map(() => []);
    if (readable.length > 0) {
      const encoded = await this.model.encodeImages(stackPixels(readable, this.#images.config), { signal });
      for (const batch of batches) {
        const { logits } = await this.model.matchTexts(
          encoded.states,
          repeat(batch.encoded, readable.length),
          {
            signal,
          },
        );
        const cosines = cosineMatrix(encoded.features, batch.features);
        batch.texts.forEach((text, column) => {
          scores.forEach((rows, row) => {
            const index = row * batch.texts.length + column;
            const [no, yes] = [logits.data[index * 2] ?? NaN, logits.data[index * 2 + 1] ?? NaN];
            rows.push({ text, ...scoresOf(no, yes, cosines.data[index] ?? NaN) });
          });
        });
      }
    }
    let position = 0;
    return images.map((image, index) => {
      const pixels = read[index];
      if (pixels instanceof BlipError)
        return [{ image, error: { code: pixels.code, message: pixels.message } }];
      return (scores[position++] ?? []).map((score) => ({ image, ...score }));
    });
  }
}

/** What a row says of its two logits and its cosine. */
export function scoresOf(no: number, yes: number, cosine: number): Omit<MatchRow<never>, "image" | "text"> {
  return { logits: [no, yes], probability: 1 / (1 + Math.exp(no - yes)), cosine, rankScore: yes + cosine };
}

function batchSize(name: string, size: number): number {
  if (!Number.isSafeInteger(size) || size < 1) throw badOption(name, size, ["a positive whole number"]);
  return size;
}

function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  );
}

/** The same texts once for each of `times` images. */
function repeat({ inputIds, attentionMask }: EncodedTexts, times: number): EncodedTexts {
  const [count = 0, length = 0] = inputIds.dims;
  const again = ({ data }: Tensor<"int64">): Tensor<"int64"> => {
    const all = new BigInt64Array(data.length * times);
    for (let index = 0; index < times; index++) all.set(data, index * data.length);
    return { dtype: "int64", dims: [count * times, length], data: all };
  };
  return { inputIds: again(inputIds), attentionMask: again(attentionMask) };
}
