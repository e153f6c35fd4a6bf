import { expect, test } from "vitest";
import { allFinite } from "./finite.ts";

test.each<[string, number[], boolean]>([
  ["numbers", [0, -1, 3e38, 1e-45], true],
  ["nothing", [], true],
  ["NaN", [1, NaN, 2], false],
  ["infinity", [1, 2, Infinity], false],
  ["minus infinity", [-Infinity, 2], false],
])("allFinite of %s", (_, values, finite) => {
  expect(allFinite(values)).toBe(finite);
  expect(allFinite(Float32Array.from(values))).toBe(finite);
});
