// What a search says of what it found, and in which order (train_retrieval.py `evaluation`).
import { allFinite, type ModelError, must } from "@blip-ts/base";
import { notFinite } from "@blip-ts/engine";
import { scoresOf } from "./match.ts";

/** What every hit says of its pair. */
export interface HitScores {
  /** The cosine of the two unit vectors, -1 to 1. */
  readonly cosine: number;
  /** ITM logits; null where the pair was not re-ranked. */
  readonly logits: readonly [no: number, yes: number] | null;
  /** logits[1] + cosine; null where the pair was not re-ranked. */
  readonly rankScore: number | null;
}

/** Places of the highest scores, best first; equals in their order. */
export function best(scores: ArrayLike<number>, count: number): number[] {
  const places = Array.from({ length: scores.length }, (_, place) => place);
  places.sort((a, b) => must(scores, b) - must(scores, a) || a - b);
  return places.slice(0, count);
}

/** What a hit says; without logits it was not looked at again. */
export function hitOf(cosine: number, logits: readonly [number, number] | undefined): HitScores {
  return logits
    ? { cosine, logits, rankScore: scoresOf(...logits, cosine).rankScore }
    : { cosine, logits: null, rankScore: null };
}

/**
 * The hits of a row, best first, or why it has none: all of their numbers are finite.
 * @param failure what is known to be wrong already @param of what the row is about, for messages
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

/** Those that were re-ranked by their scores, then the others, which are in the order of their cosines. */
function reRanked<Hit extends HitScores>(hits: readonly Hit[]): Hit[] {
  const reranked = hits.filter(({ rankScore }) => rankScore !== null);
  const scores = reranked.map(({ rankScore }) => rankScore ?? NaN);
  const ranked = best(scores, reranked.length).map((place) => must(reranked, place));
  return [...ranked, ...hits.filter(({ rankScore }) => rankScore === null)];
}
