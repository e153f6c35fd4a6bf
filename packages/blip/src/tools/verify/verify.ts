// The verb `verify`: does a real checkpoint say what was published of it? A model of which nothing was published is checked
// for what can be checked. Images are given, or fetched where the caller wants it; nothing is downloaded otherwise.
import { BlipError } from "@blip-ts/base";
import type { Platform } from "../../platform.ts";
import { isNotFinite } from "@blip-ts/engine";
import type { VerbOptions } from "../../verbs/image-batches.ts";
import { publishedImages, publishedSamples, type Sample } from "./published-samples.ts";
import { checkModel } from "./check-model.ts";
import { modelOf, SampledModel } from "./run-sample.ts";
import { noSamples } from "../errors.ts";

export type { Published, Sample } from "./published-samples.ts";

/** A sample: what was published, and what was found. */
export interface VerifyRow {
  /** What is compared. */
  readonly sample: string;
  /** Where it was published. */
  readonly source: string;
  /** What was published. */
  readonly expected: string;
  /** What this model says, with what it means where that is known; or why it could not be asked. */
  readonly found: string;
  /**
   * `equal` or `different` from what was published, or `skipped` because it could not be asked. Of a model without
   * published samples `checked` or `failed`: that its answers are right, nothing says.
   */
  readonly verdict: "equal" | "different" | "skipped" | "checked" | "failed";
}

/** How a model is verified. */
export interface VerifyOptions extends Omit<VerbOptions, "compat" | "imageSize"> {
  /** Where a picture of this name lies; undefined where it is not at hand. Without it samples are skipped. */
  readonly imageOf?: ((name: string) => Promise<string | undefined>) | undefined;
  /** Which published model this is, where its name does not say: "blip-itm-base-coco". */
  readonly as?: string | undefined;
  /** Samples other than the published ones. */
  readonly samples?: readonly Sample[] | undefined;
  /** Called after each sample. */
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

/** Was anything published of a model of this name? */
export const hasSamples = (
  source: string,
  { as = lastPart(source), samples = publishedSamples }: Pick<VerifyOptions, "as" | "samples">,
): boolean => samples.some(({ models }) => models.includes(as));

/** The samples that were published of a model. @throws {UsageError} `verify/no-samples`, listing what is known */
export function samplesOf(source: string, options: Pick<VerifyOptions, "as" | "samples">): readonly Sample[] {
  const { samples = publishedSamples } = options;
  const name = options.as ?? lastPart(source);
  const own = samples.filter(({ models }) => models.includes(name));
  if (own.length > 0) return own;
  const known = [...new Set(samples.flatMap(({ models }) => models))].sort();
  throw noSamples(source, name, known);
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
function describe({ image, compat, imageSize, expected }: Sample): string {
  const about = aboutOf(expected);
  return [expected.task, image, about, compat, ...(imageSize === undefined ? [] : [`${imageSize} px`])]
    .filter((part) => part !== "")
    .join(" ");
}

/** A model of which nothing was published, check by check. */
async function* checks(
  platform: Platform<never>,
  source: string,
  options: VerbOptions,
): AsyncGenerator<VerifyRow, void, undefined> {
  for await (const { what, expected, found, passed } of checkModel(platform, source, options))
    yield {
      sample: what,
      source: "nothing published",
      expected,
      found,
      verdict: passed ? "checked" : "failed",
    };
}

/**
 * The published samples of a model, one after another: expected, found, verdict. A model of which nothing was published is
 * checked: its tasks, its text heads, known faults, norms of features, and whether it answers the same by two ways.
 * @throws {UsageError} `verify/no-samples` if `as` names a model of which nothing was published
 * @throws {ModelError} where the model cannot be found or read
 */
export async function* verify<ImageInput>(
  platform: Platform<ImageInput>,
  source: string,
  imageInput: (pathOrUrl: string) => ImageInput,
  options: VerifyOptions = {},
): AsyncGenerator<VerifyRow, void, undefined> {
  const { imageOf, as, samples: own, onSample, ...loading } = options;
  // What was published of a model says nothing of it with an adapter.
  const isPublished = options.adapter === undefined && hasSamples(source, { samples: own });
  if (as === undefined && !isPublished) {
    yield* checks(platform, source, loading);
    return;
  }
  const samples = samplesOf(source, { as, samples: own });
  onSample?.({ done: 0, total: samples.length });
  // Each model is loaded once, and one at a time: its samples are asked together. Rows keep the samples' order.
  const groups = new Map<string, number[]>();
  for (const [index, sample] of samples.entries())
    groups.set(modelOf(sample), [...(groups.get(modelOf(sample)) ?? []), index]);
  const rows = new Map<number, VerifyRow>();
  let next = 0;
  for (const group of groups.values()) {
    const model = new SampledModel(platform, source, at(samples, group[0]), loading);
    try {
      for (const index of group) {
        loading.signal?.throwIfAborted();
        rows.set(index, await rowOf(model, at(samples, index), imageInput, imageOf));
        onSample?.({ done: rows.size, total: samples.length });
        for (let row = rows.get(next); row; row = rows.get(++next)) yield row;
      }
    } finally {
      await model.close();
    }
  }
}

function at(samples: readonly Sample[], index: number | undefined): Sample {
  const sample = samples[index ?? -1];
  if (!sample) throw new Error(`there is no sample ${index}`);
  return sample;
}

async function rowOf<ImageInput>(
  model: SampledModel<ImageInput>,
  sample: Sample,
  imageInput: (pathOrUrl: string) => ImageInput,
  imageOf: VerifyOptions["imageOf"],
): Promise<VerifyRow> {
  const row = { sample: describe(sample), source: sample.source };
  const skipped = (reason: string): VerifyRow => ({
    ...row,
    ...{ expected: JSON.stringify(sample.expected), found: reason, verdict: "skipped" },
  });
  const pathOrUrl = await imageOf?.(sample.image);
  if (pathOrUrl === undefined) {
    const from = publishedImages[sample.image];
    return skipped(`the image ${sample.image} is not at hand${from === undefined ? "" : ` (${from})`}`);
  }
  try {
    const { expected, found, equal } = await model.ask(sample, imageInput(pathOrUrl));
    return { ...row, expected, found, verdict: equal ? "equal" : "different" };
  } catch (error) {
    // A model that makes no finite numbers says something else than what was published.
    if (isNotFinite(error))
      return {
        ...row,
        ...{ expected: JSON.stringify(sample.expected), found: error.message, verdict: "different" },
      };
    // A picture that cannot be read, or a file that lacks what training left, is no finding about the model.
    if (!(error instanceof BlipError) || !/^(?:image|verify)\//.test(error.code)) throw error;
    return skipped(error.message);
  }
}
