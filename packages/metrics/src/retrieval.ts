// Metrics for rankings (BLIP's train_retrieval.py `itm_eval`; eval_retrieval_video.py adds the median).
import { missed, must } from "@blip-ts/base";
import { nothingIn, notFinite, notOfOneImage, notOneFor, outside } from "./errors.ts";
import { mean } from "./numbers.ts";

/** The metrics of retrieval in one direction. */
export interface RetrievalMetrics {
  /** The percentage of queries whose first candidate is correct. */
  readonly r1: number;
  /** The percentage of queries with a correct candidate among the first 5. */
  readonly r5: number;
  /** The percentage of queries with a correct candidate among the first 10. */
  readonly r10: number;
  /** The mean of the three recalls. */
  readonly rMean: number;
  /** The median rank of the best correct candidate; the first rank is 1. */
  readonly medianRank: number;
  /** The mean rank of the best correct candidate; the first rank is 1. */
  readonly meanRank: number;
}

/** The range of a recall over all orders of equal scores. */
export interface Bounds {
  /** The lowest value over all orders of equal scores. */
  readonly lowest: number;
  /** The highest value over all orders of equal scores. */
  readonly highest: number;
}

/** The metrics of one direction, with bounds. The two bounds of R@k are equal if no tie spans the first k places. */
export interface RankReport extends RetrievalMetrics {
  /** The bounds of each recall, in percent. */
  readonly bounds: { readonly r1: Bounds; readonly r5: Bounds; readonly r10: Bounds };
}

/** The metrics of retrieval in both directions, in percent. */
export interface RetrievalReport {
  /** Texts ranked for each image (BLIP's txt_r1, txt_r5, txt_r10, txt_r_mean). */
  readonly imageToText: RankReport;
  /** Images ranked for each text (BLIP's img_r1, img_r5, img_r10, img_r_mean). */
  readonly textToImage: RankReport;
  /** The mean of both directions' `rMean`, in percent (BLIP's r_mean). */
  readonly rMean: number;
}

/** The places of a query's best correct candidate, 0 for the first. */
export interface QueryPlaces {
  /** The place if equal scores are ordered by the metric's rule for ties. */
  readonly rank: number;
  /** The place if the candidate comes first among equal scores. */
  readonly best: number;
  /** The place if the candidate comes last among equal scores. */
  readonly worst: number;
}

type Scores = readonly ArrayLike<number>[];
type Relevant = readonly (readonly number[])[];

/**
 * Which candidate ranks first among equal scores: the earlier candidate, or the later candidate (a stable argsort,
 * reversed).
 */
type TieOrder = "earlier" | "later";

function placesOf(
  row: ArrayLike<number>,
  right: readonly number[],
  query: number,
  order: TieOrder,
): QueryPlaces {
  if (right.length === 0) throw nothingIn(`relevant[${query}]`, "right candidate");
  const isRight = new Set(right);
  let best = -Infinity;
  for (const candidate of isRight) {
    const score = row[candidate];
    if (score === undefined) throw outside(`relevant[${query}]`, row.length, "candidates", candidate);
    best = Math.max(best, score);
  }
  const tied: number[] = [];
  let above = 0;
  for (let candidate = 0; candidate < row.length; candidate++) {
    const score = row[candidate] ?? missed("score");
    if (Number.isNaN(score)) throw notFinite(`scores[${query}][${candidate}]`, score);
    if (score > best) above++;
    else if (score === best) tied.push(candidate);
  }
  if (order === "later") tied.reverse();
  const wrongTied = tied.filter((candidate) => !isRight.has(candidate)).length;
  return {
    rank: above + tied.findIndex((candidate) => isRight.has(candidate)),
    best: above,
    worst: above + wrongTied,
  };
}

function allPlaces(scores: Scores, relevant: Relevant, order: TieOrder): QueryPlaces[] {
  if (scores.length === 0) throw nothingIn("scores", "query");
  if (relevant.length !== scores.length)
    throw notOneFor("relevant", scores.length, "queries", relevant.length);
  return scores.map((row, query) => placesOf(row, must(relevant, query), query, order));
}

/** Computes the percentage of ranks below k. */
const recall = (ranks: readonly number[], k: number) =>
  (100 * ranks.filter((rank) => rank < k).length) / ranks.length;

function ofRanks(ranks: readonly number[]): RetrievalMetrics {
  const [r1, r5, r10] = [recall(ranks, 1), recall(ranks, 5), recall(ranks, 10)];
  const sorted = [...ranks].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = (must(sorted, Math.ceil(middle) - 1) + must(sorted, Math.floor(middle))) / 2;
  return { r1, r5, r10, rMean: (r1 + r5 + r10) / 3, medianRank: median + 1, meanRank: mean(ranks) + 1 };
}

/**
 * Returns the place of each query's best correct candidate, 0 for the first place. Among equal scores, the earlier
 * candidate ranks first.
 * @param scores for each query, a row with its candidates' scores; higher is better
 * @param relevant for each query, the indices of the correct candidates, from 0
 * @throws {UsageError} `usage/bad-option` if a query has no correct candidate, an index is out of range, or a score is
 * NaN
 */
export function bestRanks(scores: Scores, relevant: Relevant): number[] {
  return allPlaces(scores, relevant, "earlier").map(({ rank }) => rank);
}

/**
 * Computes R@k = 100 |{queries with a correct candidate among the first k}| / |queries|, for k = 1, 5, 10, in percent,
 * and the median and mean rank (from 1). Among equal scores, the earlier candidate ranks first.
 * @param scores for each query, a row with its candidates' scores; higher is better
 * @param relevant for each query, the indices of the correct candidates, from 0
 * @throws {UsageError} `usage/bad-option` if a query has no correct candidate, an index is out of range, or a score is
 * NaN
 */
export function retrievalMetrics(scores: Scores, relevant: Relevant): RetrievalMetrics {
  return ofRanks(bestRanks(scores, relevant));
}

/**
 * Computes the metrics of one direction from the places of its queries, for callers that do not keep all scores in
 * memory.
 * @throws {UsageError} `usage/bad-option` if there is no query
 */
export function rankReport(places: readonly QueryPlaces[]): RankReport {
  if (places.length === 0) throw nothingIn("places", "query");
  const bounds = (k: number): Bounds => ({
    lowest: recall(
      places.map(({ worst }) => worst),
      k,
    ),
    highest: recall(
      places.map(({ best }) => best),
      k,
    ),
  });
  return {
    ...ofRanks(places.map(({ rank }) => rank)),
    bounds: { r1: bounds(1), r5: bounds(5), r10: bounds(10) },
  };
}

/** Returns the image of each of `count` texts. Each text must have exactly one image. */
function imagesOf(textsOfImage: Relevant, count: number): number[][] {
  const images: number[][] = Array.from({ length: count }, () => []);
  for (const [image, texts] of textsOfImage.entries())
    for (const text of new Set(texts)) {
      const list = images[text];
      if (list === undefined) throw outside(`textsOfImage[${image}]`, count, "texts", text);
      list.push(image);
    }
  for (const [text, list] of images.entries()) if (list.length !== 1) throw notOfOneImage(text, list.length);
  return images;
}

/**
 * Evaluates retrieval in both directions like BLIP's `itm_eval`: R@1, R@5, R@10 in percent, their means, median and
 * mean rank.
 * Among equal scores, the later candidate ranks first, as in numpy's stable argsort, reversed. `bounds` shows how much
 * the order of ties changes each R@k. (BLIP's own argsort is not stable: a block of equal scores, such as the -100 of
 * candidates that ITM did not rank, has no defined order.)
 * @param imageToText [images][texts] scores; higher is better
 * @param textToImage [texts][images] scores; may differ from `imageToText`, as each direction re-ranks its own best
 * @param textsOfImage for each image, the indices of its texts, from 0; each text belongs to one image
 * @throws {UsageError} `usage/bad-option` if sizes differ, an image has no text, a text does not have exactly one
 * image, or a score is NaN
 * @source salesforce/BLIP train_retrieval.py `itm_eval`
 */
export function retrievalReport(
  imageToText: Scores,
  textToImage: Scores,
  textsOfImage: Relevant,
): RetrievalReport {
  const forImages = rankReport(allPlaces(imageToText, textsOfImage, "later"));
  const forTexts = rankReport(allPlaces(textToImage, imagesOf(textsOfImage, textToImage.length), "later"));
  return {
    imageToText: forImages,
    textToImage: forTexts,
    rMean: (forImages.rMean + forTexts.rMean) / 2,
  };
}
