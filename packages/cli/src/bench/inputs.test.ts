// The inputs of the measures: a formula that other languages can follow.
import { expect, test } from "vitest";
import { formulaIds, formulaNumbers, repeated } from "./inputs.ts";

test("makes numbers between -scale and scale", () => {
  const { dims, data } = formulaNumbers([2, 5000], 2);
  expect(dims).toEqual([2, 5000]);
  // 7919 mod 4096 = 3823, 3823 / 2048 - 1 = 0.86669921875: exact in binary.
  expect([...data.subarray(0, 2)]).toEqual([-2, 2 * 0.86669921875]);
  expect(data.every((value) => value >= -2 && value < 2)).toBe(true);
});

test("keeps ids inside the vocabulary", () => {
  const { dims, data } = formulaIds(128, 12, 40);
  expect(dims).toEqual([128, 12]);
  expect(data.every((id) => id >= 1n && id < 39n)).toBe(true);
});

test("gives each image the same text", () => {
  expect([...repeated(formulaIds(1, 2, 40), 3).data]).toEqual([1n, 18n, 1n, 18n, 1n, 18n]);
});
