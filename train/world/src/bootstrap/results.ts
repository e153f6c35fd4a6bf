// The results of a row, and of a seed's captioner and filter, kept as small JSON files in the repository.
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

/** The scores of a row's pre-trained model on held-out scenes. */
export interface RowScores {
  /** Recalls in percent, re-ranked by ITM: texts for an image, images for a text. */
  readonly imageToText: Recalls;
  readonly textToImage: Recalls;
  /** CIDEr, 0 to 10. */
  readonly cider: number;
  /** BLEU-4, 0 to 1. */
  readonly bleu4: number;
  readonly things: { readonly precision: number; readonly recall: number; readonly f1: number };
}

export interface RowResult extends RowScores {
  readonly row: RowName;
  readonly seed: number;
  readonly set: SetCounts;
  readonly settings: BootstrapSettings;
  /** The version of the package, and the SHA-256 of the evaluated weights. */
  readonly version: string;
  readonly weights: string;
}

/** How many texts of a kind were kept. */
export interface KeptShare {
  readonly texts: number;
  readonly stayed: number;
}

/** The quality of generated captions, before and after the filter. */
export interface CaptionQuality extends KeptShare {
  readonly distinct: number;
  /**
   * The number of captions that name at least one thing and only things that are shown: among all, and among the kept.
   */
  readonly true: number;
  readonly stayedTrue: number;
}

export interface SeedResult {
  readonly seed: number;
  readonly settings: BootstrapSettings;
  readonly captioner: Pick<RowScores, "cider" | "things">;
  /** The filter's scores on the web texts at the threshold, against the truth; 0 to 1. */
  readonly filter: {
    readonly precision: number;
    readonly recall: number;
    readonly accuracy: number;
    readonly auc: number;
  };
  /** The kept texts, by the kind of web text. */
  readonly kinds: Readonly<Record<string, KeptShare>>;
  readonly nucleus: CaptionQuality;
}

/** The result of beam search, made together with the row `beam`. */
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

/** @param truth the facts about the captions' images, in order */
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
