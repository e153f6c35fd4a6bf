import { floatTensor } from "@blip-ts/graph";
import { expect, test } from "vitest";
import { finiteRows } from "./finite.ts";

test("finiteRows tells rows apart", () => {
  expect(finiteRows(floatTensor([3, 2], [1, 2, NaN, 4, 5, 6]))).toEqual([true, false, true]);
});
