// All published models in one report, with the verdict on the text heads of itm-base-flickr, whose config.json most likely
// still says 8 where the weights were trained with 12 (transformers issue 22625).
import { BlipError, closing, must } from "@blip-ts/base";
import { inspect } from "../inspect.ts";
import type { Platform } from "../../platform.ts";
import { version } from "../../version.ts";
import { Matcher } from "../../verbs/match.ts";
import { verify, type VerifyOptions, type VerifyRow } from "./verify.ts";

/** The models that Salesforce published on the Hub, and which this package runs. */
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

/** Its config.json was never looked at with these weights. */
const doubtful = "Salesforce/blip-itm-base-flickr";

/** What the published images show, in captions that were published of them. */
const shows: readonly (readonly [image: string, text: string])[] = [
  ["demo.jpg", "a woman sitting on the beach with a dog"],
  ["merlion.png", "a large fountain spewing water into the air"],
  ["000000039769.jpg", "two cats sleeping on a couch"],
];

/** What a model's samples say. */
export interface ModelVerdict {
  /** The model's name. */
  readonly model: string;
  /**
   * `equal`: says all that was published of it. `checked`: nothing was, and all checks passed. `different`, `failed`,
   * `skipped`: one row at least is so. `unavailable`: it could not be loaded.
   */
  readonly verdict: VerifyRow["verdict"] | "unavailable";
  /** Its samples. */
  readonly rows: readonly VerifyRow[];
  /** Why it is not available. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** How far a model tells three images' own captions from the others' with a number of text heads. */
export interface HeadsTried {
  /** Attention heads of the text model. */
  readonly heads: number;
  /** Of 12 comparisons, 6 by image and 6 by text, how many rank the own pair above the other one. */
  readonly right: number;
  /** The mean of own logit less other logit over these. */
  readonly margin: number;
}

/** Which number of attention heads gives the published numbers. */
export interface HeadsVerdict {
  /** The model's name. */
  readonly model: string;
  /** Heads that config.json says; undefined if it says none, or could not be read. */
  readonly configured: number | undefined;
  /** Each number of heads with what it gives. */
  readonly tried: readonly HeadsTried[];
  /** The number with which the model tells more, by a margin that is twice as large at least; else undefined. */
  readonly verdict: number | undefined;
  /** Why there is none. */
  readonly reason?: string;
}

/** All published models in one report. */
export interface VerifyReport {
  /** The version of this package. */
  readonly version: string;
  /** A verdict per model. */
  readonly models: readonly ModelVerdict[];
  /** Which number of attention heads is right (transformers issue 22625). */
  readonly textHeads: HeadsVerdict;
}

/** How all models are verified. */
export interface VerifyAllOptions extends Omit<VerifyOptions, "as" | "textHeads" | "revision"> {
  /** Models other than the published ones. */
  readonly models?: readonly string[] | undefined;
  /** The model whose text heads are tried. */
  readonly headsOf?: string | undefined;
  /** Called after each model. */
  readonly onModel?: ((progress: { readonly done: number; readonly total: number }) => void) | undefined;
}

/** From bad to good: a model is as good as its worst row. */
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

/** Own pairs beside others in the same row, and in the same column. */
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

/** The number of heads that tells clearly more than the other one: by no fewer comparisons, and twice the margin. */
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
    if (pathOrUrl === undefined) return undecided(`the image ${name} is not at hand`);
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
  if (verdict === undefined) return undecided("neither number of heads tells clearly more");
  return { model, configured, tried, verdict };
}

/**
 * Verifies all published models, one after another: what was published of them, or what can be checked. About 10 GB are
 * fetched the first time.
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
