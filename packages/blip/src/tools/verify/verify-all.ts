// Verifies all published models in one report, including the number of text heads of itm-base-flickr. That model's
// config.json probably still has 8 heads, although the weights were trained with 12 (transformers issue 22625).
import { BlipError, closing, must, optionNames, withoutNames } from "@blip-ts/base";
import { inspect } from "../inspect.ts";
import type { Platform } from "../../platform.ts";
import { version } from "../../version.ts";
import { Matcher } from "../../verbs/match.ts";
import { verify, type VerifyOptions, type VerifyRow, verifyOptionNames } from "./verify.ts";

/** The models that Salesforce published on the Hub and that this package runs. */
export const publishedModels: readonly string[] = [
  "Salesforce/blip-itm-base-coco",
  "Salesforce/blip-itm-large-coco",
  "Salesforce/blip-itm-base-flickr",
  "Salesforce/blip-itm-large-flickr",
  "Salesforce/blip-image-captioning-base",
  "Salesforce/blip-image-captioning-large",
  "Salesforce/blip-vqa-base",
  "Salesforce/blip-vqa-capfilt-large",
];

/** The model whose number of heads in config.json is in doubt. */
const doubtful = "Salesforce/blip-itm-base-flickr";

/** Published captions of the published images. */
const shows: readonly (readonly [image: string, text: string])[] = [
  ["demo.jpg", "a woman sitting on the beach with a dog"],
  ["merlion.png", "a large fountain spewing water into the air"],
  ["000000039769.jpg", "two cats sleeping on a couch"],
];

/** The verdict on a model. */
export interface ModelVerdict {
  /** The model's name. */
  readonly model: string;
  /**
   * `equal`: all published results are reproduced. `checked`: no results were published, and all checks passed.
   * `different`, `failed`, `skipped`: at least one row has this verdict. `unavailable`: the model could not be loaded.
   */
  readonly verdict: VerifyRow["verdict"] | "unavailable";
  /** The rows of the model's samples. */
  readonly rows: readonly VerifyRow[];
  /** The reason why the model is unavailable. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** How well a model with a given number of text heads separates the true captions of three images from false ones. */
export interface HeadsTried {
  /** The number of attention heads of the text model. */
  readonly heads: number;
  /** The number of comparisons, out of 12 (6 per image, 6 per text), that rank the true pair above the false pair. */
  readonly right: number;
  /** The mean logit of the true pair minus the logit of the false pair. */
  readonly margin: number;
}

/** The verdict on the number of attention heads. */
export interface HeadsVerdict {
  /** The model's name. */
  readonly model: string;
  /** The number of heads in config.json; undefined if it is missing or could not be read. */
  readonly configured: number | undefined;
  /** The results of each number of heads. */
  readonly tried: readonly HeadsTried[];
  /** The number of heads that separates better, by at least twice the margin; undefined if neither does. */
  readonly verdict: number | undefined;
  /** The reason why there is no verdict. */
  readonly reason?: string;
}

/** The report on all published models. */
export interface VerifyReport {
  /** The version of this package. */
  readonly version: string;
  /** A verdict per model. */
  readonly models: readonly ModelVerdict[];
  /** The right number of attention heads (transformers issue 22625). */
  readonly textHeads: HeadsVerdict;
}

/** Options to verify all models. */
export interface VerifyAllOptions extends Omit<VerifyOptions, "as" | "textHeads" | "revision"> {
  /** The models to verify. Default: the published models. */
  readonly models?: readonly string[] | undefined;
  /** The model whose text heads are tried. Default: Salesforce/blip-itm-base-flickr. */
  readonly headsOf?: string | undefined;
  /** Called after each model. */
  readonly onModel?: ((progress: { readonly done: number; readonly total: number }) => void) | undefined;
}

export const verifyAllOptionNames = optionNames<VerifyAllOptions>()({
  ...withoutNames(verifyOptionNames, "as", "textHeads", "revision"),
  models: true,
  headsOf: true,
  onModel: true,
});

/** The verdicts from worst to best. A model gets the verdict of its worst row. */
const order = ["failed", "different", "skipped", "equal", "checked"] as const;

const worst = (rows: readonly VerifyRow[]): VerifyRow["verdict"] =>
  order.find((verdict) => rows.some((row) => row.verdict === verdict)) ?? "failed";

async function verdictOf<ImageInput>(
  platform: Platform<ImageInput>,
  model: string,
  imageInput: (pathOrUrl: string) => ImageInput,
  options: VerifyOptions,
): Promise<ModelVerdict> {
  const rows: VerifyRow[] = [];
  try {
    for await (const row of verify(platform, model, imageInput, options)) rows.push(row);
    return { model, verdict: worst(rows), rows };
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!(error instanceof BlipError)) throw error;
    return { model, verdict: "unavailable", rows, error: { code: error.code, message: error.message } };
  }
}

/** Compares each true pair with the false pairs in the same row and in the same column. */
function compared(logits: readonly (readonly number[])[], heads: number): HeadsTried {
  const gaps: number[] = [];
  for (const [row, own] of logits.entries())
    for (const column of logits.keys()) {
      if (row === column) continue;
      const mine = must(own, row);
      gaps.push(mine - must(own, column), mine - must(must(logits, column), row));
    }
  const margin = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  return { heads, right: gaps.filter((gap) => gap > 0).length, margin };
}

async function tryHeads<ImageInput>(
  platform: Platform<ImageInput>,
  model: string,
  images: readonly ImageInput[],
  heads: number,
  options: VerifyOptions,
): Promise<HeadsTried> {
  const { signal } = options;
  const matcher = await Matcher.load(platform, model, {
    ...options,
    textHeads: heads,
    onWarning: () => undefined,
  });
  return closing(matcher, async () => {
    const logits: number[][] = [];
    for (const image of images) {
      const row: number[] = [];
      for await (const scores of matcher.match(
        [image],
        shows.map(([, text]) => text),
        { signal },
      )) {
        if ("error" in scores) return { heads, right: 0, margin: NaN };
        row.push(scores.logits[1] - scores.logits[0]);
      }
      logits.push(row);
    }
    return compared(logits, heads);
  });
}

async function configuredHeads(platform: Platform<never>, model: string, options: VerifyOptions) {
  const given = { ...options, textHeads: "config" as const, onWarning: () => undefined };
  const { text } = (await inspect(platform, model, given)).architecture;
  return (text as { readonly heads?: number } | undefined)?.heads;
}

/**
 * Chooses the number of heads that separates clearly better: no fewer right comparisons, and at least twice the margin.
 */
export function decideHeads(tried: readonly HeadsTried[]): number | undefined {
  const [better, other] = [...tried].sort((a, b) => b.right - a.right || b.margin - a.margin);
  if (!better || !other || better.right <= 6) return undefined;
  return better.margin >= 2 * Math.abs(other.margin) ? better.heads : undefined;
}

/** Tries a model with 8 text heads and with 12. */
async function headsVerdict<ImageInput>(
  platform: Platform<ImageInput>,
  model: string,
  imageInput: (pathOrUrl: string) => ImageInput,
  options: VerifyOptions,
): Promise<HeadsVerdict> {
  const images: ImageInput[] = [];
  let configured: number | undefined;
  const tried: HeadsTried[] = [];
  const undecided = (reason: string) => ({ model, configured, tried, verdict: undefined, reason });
  for (const [name] of shows) {
    const pathOrUrl = await options.imageOf?.(name);
    if (pathOrUrl === undefined) return undecided(`the image ${name} is not available`);
    images.push(imageInput(pathOrUrl));
  }
  try {
    configured = await configuredHeads(platform, model, options);
    for (const heads of [8, 12]) tried.push(await tryHeads(platform, model, images, heads, options));
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!(error instanceof BlipError)) throw error;
    return undecided(error.message);
  }
  const verdict = decideHeads(tried);
  if (verdict === undefined) return undecided("neither number of heads separates clearly better");
  return { model, configured, tried, verdict };
}

/**
 * Verifies all published models in order, by their published results or by general checks. The first run downloads
 * about 10 GB.
 * @throws the signal's reason
 */
export async function verifyAll<ImageInput>(
  platform: Platform<ImageInput>,
  imageInput: (pathOrUrl: string) => ImageInput,
  { models = publishedModels, headsOf = doubtful, onModel, ...options }: VerifyAllOptions = {},
): Promise<VerifyReport> {
  const total = models.length + 1;
  const verdicts: ModelVerdict[] = [];
  for (const model of models) {
    onModel?.({ done: verdicts.length, total });
    verdicts.push(await verdictOf(platform, model, imageInput, options));
  }
  onModel?.({ done: models.length, total });
  const textHeads = await headsVerdict(platform, headsOf, imageInput, options);
  onModel?.({ done: total, total });
  return { version, models: verdicts, textHeads };
}
