// The verb `verify`: compares a checkpoint with its published results, or runs general checks if no results were
// published. The caller provides the path or the URL of each image.
import { BlipError, optionNames, withoutNames } from "@blip-ts/base";
import type { Platform } from "../../platform.ts";
import { isNotFinite } from "@blip-ts/engine";
import { type VerbOptions, verbOptionNames } from "../../verbs/image-batches.ts";
import { publishedImages, publishedSamples, type Sample } from "./published-samples.ts";
import { checkModel } from "./check-model.ts";
import { modelOf, SampledModel } from "./run-sample.ts";
import { noSamples } from "../errors.ts";

export type { Published, Sample } from "./published-samples.ts";

/** A sample with the published and the actual result. */
export interface VerifyRow {
  /** The subject of the comparison. */
  readonly sample: string;
  /** The publication. */
  readonly source: string;
  /** The published result. */
  readonly expected: string;
  /** This model's result, with an explanation if known; or the reason why there is no result. */
  readonly found: string;
  /**
   * `equal` to the published result or `different` from it, or `skipped` because the sample could not run. `checked` or
   * `failed` for a model without published samples; such checks do not show that its answers are right.
   */
  readonly verdict: "equal" | "different" | "skipped" | "checked" | "failed";
}

/** Options to verify a model. */
export interface VerifyOptions extends Omit<VerbOptions, "compat" | "imageSize"> {
  /** Returns the path or URL of a named image; undefined if not available. Without it, all samples are skipped. */
  readonly imageOf?: ((name: string) => Promise<string | undefined>) | undefined;
  /** The name of the published model ("blip-itm-base-coco"). Default: the last part of the source. */
  readonly as?: string | undefined;
  /** The samples to run. Default: the published samples. */
  readonly samples?: readonly Sample[] | undefined;
  /** Called after each sample. */
  readonly onSample?: ((progress: { readonly done: number; readonly total: number }) => void) | undefined;
}

export const verifyOptionNames = optionNames<VerifyOptions>()({
  ...withoutNames(verbOptionNames, "compat", "imageSize"),
  imageOf: true,
  as: true,
  samples: true,
  onSample: true,
});

/** The last part of a path or id, without the extension of a weights file. */
const lastPart = (name: string): string =>
  (
    name
      .split(/[/\\]/)
      .filter((part) => part !== "")
      .at(-1) ?? name
  ).replace(/\.(?:pth|bin|safetensors)$/, "");

/** Whether results of a model with this name were published. */
export const hasSamples = (
  source: string,
  { as = lastPart(source), samples = publishedSamples }: Pick<VerifyOptions, "as" | "samples">,
): boolean => samples.some(({ models }) => models.includes(as));

/** The published samples of a model. @throws {UsageError} `verify/no-samples` with the known names */
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

/** A sample's request, in one line. */
function describe({ image, compat, imageSize, expected }: Sample): string {
  const about = aboutOf(expected);
  return [expected.task, image, about, compat, ...(imageSize === undefined ? [] : [`${imageSize} px`])]
    .filter((part) => part !== "")
    .join(" ");
}

/** The general checks of a model without published results. */
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
 * Runs the published samples of a model in order: expected, found, verdict. A model without published results is
 * checked in general: its tasks, its text heads, known faults, norms of features, and whether two computations agree.
 * @throws {UsageError} `verify/no-samples` if `as` names a model without published results
 * @throws {ModelError} if the model cannot be found or read
 */
export async function* verify<ImageInput>(
  platform: Platform<ImageInput>,
  source: string,
  imageInput: (pathOrUrl: string) => ImageInput,
  options: VerifyOptions = {},
): AsyncGenerator<VerifyRow, void, undefined> {
  const { imageOf, as, samples: own, onSample, ...loading } = options;
  // Published results do not apply to a model with an adapter.
  const isPublished = options.adapter === undefined && hasSamples(source, { samples: own });
  if (as === undefined && !isPublished) {
    yield* checks(platform, source, loading);
    return;
  }
  const samples = samplesOf(source, { as, samples: own });
  onSample?.({ done: 0, total: samples.length });
  // Load each model once, one at a time, and run all its samples. Rows keep the order of the samples.
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
    return skipped(`the image ${sample.image} is not available${from === undefined ? "" : ` (${from})`}`);
  }
  try {
    const { expected, found, equal } = await model.ask(sample, imageInput(pathOrUrl));
    return { ...row, expected, found, verdict: equal ? "equal" : "different" };
  } catch (error) {
    // Results that are not finite count as different.
    if (isNotFinite(error))
      return {
        ...row,
        ...{ expected: JSON.stringify(sample.expected), found: error.message, verdict: "different" },
      };
    // An unreadable image, or a file that lacks training leftovers, is not a finding about the model.
    if (!(error instanceof BlipError) || !/^(?:image|verify)\//.test(error.code)) throw error;
    return skipped(error.message);
  }
}
