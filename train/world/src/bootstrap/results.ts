// What is kept of a row and of a seed's captioner and filter: small files of JSON in the repository.
import { must } from "@blip-ts/base";
import type { Truth } from "./data.ts";
import { namesTruly } from "./named.ts";
import { fits, type JudgedImage, type JudgedText, type SetCounts } from "./sets.ts";
import type { BootstrapSettings, RowName } from "./settings.ts";

interface Recalls {
  readonly r1: number;
  readonly r5: number;
  readonly r10: number;
}

/** Of a row's model, as it comes from pre-training, on held-out scenes. */
export interface RowScores {
  /** Percent, re-ranked by ITM: texts of an image, images of a text. */
  readonly imageToText: Recalls;
  readonly textToImage: Recalls;
  /** 0 to 10. */
  readonly cider: number;
  /** 0 to 1. */
  readonly bleu4: number;
  readonly things: { readonly precision: number; readonly recall: number; readonly f1: number };
}

export interface RowResult extends RowScores {
  readonly row: RowName;
  readonly seed: number;
  readonly set: SetCounts;
  readonly settings: BootstrapSettings;
  /** Version of the package, and SHA-256 of the weights that were judged. */
  readonly version: string;
  readonly weights: string;
}

/** How often texts of a kind are kept. */
export interface KeptShare {
  readonly texts: number;
  readonly stayed: number;
}

/** Captions that were drawn or searched, before and behind the filter. */
export interface CaptionQuality extends KeptShare {
  readonly distinct: number;
  /** Captions that name something and nothing that is not there: of all, and of those that were kept. */
  readonly true: number;
  readonly stayedTrue: number;
}

export interface SeedResult {
  readonly seed: number;
  readonly settings: BootstrapSettings;
  readonly captioner: Pick<RowScores, "cider" | "things">;
  /** Of the web texts at the threshold, against what is true; 0 to 1. */
  readonly filter: {
    readonly precision: number;
    readonly recall: number;
    readonly accuracy: number;
    readonly auc: number;
  };
  /** By the kind of web text. */
  readonly kinds: Readonly<Record<string, KeptShare>>;
  readonly nucleus: CaptionQuality;
}

/** Made when the row `beam` is. */
export interface BeamResult {
  readonly seed: number;
  readonly settings: BootstrapSettings;
  readonly beam: CaptionQuality;
}

interface RetrievalReport {
  readonly version: string;
  readonly model: { readonly sha256: string };
  readonly results: {
    readonly reranked: Readonly<
      Record<string, { readonly imageToText: Recalls; readonly textToImage: Recalls }>
    >;
  };
}

export interface CaptionReport {
  readonly results: {
    readonly ciderD: number;
    readonly bleu4: number;
    readonly things: { readonly precision: number; readonly recall: number; readonly f1: number };
  };
}

const recalls = ({ r1, r5, r10 }: Recalls): Recalls => ({ r1, r5, r10 });

export const captionScores = ({ results }: CaptionReport): Pick<RowScores, "cider" | "things"> => ({
  cider: results.ciderD,
  things: {
    ...{ precision: results.things.precision, recall: results.things.recall, f1: results.things.f1 },
  },
});

export function rowScores(
  retrieval: RetrievalReport,
  caption: CaptionReport,
): RowScores & Pick<RowResult, "version" | "weights"> {
  const [ranking] = Object.values(retrieval.results.reranked);
  if (ranking === undefined) throw new Error("the report of the retrieval has no ranking");
  return {
    ...{ imageToText: recalls(ranking.imageToText), textToImage: recalls(ranking.textToImage) },
    ...{ ...captionScores(caption), bleu4: caption.results.bleu4 },
    ...{ version: retrieval.version, weights: retrieval.model.sha256 },
  };
}

/** How many web texts of each kind the filter kept. */
export function keptByKind(
  kinds: readonly string[],
  judged: readonly JudgedImage[],
  threshold: number,
): Readonly<Record<string, KeptShare>> {
  const shares: Record<string, KeptShare> = {};
  for (const [at, kind] of kinds.entries()) {
    const { texts, stayed } = shares[kind] ?? { texts: 0, stayed: 0 };
    const stays = fits(must(judged, at).web, threshold);
    shares[kind] = { texts: texts + 1, stayed: stayed + (stays ? 1 : 0) };
  }
  return shares;
}

/** @param truth of the captions' images, in their order */
export function captionQuality(
  captions: readonly JudgedText[],
  truth: readonly Truth[],
  threshold: number,
): CaptionQuality {
  const right = captions.map(({ text }, at) => namesTruly(text, must(truth, at).things));
  const stays = captions.map((caption) => fits(caption, threshold));
  return {
    ...{ texts: captions.length, stayed: stays.filter(Boolean).length },
    distinct: new Set(captions.map(({ text }) => text)).size,
    true: right.filter(Boolean).length,
    stayedTrue: right.filter((is, at) => is && stays[at] === true).length,
  };
}
