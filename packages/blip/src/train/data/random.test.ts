// Philox against the vectors that its authors published (Random123, kat_vectors), and the numbers derived from it.
import { expect, test } from "vitest";
import { permutation, philox, Random, streams, type Words } from "./random.ts";

const hex = (words: Words) => words.map((word) => word.toString(16).padStart(8, "0")).join(" ");

test("Philox 4x32-10 gives its published numbers", () => {
  const all = 0xffffffff;
  expect(hex(philox([0, 0, 0, 0], [0, 0]))).toBe("6627e8d5 e169c58d bc57ac4c 9b00dbd8");
  expect(hex(philox([all, all, all, all], [all, all]))).toBe("408f276d 41c83b0e a20bc7c6 6d5451fd");
  expect(hex(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]))).toBe(
    "d16cfe09 94fdcceb 5001e420 24126ea1",
  );
});

const at = { seed: 3, epoch: 1, index: 5, stream: streams.firstImage };
const drawn = (address: typeof at | object, count = 6) => {
  const random = new Random({ ...at, ...address });
  return Array.from({ length: count }, () => random.word());
};

test("numbers follow from their address alone", () => {
  expect(drawn({})).toEqual(drawn({}));
  for (const other of [
    { seed: 4 },
    { seed: 3 + 2 ** 32 },
    { epoch: 2 },
    { index: 6 },
    { stream: streams.secondImage },
  ])
    expect(drawn(other)).not.toEqual(drawn({}));
});

test("numbers of a range are even, and those of `unit` are below 1", () => {
  const random = new Random(at);
  const counts = [0, 0, 0];
  let largest = 0;
  for (let draw = 0; draw < 30_000; draw++) {
    const found = random.below(3);
    counts[found] = (counts[found] ?? 0) + 1;
    largest = Math.max(largest, random.unit());
  }
  expect(largest).toBeGreaterThan(0.999);
  expect(largest).toBeLessThan(1);
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(4 * Math.sqrt(30_000 * (2 / 9)));
});

test("a permutation has each number once, and each order comes up as often", () => {
  const order = permutation(1000, new Random(at));
  expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, index) => index));
  const seen = new Map<string, number>();
  for (let index = 0; index < 6000; index++) {
    const key = permutation(3, new Random({ ...at, index })).join("");
    seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  expect(seen.size).toBe(6);
  for (const count of seen.values())
    expect(Math.abs(count - 1000)).toBeLessThan(4 * Math.sqrt(6000 * (5 / 36)));
});
