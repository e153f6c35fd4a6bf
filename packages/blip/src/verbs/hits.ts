// The scores and the order of search results (train_retrieval.py `evaluation`).
import { allFinite, type ModelError, must } from "@blip-ts/base";
import { notFinite } from "@blip-ts/engine";
import { scoresOf } from "./match.ts";

/** The scores of a hit. */
export interface HitScores {
  /** The cosine of the two unit vectors, -1 to 1. */
  readonly cosine: number;
  /** The ITM logits; null if the pair was not re-ranked. */
  readonly logits: readonly [no: number, yes: number] | null;
  /** logits[1] + cosine; null if the pair was not re-ranked. */
  readonly rankScore: number | null;
}

/** The indices of the highest scores, best first. Ties keep their order. */
export function best(scores: ArrayLike<number>, count: number): number[] {
  const places = Array.from({ length: scores.length }, (_, place) => place);
  places.sort((a, b) => must(scores, b) - must(scores, a) || a - b);
  return places.slice(0, count);
}

/** Creates the scores of a hit. Without logits, the hit was not re-ranked. */
export function hitOf(cosine: number, logits: readonly [number, number] | undefined): HitScores {
  return logits
    ? { cosine, logits, rankScore: scoresOf(...logits, cosine).rankScore }
    : { cosine, logits: null, rankScore: null };
}

/**
 * Returns the hits of a row, best first, or an error if a score is not finite.
 * @param failure an error that has already occurred, which is returned
 * @param of the subject of the row, for messages
 */
export function rankedHits<Hit extends HitScores>(
  model: string,
  of: string,
  failure: ModelError | undefined,
  hits: () => readonly Hit[],
): readonly Hit[] | ModelError {
  if (failure) return failure;
  const found = hits();
  const finite = found.every(({ cosine, logits }) => allFinite([cosine, ...(logits ?? [])]));
  return finite ? reRanked(found) : notFinite(model, `the scores of ${of} with a hit`);
}

/** Sorts the re-ranked hits by `rankScore`, and appends the other hits in their given order. */
function reRanked<Hit extends HitScores>(hits: readonly Hit[]): Hit[] {
  const reranked = hits.filter(({ rankScore }) => rankScore !== null);
  const scores = reranked.map(({ rankScore }) => rankScore ?? NaN);
  const ranked = best(scores, reranked.length).map((place) => must(reranked, place));
  return [...ranked, ...hits.filter(({ rankScore }) => rankScore === null)];
}
