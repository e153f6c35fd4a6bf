// How good a ranking is (train_retrieval.py `itm_eval`; eval_retrieval_video.py adds the median).
import { UsageError } from "@blip-ts/base";

export interface RetrievalMetrics {
  /** Percent of queries with a right candidate first, among the first 5, among the first 10. */
  readonly r1: number;
  readonly r5: number;
  readonly r10: number;
  /** Mean of the three. */
  readonly rMean: number;
  /** Median and mean of the place of the best right candidate, 1 for the first. */
  readonly medianRank: number;
  readonly meanRank: number;
}

/**
 * The place of the best right candidate of each query, 0 for the first. Of equal scores the earlier candidate is first.
 * @param scores a row of candidates' scores for each query @param relevant the right candidates of each query
 * @throws {UsageError} `usage/bad-option` where a query has no right candidate, or one that is not there
 */
export function bestRanks(
  scores: readonly ArrayLike<number>[],
  relevant: readonly (readonly number[])[],
): number[] {
  if (scores.length !== relevant.length || scores.length === 0)
    throw new UsageError(
      "usage/bad-option",
      `relevant: expected a list for each of ${scores.length} queries (at least one), found ${relevant.length}`,
    );
  return scores.map((row, query) => {
    const right = relevant[query] ?? [];
    const ranks = right.map((one) => {
      const score = row[one];
      if (score === undefined)
        throw new UsageError(
          "usage/bad-option",
          `relevant[${query}]: expected candidates from 0 to ${row.length - 1}, found ${one}`,
        );
      let before = 0;
      for (let other = 0; other < row.length; other++) {
        const its = row[other] ?? NaN;
        if (its > score || (its === score && other < one)) before++;
      }
      return before;
    });
    if (ranks.length === 0)
      throw new UsageError("usage/bad-option", `relevant[${query}]: expected at least one right candidate`);
    return Math.min(...ranks);
  });
}

/**
 * Recall at 1, 5 and 10, in percent, with the median and the mean rank.
 * @param scores a row of candidates' scores for each query @param relevant the right candidates of each query
 * @throws {UsageError} `usage/bad-option` where a query has no right candidate, or one that is not there
 */
export function retrievalMetrics(
  scores: readonly ArrayLike<number>[],
  relevant: readonly (readonly number[])[],
): RetrievalMetrics {
  const ranks = bestRanks(scores, relevant);
  const within = (k: number) => (100 * ranks.filter((rank) => rank < k).length) / ranks.length;
  const [r1, r5, r10] = [within(1), within(5), within(10)];
  const sorted = [...ranks].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
  return {
    r1,
    r5,
    r10,
    rMean: (r1 + r5 + r10) / 3,
    medianRank: median + 1,
    meanRank: ranks.reduce((a, b) => a + b, 0) / ranks.length + 1,
  };
}
