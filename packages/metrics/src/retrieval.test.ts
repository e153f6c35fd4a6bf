// Recall and ranks against a naive implementation: sort all candidates, find the relevant ones.
import { describe, expect, test } from "vitest";
import { randomNumbers } from "../test/support/random.ts";
import { bestRanks, retrievalMetrics } from "./retrieval.ts";

function naive(scores: readonly number[][], relevant: readonly number[][]) {
  const places = scores.map((row, query) => {
    const order = row.map((score, one) => ({ score, one })).sort((a, b) => b.score - a.score);
    return Math.min(
      ...order.flatMap(({ one }, place) => (relevant[query]?.includes(one) === true ? [place] : [])),
    );
  });
  const within = (k: number) => (100 * places.filter((place) => place < k).length) / places.length;
  const sorted = [...places].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const median =
    sorted.length % 2 === 1 ? sorted[half] : ((sorted[half - 1] ?? NaN) + (sorted[half] ?? NaN)) / 2;
  return {
    r1: within(1),
    r5: within(5),
    r10: within(10),
    rMean: (within(1) + within(5) + within(10)) / 3,
    medianRank: (median ?? NaN) + 1,
    meanRank: places.reduce((a, b) => a + b, 0) / places.length + 1,
  };
}

describe("retrieval metrics", () => {
  test.each([1, 2, 7, 40])("of %d queries equal the naive ones", (queries) => {
    const random = randomNumbers(queries);
    const scores = Array.from({ length: queries }, () => Array.from({ length: 30 }, () => random()));
    // Some sets have five captions per image, as in COCO; others have one.
    const relevant = scores.map((_, query) =>
      query % 2 === 0 ? [(query * 7) % 30] : [1, 2, 3, 4, 5].map((step) => (query * 3 + step) % 30),
    );
    const [found, expected] = [retrievalMetrics(scores, relevant), naive(scores, relevant)];
    for (const name of Object.keys(expected) as (keyof typeof expected)[])
      expect(found[name], name).toBeCloseTo(expected[name], 10);
  });

  test("a perfect ranking and an entirely wrong one", () => {
    const identity = Array.from({ length: 12 }, (_, a) =>
      Array.from({ length: 12 }, (_, b) => (a === b ? 1 : 0)),
    );
    const diagonal = identity.map((_, index) => [index]);
    const all = { r1: 100, r5: 100, r10: 100, rMean: 100, medianRank: 1, meanRank: 1 };
    expect(retrievalMetrics(identity, diagonal)).toEqual(all);
    const worst = identity.map((row) => row.map((value) => -value));
    const last = { r1: 0, r5: 0, r10: 0, rMean: 0, medianRank: 12, meanRank: 12 };
    expect(retrievalMetrics(worst, diagonal)).toEqual(last);
  });

  test("equal scores count in their order", () => {
    expect(bestRanks([[1, 1, 1]], [[2]])).toEqual([2]);
    expect(bestRanks([[1, 1, 1]], [[0, 2]])).toEqual([0]);
  });

  test.each<[string, number[][], number[][], RegExp]>([
    ["no queries", [], [], /at least one/],
    ["lists of another length", [[1]], [], /one for each of 1 queries, got 0/],
    [
      "a query without a right candidate",
      [[1, 2]],
      [[]],
      /relevant\[0\]: expected at least one right candidate/,
    ],
    [
      "a candidate that is not there",
      [[1, 2]],
      [[2]],
      /relevant\[0\]: expected candidates from 0 to 1, got 2/,
    ],
  ])("refuses %s", (_what, scores, relevant, message) => {
    expect(() => bestRanks(scores, relevant)).toThrow(message);
  });
});
