// The task `retrieval`: R@1, 5, 10 in both directions, by cosine and re-ranked at each k (BLIP train_retrieval.py
// `itm_eval`).
import { type QueryPlaces, rankReport, type RankReport } from "@blip-ts/metrics";
import { must } from "@blip-ts/base";
import type { Results } from "../report.ts";
import type { Collection } from "./collection.ts";
import type { Known } from "./known.ts";
import { rerankedPlaces } from "./places.ts";
import type { CosineRanking } from "./rank-cosines.ts";

type Directions = Readonly<Record<"imageToText" | "textToImage", readonly QueryPlaces[]>>;

/** R@k in percent, and ranks. Adds bounds for numbers that another order of ties would change. */
function numbers({ bounds, ...report }: RankReport): Results {
  const moved = Object.entries(bounds).flatMap(([name, { lowest, highest }]) =>
    lowest === highest ? [] : [[name, { lowest, highest }] as const],
  );
  return { ...report, ...(moved.length > 0 ? { bounds: Object.fromEntries(moved) } : {}) };
}

/** The results of both directions, as in BLIP's report. Empty if a direction has no query. */
function both({ imageToText, textToImage }: Directions): Results {
  if (imageToText.length === 0 || textToImage.length === 0) return {};
  const [texts, images] = [rankReport(imageToText), rankReport(textToImage)];
  return {
    imageToText: numbers(texts),
    textToImage: numbers(images),
    rMean: (texts.rMean + images.rMean) / 2,
  };
}

/** The candidates with a score, and their scores. A score is missing if an image could not be read again. */
function scoresOf(
  candidates: Uint32Array,
  k: number,
  scoreOf: (candidate: number) => number | undefined,
): { readonly scored: number[]; readonly scores: number[] } {
  const scored: number[] = [];
  const scores: number[] = [];
  for (const candidate of candidates.subarray(0, k)) {
    const score = scoreOf(candidate);
    if (score === undefined) continue;
    scored.push(candidate);
    scores.push(score);
  }
  return { scored, scores };
}

/** Finds the score of a pair by binary search among the image's sorted texts. */
function pairScore({ pairs }: Known, image: number, text: number): number | undefined {
  const [texts, scores] = pairs.get(image) ?? [];
  if (texts === undefined || scores === undefined) return undefined;
  let [low, high] = [0, texts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (must(texts, middle) < text) low = middle + 1;
    else high = middle;
  }
  return texts[low] === text ? scores[low] : undefined;
}

/** The ranks of both directions, re-ranked at k. */
function reranked(k: number, ranking: CosineRanking, known: Known, collection: Collection): Directions {
  const { images, texts } = known;
  const { textsOfImage, imageOfText } = collection;
  const imageToText: QueryPlaces[] = [];
  for (const [image, there] of images.present.entries()) {
    const right = must(textsOfImage, image).filter((text) => texts.present[text] === true);
    if (!there || right.length === 0) continue;
    const best = ranking.textsOf.best(image);
    const { scored, scores } = scoresOf(best, k, (text) => pairScore(known, image, text));
    imageToText.push(rerankedPlaces(scored, scores, right, texts.present));
  }
  const textToImage: QueryPlaces[] = [];
  for (const [text, there] of texts.present.entries()) {
    const image = must(imageOfText, text);
    if (!there || images.present[image] !== true) continue;
    const best = ranking.imagesOf.best(text);
    const { scored, scores } = scoresOf(best, k, (candidate) => pairScore(known, candidate, text));
    textToImage.push(rerankedPlaces(scored, scores, [image], images.present));
  }
  return { imageToText, textToImage };
}

const present = (list: readonly boolean[]) => list.filter(Boolean).length;

/** @param ks the numbers k of candidates per ranking that ITM scored */
export function retrievalResults(
  ks: readonly number[],
  ranking: CosineRanking,
  known: Known,
  collection: Collection,
): Results {
  const cosine = both({ imageToText: ranking.imagePlaces, textToImage: ranking.textPlaces });
  return {
    images: present(known.images.present),
    texts: present(known.texts.present),
    cosine,
    ...(ks.length > 0
      ? {
          reranked: Object.fromEntries(
            ks.map((k) => [`k${k}`, both(reranked(k, ranking, known, collection))]),
          ),
        }
      : {}),
  };
}
