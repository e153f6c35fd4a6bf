// The two halves of CapFilt, captioning and filtering, for the caller's own rows.
import { badOption, BlipError, must, expectOptions, optionNames } from "@blip-ts/base";
import type { Platform } from "../platform.ts";
import { expectTexts } from "../text/expect-texts.ts";
import { rowError, type RowError } from "../verbs/image-batches.ts";
import type { RowSource } from "../verbs/rows.ts";
import type { CapFiltHost } from "./host.ts";
import { loadModels } from "./models.ts";
import {
  checkOptions,
  defaults,
  type DrawingOptions,
  type TwoModelOptions,
  drawingOptionNames,
  twoModelOptionNames,
} from "./options.ts";
import { sampleSeed } from "./sample-seed.ts";
import { Scorer, type Probability, type ScoreRequest, type Scores } from "./score.ts";

/** Options to caption images: the model, and how to draw captions. */
export interface CaptionImagesOptions extends TwoModelOptions, DrawingOptions {
  /** A folder, a weights file, a Hub id, or `picture-book` (default). */
  readonly captioner?: string | undefined;
}

const captionImagesNames = optionNames<CaptionImagesOptions>()({
  ...twoModelOptionNames,
  ...drawingOptionNames,
  captioner: true,
});

/** Options to filter pairs: the model, and images per batch. */
export interface FilterPairsOptions extends TwoModelOptions, Pick<DrawingOptions, "imageBatchSize"> {
  /** A folder, a weights file, a Hub id, or `picture-book` (default). */
  readonly filter?: string | undefined;
  /** The minimum ITM probability (after softmax) of a kept text, 0 to 1. Default: 0.5, as in the paper. */
  readonly threshold?: number | undefined;
}

const filterPairsNames = optionNames<FilterPairsOptions>()({
  ...twoModelOptionNames,
  imageBatchSize: true,
  filter: true,
  threshold: true,
});

/** An image to caption. */
export interface ImageToCaption<ImageInput> {
  /** The image to caption. */
  readonly image: ImageInput;
  /**
   * The image's key, which determines the seed of its draw. Images with the same key get the same caption. Default: the
   * path, the URL, or the content of the bytes.
   */
  readonly key?: string | undefined;
}

/** A drawn caption of an image. */
export interface SyntheticCaption {
  /** The drawn caption. */
  readonly caption: string;
  /** [DEC], the prompt, the drawn tokens, and [SEP] if it was reached. */
  readonly tokens: readonly number[];
  /** The natural logarithm of the probability of all drawn tokens, before penalties. */
  readonly logProbability: number;
  /** The seed of the image's draw. `caption` with `sample`, this seed and the same options draws the same caption. */
  readonly seed: number;
}

/** An image with texts to filter. */
export interface PairsToFilter<ImageInput> {
  /** The image of the texts. */
  readonly image: ImageInput;
  /** The texts to judge, at least one. */
  readonly texts: readonly string[];
}

/** The judged texts of an image, in order. */
export interface FilteredPairs {
  /** Each text with its probability, and whether it is kept. */
  readonly judged: readonly {
    readonly text: string;
    /** The ITM probability, 0 to 1; null if the text is too long, or cleaning leaves no token of it. */
    readonly probability: Probability;
    readonly isKept: boolean;
  }[];
}

/** A row with its result, or with its error. */
export type RowWith<Row, Found> =
  (Row & Found & { readonly error?: undefined }) | (Row & { readonly error: RowError });

/** Whether a text is kept. */
export const isKept = (probability: Probability, threshold: number): boolean =>
  probability !== null && probability >= threshold;

interface Asked<Row, ImageInput> {
  readonly row: Row;
  readonly request: ScoreRequest<ImageInput>;
}

/** Runs rows through a scorer in batches. */
async function* scoredRows<Row, ImageInput>(
  scorer: Scorer<ImageInput>,
  source: RowSource<Row>,
  requestOf: (row: Row) => ScoreRequest<ImageInput>,
  size: number,
): AsyncGenerator<readonly [Asked<Row, ImageInput>, Scores | BlipError], void, undefined> {
  const waiting: Asked<Row, ImageInput>[][] = [];
  async function* batches() {
    let batch: Asked<Row, ImageInput>[] = [];
    const put = () => {
      waiting.push(batch);
      const requests = batch.map(({ request }) => request);
      batch = [];
      return requests;
    };
    for await (const row of source) {
      batch.push({ row, request: requestOf(row) });
      if (batch.length === size) yield put();
    }
    if (batch.length > 0) yield put();
  }
  for await (const scores of scorer.batches(batches())) {
    const own = waiting.shift() ?? [];
    for (const [index, answer] of scores.entries()) {
      const asked = own[index];
      if (asked) yield [asked, answer];
    }
  }
}

/** The key of a caller's image. */
function keyOf(host: Pick<CapFiltHost, "hasher">, image: unknown, key: string | undefined): string {
  if (key !== undefined) return key;
  if (typeof image === "string") return `path ${image}`;
  if (typeof image === "object" && image !== null && "href" in image) return `url ${String(image.href)}`;
  const hasher = host.hasher();
  if (image instanceof Uint8Array) hasher.update(image);
  else if (image instanceof ArrayBuffer) hasher.update(new Uint8Array(image));
  else throw badOption("key", key, ["a text for an image that is neither a path nor a URL nor bytes"]);
  return `bytes ${hasher.digest()}`;
}

/**
 * The first half of CapFilt: draws one caption per image by nucleus sampling. Rows are returned in order with all their
 * fields. A row whose image cannot be read gets an error.
 * @throws {ModelError} if the model cannot be found, read, or used for captions
 * @throws {UsageError} `usage/bad-option`, `generate/...` @throws the source's error; the signal's reason
 */
export async function* captionRows<ImageInput, Row extends ImageToCaption<ImageInput>>(
  platform: Platform<ImageInput>,
  host: Pick<CapFiltHost, "hasher">,
  source: RowSource<Row>,
  options: CaptionImagesOptions = {},
): AsyncGenerator<RowWith<Row, SyntheticCaption>, void, undefined> {
  expectOptions("captionImages", options, captionImagesNames);
  checkOptions(options);
  const {
    captioner = "picture-book",
    seed = defaults.seed,
    imageBatchSize = defaults.imageBatchSize,
  } = options;
  const models = await loadModels(platform, host, { captioner }, options);
  try {
    const requestOf = ({ image, key }: Row): ScoreRequest<ImageInput> => ({
      ...{ image, texts: [] },
      seed: sampleSeed(host, seed, keyOf(host, image, key)),
    });
    const scorer = new Scorer(models, options);
    for await (const [{ row, request }, scores] of scoredRows(scorer, source, requestOf, imageBatchSize)) {
      if (scores instanceof BlipError) yield { ...row, error: rowError(scores) };
      else if (scores.synthetic) {
        const { caption, tokens, logProbability } = scores.synthetic;
        yield { ...row, caption, tokens, logProbability, seed: request.seed };
      }
    }
  } finally {
    await models.close();
  }
}

/**
 * The second half of CapFilt: scores how well each text fits its image, and decides whether to keep the text. Rows are
 * returned in order with all their fields. A row whose image cannot be read gets an error. A text that cannot be read is
 * not kept.
 * @throws {ModelError} if the model cannot be found, read, or used for matching
 * @throws {UsageError} `usage/bad-option`, `text/not-a-text` @throws the source's error; the signal's reason
 */
export async function* filterRows<ImageInput, Row extends PairsToFilter<ImageInput>>(
  platform: Platform<ImageInput>,
  host: Pick<CapFiltHost, "hasher">,
  source: RowSource<Row>,
  options: FilterPairsOptions = {},
): AsyncGenerator<RowWith<Row, FilteredPairs>, void, undefined> {
  expectOptions("filterPairs", options, filterPairsNames);
  checkOptions(options);
  const { filter = "picture-book", threshold = defaults.threshold } = options;
  const { imageBatchSize = defaults.imageBatchSize } = options;
  const models = await loadModels(platform, host, { filter }, options);
  try {
    const requestOf = ({ image, texts }: Row): ScoreRequest<ImageInput> => {
      expectTexts(texts);
      return { image, texts, seed: 0 };
    };
    const scorer = new Scorer(models, options);
    for await (const [{ row }, scores] of scoredRows(scorer, source, requestOf, imageBatchSize)) {
      if (scores instanceof BlipError) yield { ...row, error: rowError(scores) };
      else {
        const judged = row.texts.map((text, index) => {
          const probability = must(scores.web, index, "probabilities");
          return { text, probability, isKept: isKept(probability, threshold) };
        });
        yield { ...row, judged };
      }
    }
  } finally {
    await models.close();
  }
}
