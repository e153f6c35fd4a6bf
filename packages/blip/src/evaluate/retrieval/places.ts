// Places of what is right among the re-ranked candidates of a query; all others share the score of -100, behind them
// (BLIP train_retrieval.py, whose score matrices begin as -100).
import { must } from "@blip-ts/base";
import type { QueryPlaces } from "@blip-ts/metrics";

/**
 * Of equal scores the later candidate is first, as in `retrievalReport`.
 * @param candidates those that were re-ranked @param scores theirs, in the same order
 * @param right the right candidates, of which one at least is among all
 * @param all which candidates there are: those that are not re-ranked lie behind
 */
export function rerankedPlaces(
  candidates: ArrayLike<number>,
  scores: ArrayLike<number>,
  right: readonly number[],
  all: readonly boolean[],
): QueryPlaces {
  const isRight = new Set(right);
  let best = -Infinity;
  for (let index = 0; index < candidates.length; index++)
    if (isRight.has(must(candidates, index))) best = Math.max(best, must(scores, index));
  if (best === -Infinity) return behind(candidates, isRight, all);
  let above = 0;
  const tied: number[] = [];
  for (let index = 0; index < candidates.length; index++) {
    const score = must(scores, index);
    if (score > best) above++;
    else if (score === best) tied.push(must(candidates, index));
  }
  return placesOf(
    above,
    tied.sort((a, b) => a - b),
    isRight,
  );
}

/** None of the right candidates was re-ranked: they are somewhere among the others. */
function behind(
  candidates: ArrayLike<number>,
  isRight: ReadonlySet<number>,
  all: readonly boolean[],
): QueryPlaces {
  const reranked = new Set(Array.from(candidates));
  const others = [...all.keys()].filter((one) => all[one] === true && !reranked.has(one));
  return placesOf(reranked.size, others, isRight);
}

/** @param tied candidates of one score, by their numbers */
function placesOf(above: number, tied: readonly number[], isRight: ReadonlySet<number>): QueryPlaces {
  let [later, wrong] = [0, 0];
  for (const one of tied) {
    if (isRight.has(one)) later = 0;
    else {
      later++;
      wrong++;
    }
  }
  return { rank: above + later, best: above, worst: above + wrong };
}
