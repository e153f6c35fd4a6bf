// The verb `verify`: does a real checkpoint say what was published of it? Pictures are given, or fetched where the caller
// wants it; nothing is downloaded otherwise.
import { BlipError, UsageError } from "../errors.ts";
import type { Platform } from "../platform.ts";
import { Answerer } from "./ask.ts";
import { Captioner } from "./caption.ts";
import { Embedder } from "./embed.ts";
import { Matcher } from "./match.ts";
import { verbOptions, type FailedRow, type VerbOptions } from "./picture-model.ts";
import { publishedPictures, publishedSamples, type Sample } from "./published-samples.ts";

export type { Sample } from "./published-samples.ts";

export interface VerifyRow {
  readonly sample: string;
  readonly source: string;
  readonly expected: string;
  /** What this model says, or why it could not be asked. */
  readonly found: string;
  readonly verdict: "equal" | "different" | "skipped";
}

export interface VerifyOptions extends Omit<VerbOptions, "compat" | "imageSize"> {
  /** Where a picture of this name lies; undefined where it is not at hand. Without it samples are skipped. */
  readonly pictureOf?: ((name: string) => Promise<string | undefined>) | undefined;
  /** Which published model this is, where its name does not say: "blip-itm-base-coco". */
  readonly as?: string | undefined;
  /** Samples other than the published ones. */
  readonly samples?: readonly Sample[] | undefined;
  readonly onSample?: ((progress: { readonly done: number; readonly total: number }) => void) | undefined;
}

/** The last part of a path or id, without the ending of a weights file. */
const lastPart = (name: string): string =>
  (
    name
      .split(/[/\\]/)
      .filter((part) => part !== "")
      .at(-1) ?? name
  ).replace(/\.(?:pth|bin|safetensors)$/, "");

/** The samples that were published of a model. @throws {UsageError} `verify/no-samples`, listing what is known */
export function samplesOf(source: string, options: Pick<VerifyOptions, "as" | "samples">): readonly Sample[] {
  const { samples = publishedSamples } = options;
  const name = options.as ?? lastPart(source);
  const own = samples.filter(({ models }) => models.includes(name));
  if (own.length > 0) return own;
  const known = [...new Set(samples.flatMap(({ models }) => models))].sort();
  throw new UsageError(
    "verify/no-samples",
    `${source}: expected a model of which samples were published, found "${name}". Say which it is with --as: ${known.join(", ")}.`,
    { name, known },
  );
}

/** What a sample asks, in a line. */
function describe({ picture, compat, imageSize, expected }: Sample): string {
  const about =
    expected.task === "match" || expected.task === "embed"
      ? `"${expected.text}"`
      : expected.task === "ask"
        ? `"${expected.question}"${expected.answers ? ` of ${expected.answers.length} answers` : ""}`
        : expected.prompt === undefined
          ? ""
          : `"${expected.prompt}"`;
  return [expected.task, picture, about, compat, ...(imageSize === undefined ? [] : [`${imageSize} px`])]
    .filter((part) => part !== "")
    .join(" ");
}

interface Finding {
  readonly expected: string;
  readonly found: string;
  readonly equal: boolean;
}

const digits = (value: number) => value.toFixed(5);

function numbers(
  list: readonly (readonly [name: string, expected: number | undefined, found: number])[],
  tolerance: number,
): Finding {
  const asked = list.flatMap(([name, expected, found]) =>
    expected === undefined ? [] : [{ name, expected, found }],
  );
  return {
    expected: asked.map(({ name, expected }) => `${name} ${digits(expected)} +- ${tolerance}`).join(", "),
    found: asked.map(({ name, found }) => `${name} ${digits(found)}`).join(", "),
    equal: asked.every(({ expected, found }) => Math.abs(expected - found) <= tolerance),
  };
}

function words(
  expected: { readonly tokens?: readonly number[]; readonly text: string | undefined },
  found: { readonly tokens: readonly number[]; readonly text: string },
): Finding {
  // Token ids where they were published, else the text.
  const [wanted, got] = expected.tokens
    ? [expected.tokens.join(" "), found.tokens.join(" ")]
    : [expected.text ?? "", found.text];
  return { expected: wanted, found: expected.tokens ? `${got} (${found.text})` : got, equal: wanted === got };
}

async function first<Row extends object>(rows: AsyncIterable<Row | FailedRow<unknown>>): Promise<Row> {
  for await (const row of rows) {
    if ("error" in row) throw new UsageError(row.error.code, row.error.message);
    return row;
  }
  throw new Error("a picture gave no row");
}

/** Runs a sample. @throws {ModelError} where the model cannot do what the sample asks */
async function findingOf<ImageInput>(
  platform: Platform<ImageInput>,
  source: string,
  { compat, imageSize, expected }: Sample,
  image: ImageInput,
  given: VerbOptions,
): Promise<Finding> {
  const options = verbOptions({ ...given, compat, imageSize });
  switch (expected.task) {
    case "match": {
      await using matcher = await Matcher.load(platform, source, options);
      const row = await first(matcher.match([image], [expected.text]));
      return numbers(
        [
          ["probability", expected.probability, row.probability],
          ["cosine", expected.cosine, row.cosine],
        ],
        expected.tolerance,
      );
    }
    case "embed": {
      await using embedder = await Embedder.load(platform, source, options);
      const [picture, text] = [
        await first(embedder.embedImages([image])),
        await first(embedder.embedTexts([expected.text])),
      ];
      const [a, b] = [picture.embedding, text.embedding];
      const cosine = a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
      return numbers([["cosine", expected.cosine, cosine]], expected.tolerance);
    }
    case "caption": {
      await using captioner = await Captioner.load(platform, source, options);
      const row = await first(captioner.caption([image], { prompt: expected.prompt }));
      return words({ ...expected, text: expected.caption }, { tokens: row.tokens, text: row.caption });
    }
    case "ask": {
      await using answerer = await Answerer.load(platform, source, options);
      const row = await first(answerer.ask([image], [expected.question], { answers: expected.answers }));
      return words({ ...expected, text: expected.answer }, { tokens: row.tokens, text: row.answer });
    }
  }
}

/**
 * The published samples of a model, one after another: expected, found, verdict.
 * @throws {UsageError} `verify/no-samples` for a model of which nothing was published
 * @throws {ModelError} where the model cannot be found or read
 */
export async function* verify<ImageInput>(
  platform: Platform<ImageInput>,
  source: string,
  pictureInput: (place: string) => ImageInput,
  options: VerifyOptions = {},
): AsyncGenerator<VerifyRow, void, undefined> {
  const { pictureOf, as, samples: given, onSample, ...model } = options;
  const samples = samplesOf(source, { as, samples: given });
  onSample?.({ done: 0, total: samples.length });
  for (const [index, sample] of samples.entries()) {
    const row = { sample: describe(sample), source: sample.source };
    const place = await pictureOf?.(sample.picture);
    if (place === undefined) {
      const expected = JSON.stringify(sample.expected);
      const from = publishedPictures[sample.picture];
      const found = `the picture ${sample.picture} is not at hand${from === undefined ? "" : ` (${from})`}`;
      yield { ...row, expected, found, verdict: "skipped" };
    } else {
      try {
        const finding = await findingOf(platform, source, sample, pictureInput(place), model);
        const { expected, found, equal } = finding;
        yield { ...row, expected, found, verdict: equal ? "equal" : "different" };
      } catch (error) {
        // A picture that cannot be read is no finding about the model.
        if (!(error instanceof BlipError) || !error.code.startsWith("image/")) throw error;
        yield { ...row, expected: JSON.stringify(sample.expected), found: error.message, verdict: "skipped" };
      }
    }
    onSample?.({ done: index + 1, total: samples.length });
  }
}
