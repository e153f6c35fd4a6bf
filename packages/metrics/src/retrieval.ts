// How good a ranking is (BLIP's train_retrieval.py `itm_eval`; eval_retrieval_video.py adds the median).
import { missed, must } from "@blip-ts/base";
import { nothingIn, notFinite, notOfOneImage, notOneFor, outside } from "./errors.ts";
import { mean } from "./numbers.ts";

/** Retrieval in one direction. */
export interface RetrievalMetrics {
  /** Percent of queries with a right candidate first, among the first 5, among the first 10. */
  readonly r1: number;
  /** Percent of queries with a right candidate among the first 5. */
  readonly r5: number;
  /** Percent of queries with a right candidate among the first 10. */
  readonly r10: number;
  /** Mean of the three. */
  readonly rMean: number;
  /** Median and mean of the place of the best right candidate, 1 for the first. */
  readonly medianRank: number;
  /** Mean of the place of the best right candidate, 1 for the first. */
  readonly meanRank: number;
}

/** The lowest and the highest value that the order of equal scores allows. */
export interface Bounds {
  /** The lowest value that the order of equal scores allows. */
  readonly lowest: number;
  /** The highest value that the order of equal scores allows. */
  readonly highest: number;
}

/** One direction of retrieval. Bounds are equal if no tie crosses the first k places. */
export interface RankReport extends RetrievalMetrics {
  /** The bounds of each recall, in percent. */
  readonly bounds: { readonly r1: Bounds; readonly r5: Bounds; readonly r10: Bounds };
}

/** Retrieval in both directions, in percent. */
export interface RetrievalReport {
  /** Texts are ranked for each image (BLIP's txt_r1, txt_r5, txt_r10, txt_r_mean). */
  readonly imageToText: RankReport;
  /** Images are ranked for each text (BLIP's img_r1, img_r5, img_r10, img_r_mean). */
  readonly textToImage: RankReport;
  /** Mean of both directions' `rMean`, in percent (BLIP's r_mean). */
  readonly rMean: number;
}

/** Places of a query's best right candidate, 0 for the first: with ties in one order, at best, at worst. */
export interface QueryPlaces {
  /** Its place, with equal scores in their order. */
  readonly rank: number;
  /** Its place if it came first of equal scores. */
  readonly best: number;
  /** Its place if it came last of equal scores. */
  readonly worst: number;
}

type Scores = readonly ArrayLike<number>[];
type Relevant = readonly (readonly number[])[];

/** Which of equal scores ranks first: the earlier candidate, or the later one (a stable argsort, reversed). */
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

/** Percent of ranks below k. */
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
 * The place of the best right candidate of each query, 0 for the first. Of equal scores the earlier candidate is first.
 * @param scores for each query a row of its candidates' scores, higher is better
 * @param relevant for each query the right candidates, counted from 0
 * @throws {UsageError} `usage/bad-option` if a query has no right candidate or one that is not there, or a score is NaN
 */
export function bestRanks(scores: Scores, relevant: Relevant): number[] {
  return allPlaces(scores, relevant, "earlier").map(({ rank }) => rank);
}

/**
 * R@k = 100 |{queries with a right candidate among the first k}| / |queries|, for k = 1, 5, 10, in percent, with the
 * median and the mean rank (1 for the first). Of equal scores the earlier candidate is first.
 * @param scores for each query a row of its candidates' scores, higher is better
 * @param relevant for each query the right candidates, counted from 0
 * @throws {UsageError} `usage/bad-option` if a query has no right candidate or one that is not there, or a score is NaN
 */
export function retrievalMetrics(scores: Scores, relevant: Relevant): RetrievalMetrics {
  return ofRanks(bestRanks(scores, relevant));
}

/**
 * The report of one direction from the places of its queries, for who ranks without all scores in memory.
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

/** The image of each of `count` texts. */
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
 * Retrieval both ways as BLIP's `itm_eval` reports it: R@1, R@5, R@10 in percent, their means, median and mean rank.
 * Of equal scores the later candidate is first, as in numpy's stable argsort, reversed; how far another order of ties
 * moves each R@k is in `bounds`. (BLIP's own argsort is not stable; a block of equal scores, such as the -100 of
 * what ITM did not rank, is in no certain order there.)
 * @param imageToText [images][texts] scores, higher is better
 * @param textToImage [texts][images] scores, which may differ from the other ones: each direction re-ranks its own best
 * @param textsOfImage for each image the texts that are right for it, counted from 0; a text is right for one image
 * @throws {UsageError} `usage/bad-option` if sizes do not fit, an image has no text, a text not one image, or a score is NaN
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
