// The verb `verify`: does a real checkpoint say what was published of it? Pictures are given, or fetched where the caller
// wants it; nothing is downloaded otherwise.
import { BlipError, UsageError } from "../errors.ts";
import type { Platform } from "../platform.ts";
import type { VerbOptions } from "./picture-model.ts";
import { publishedPictures, publishedSamples, type Sample } from "./published-samples.ts";
import { runSample } from "./run-sample.ts";

export type { Published, Sample } from "./published-samples.ts";

export interface VerifyRow {
  readonly sample: string;
  readonly source: string;
  readonly expected: string;
  /** What this model says, with what it means where that is known; or why it could not be asked. */
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

function aboutOf(expected: Sample["expected"]): string {
  switch (expected.task) {
    case "match":
    case "embed":
    case "means":
    case "loss":
      return `"${expected.text}"`;
    case "classify":
      return expected.names.map(([name]) => name).join(", ");
    case "ask":
      return `"${expected.question}"${expected.answers ? ` of ${expected.answers.length} answers` : ""}`;
    case "caption":
      return expected.prompt === undefined ? "" : `"${expected.prompt}"`;
  }
}

/** What a sample asks, in a line. */
function describe({ picture, compat, imageSize, expected }: Sample): string {
  const about = aboutOf(expected);
  return [expected.task, picture, about, compat, ...(imageSize === undefined ? [] : [`${imageSize} px`])]
    .filter((part) => part !== "")
    .join(" ");
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
        const finding = await runSample(platform, source, sample, pictureInput(place), model);
        const { expected, found, equal } = finding;
        yield { ...row, expected, found, verdict: equal ? "equal" : "different" };
      } catch (error) {
        // A picture that cannot be read, or a file that lacks what training left, is no finding about the model.
        if (!(error instanceof BlipError) || !/^(?:image|verify)\//.test(error.code)) throw error;
        yield { ...row, expected: JSON.stringify(sample.expected), found: error.message, verdict: "skipped" };
      }
    }
    onSample?.({ done: index + 1, total: samples.length });
  }
}
