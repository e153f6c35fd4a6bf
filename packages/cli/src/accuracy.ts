// Measures the differences between a model's answers in two types, on images and texts. `blip quantize --check` and
// bench/accuracy.ts print the result.
import { closing, must, revivedError } from "@blip-ts/base";
import {
  Answerer,
  BlipError,
  Comparer,
  Embedder,
  type FailedRow,
  type FailedText,
  Matcher,
  type VerbOptions,
} from "blip-ts";
import { generated, greedyCaptions } from "./greedy-captions.ts";
import { table } from "./table.ts";

/** A model with its number type. The signal in its options also cancels the comparison. */
export interface ModelInType {
  readonly source: string;
  readonly options: VerbOptions;
}

/** One measure of the comparison. */
export interface AccuracyRow {
  readonly measure: string;
  /** The number of compared answers. */
  readonly compared: number;
  /** The number of equal answers, for words or indices. */
  readonly same: number | null;
  /** The largest and the mean absolute difference, for numbers. */
  readonly largest: number | null;
  readonly mean: number | null;
}

/** The default texts, some of which no image shows. */
export const defaultTexts: readonly string[] = [
  "a dog on a beach",
  "two people at a table with food",
  "a red car on a street",
  "a cat",
  "a building under a blue sky",
  "a bowl of fruit",
];

/** Answers by measure: numbers, or texts. */
interface Answers {
  readonly numbers: Readonly<Record<string, readonly number[]>>;
  readonly words: Readonly<Record<string, readonly string[]>>;
}

/**
 * Collects all rows of a verb.
 * @throws {InputError} the first image's failure, because the comparison needs every image
 * @throws {ModelError} `model/not-finite`, for the same reason
 */
async function all<Row extends object>(rows: AsyncIterable<Row | Failed>): Promise<Row[]> {
  const list: Row[] = [];
  for await (const row of rows) {
    if (isFailed(row)) throw failureOf(row);
    list.push(row);
  }
  return list;
}

type Failed = FailedRow<string> | FailedText;

const isFailed = (row: object): row is Failed => "error" in row;

const failureOf = ({ error: { code, message }, ...fields }: Failed): BlipError =>
  revivedError({ type: code.startsWith("model/") ? "model" : "input", code, message, fields });

/** For each group of `size` numbers, the index of the largest. */
function firstPlaces(numbers: readonly number[], size: number): string[] {
  return Array.from({ length: numbers.length / size }, (_, group) => {
    const part = numbers.slice(group * size, (group + 1) * size);
    return String(part.indexOf(Math.max(...part)));
  });
}

const stopOf = ({ signal }: VerbOptions) => ({ signal });

type Run = (model: ModelInType, images: readonly string[], texts: readonly string[]) => Promise<Answers>;

const runs: Readonly<Record<string, Run>> = {
  async match({ source, options }, images, texts) {
    const model = await Matcher.fromPretrained(source, options);
    const rows = await closing(model, () => all(model.match(images, texts, stopOf(options))));
    return {
      numbers: {
        "ITM logit": rows.flatMap(({ logits }) => logits),
        "ITM probability": rows.map(({ probability }) => probability),
        cosine: rows.map(({ cosine }) => cosine),
      },
      words: {
        "best text of an image, ITM and cosine": firstPlaces(
          rows.map(({ rankScore }) => rankScore),
          texts.length,
        ),
        "best text of an image, cosine": firstPlaces(
          rows.map(({ cosine }) => cosine),
          texts.length,
        ),
      },
    };
  },
  async ask({ source, options }, images, texts) {
    const model = await Answerer.fromPretrained(source, options);
    const rows = await closing(model, () => all(model.ask(images, texts, stopOf(options))));
    return {
      numbers: { "score of the answer": rows.map(({ score }) => score) },
      words: { answer: rows.map(({ answer }) => answer) },
    };
  },
  async compare({ source, options }, images, texts) {
    const rows = await closing(await Comparer.fromPretrained(source, options), async (model) => {
      const list = [];
      for (const [index, left] of images.entries()) {
        const right = must(images, (index + 1) % images.length);
        list.push(...(await all(model.compare([left, right], texts, stopOf(options)))));
      }
      return list;
    });
    return {
      numbers: { "probability of the label": rows.map(({ probability }) => probability) },
      words: { label: rows.map(({ label }) => String(label)) },
    };
  },
  async embed({ source, options }, images, texts) {
    const [imageRows, said] = await closing(
      await Embedder.fromPretrained(source, options),
      async (model) =>
        [
          await all(model.embedImages(images, stopOf(options))),
          await all(model.embedTexts(texts, stopOf(options))),
        ] as const,
    );
    const cosines = imageRows.flatMap(({ embedding: a }) =>
      said.map(({ embedding: b }) => a.reduce((sum, value, index) => sum + value * must(b, index), 0)),
    );
    return {
      numbers: { cosine: cosines },
      words: { "best text of an image, cosine": firstPlaces(cosines, texts.length) },
    };
  },
};

/**
 * Compares the answers of a model in two number types. The models are loaded one after the other.
 * @param task a verb that both models can do: match, caption, ask, compare or embed
 */
export async function accuracy(
  task: string,
  reference: ModelInType,
  other: ModelInType,
  images: readonly string[],
  texts: readonly string[],
): Promise<AccuracyRow[]> {
  if (task === "caption") return captionAccuracy(reference, other, images);
  const run = runs[task];
  if (!run) throw new Error(`there is no comparison of ${task}`);
  const expected = await run(reference, images, texts);
  const measured = await run(other, images, texts);
  return [
    ...Object.entries(expected.numbers).map(([measure, numbers]) =>
      differences(measure, numbers, measured.numbers[measure] ?? []),
    ),
    ...Object.entries(expected.words).map(([measure, words]) =>
      agreement(measure, words, measured.words[measure] ?? []),
    ),
  ];
}

function differences(measure: string, expected: readonly number[], found: readonly number[]): AccuracyRow {
  const sizes = expected.map((value, index) => Math.abs(value - must(found, index)));
  return {
    ...{ measure, compared: expected.length, same: null },
    largest: sizes.reduce((a, b) => Math.max(a, b), 0),
    mean: sizes.reduce((a, b) => a + b, 0) / sizes.length,
  };
}

function agreement(
  measure: string,
  expected: readonly (string | number | undefined)[],
  found: readonly (string | number | undefined)[],
): AccuracyRow {
  const same = expected.filter((word, index) => word === found[index]).length;
  return { measure, compared: expected.length, same, largest: null, mean: null };
}

/**
 * Compares greedy captions: as a whole; token by token (additional tokens of a longer caption count as different); and
 * by the probabilities that both models give to the tokens of the reference's captions.
 */
async function captionAccuracy(
  reference: ModelInType,
  other: ModelInType,
  images: readonly string[],
): Promise<AccuracyRow[]> {
  const expected = await greedyCaptions(reference.source, reference.options, images);
  const measured = await greedyCaptions(other.source, other.options, images, expected.captions);
  const pairs = expected.captions.map((caption, index) => {
    const another = measured.captions[index];
    return [generated(caption), another ? generated(another) : []] as const;
  });
  const padded = (which: 0 | 1) =>
    pairs.flatMap((pair) =>
      Array.from({ length: Math.max(pair[0].length, pair[1].length) }, (_, index) => pair[which][index]),
    );
  return [
    agreement(
      "caption, greedy",
      pairs.map(([tokens]) => tokens.join(" ")),
      pairs.map(([, tokens]) => tokens.join(" ")),
    ),
    agreement("token of a caption, greedy", padded(0), padded(1)),
    differences(
      "log probability of a token, along the first's caption",
      expected.forced.flat(),
      measured.forced.flat(),
    ),
  ];
}

const share = (same: number | null, compared: number): string =>
  same === null ? "-" : `${same} (${((100 * same) / compared).toFixed(1)} %)`;

const number = (value: number | null): string => (value === null ? "-" : value.toPrecision(2));

export const accuracyTable = (rows: readonly AccuracyRow[]): string =>
  table(
    ["measure", "compared", "the same", "largest difference", "mean"],
    rows.map(({ measure, compared, same, largest, mean }) => [
      ...[measure, String(compared), share(same, compared)],
      ...[number(largest), number(mean)],
    ]),
    4,
  );
