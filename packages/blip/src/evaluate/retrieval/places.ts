// The ranks of right candidates after re-ranking. Candidates that were not re-ranked come last, with an equal score of
// -100, the initial value of the score matrices in BLIP's train_retrieval.py.
import { must } from "@blip-ts/base";
import type { QueryPlaces } from "@blip-ts/metrics";

/**
 * Finds the rank of the best right candidate. Among equal scores, later candidates come first, as in `retrievalReport`.
 * @param candidates the re-ranked candidates @param scores their scores, in the same order
 * @param right the right candidates, at least one of which exists in `all`
 * @param all a flag per existing candidate
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

/** The rank if no right candidate was re-ranked: among the candidates that were not re-ranked. */
function behind(
  candidates: ArrayLike<number>,
  isRight: ReadonlySet<number>,
  all: readonly boolean[],
): QueryPlaces {
  const reranked = new Set(Array.from(candidates));
  const others = [...all.keys()].filter((one) => all[one] === true && !reranked.has(one));
  return placesOf(reranked.size, others, isRight);
}

/** @param tied candidates of equal score, in ascending order */
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
