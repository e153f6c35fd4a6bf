// Medians, quartiles and ratios of samples.
import { expect, test } from "vitest";
import { ratios, summarize } from "./statistics.ts";

test("says the median and the quartiles, between two values where they fall there", () => {
  expect(summarize([4, 1, 3, 2])).toEqual({ median: 2.5, low: 1.75, high: 3.25, min: 1, max: 4, runs: 4 });
  expect(summarize([7, 5, 100, 6, 8])).toEqual({ median: 7, low: 6, high: 8, min: 5, max: 100, runs: 5 });
});

test("says one sample as it is", () => {
  expect(summarize([3])).toEqual({ median: 3, low: 3, high: 3, min: 3, max: 3, runs: 1 });
});

test("makes no number of nothing", () => {
  expect(summarize([])).toMatchObject({ median: NaN, runs: 0 });
});

test("compares what was measured in the same turn", () => {
  expect(ratios([2, 9, 8], [1, 3, 2])).toEqual([2, 3, 4]);
});

test("leaves out a turn that one side has not", () => {
  expect(ratios([2, 9], [1])).toEqual([2]);
  expect(ratios([2], [1, 3])).toEqual([2]);
});
