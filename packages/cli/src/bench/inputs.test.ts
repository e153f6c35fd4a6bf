// The inputs of the measures: a formula that other languages follow.
import { expect, test } from "vitest";
import { formulaIds, formulaNumbers, repeated } from "./inputs.ts";

test("goes on where a part of the same numbers ended", () => {
  const all = formulaNumbers([2, 5000], 2);
  expect([...formulaNumbers([1, 5000], 2, 5000).data]).toEqual([...all.data.subarray(5000)]);
  // 7919 mod 4096 = 3823, 3823 / 2048 - 1 = 0.86669921875: exact in binary.
  expect([...all.data.subarray(0, 2)]).toEqual([-2, 2 * 0.86669921875]);
});

test("keeps ids inside the vocabulary", () => {
  const { dims, data } = formulaIds(128, 12, 40);
  expect(dims).toEqual([128, 12]);
  expect(data.every((id) => id >= 1n && id < 39n)).toBe(true);
  expect([...formulaIds(1, 12, 40, 127).data]).toEqual([...data.subarray(127 * 12)]);
});

test("gives each picture the same text", () => {
  expect([...repeated(formulaIds(1, 2, 40), 3).data]).toEqual([1n, 18n, 1n, 18n, 1n, 18n]);
});
