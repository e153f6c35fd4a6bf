import { describe, expect, it } from "vitest";
import { failureOf } from "@blip-ts/testing";
import { memorySource } from "./memory-source.ts";
import { isContiguous, readTensorBytes, type StoredTensor } from "./stored-tensor.ts";

const numbers = Float32Array.from({ length: 24 }, (_, index) => index);
const source = memorySource("m", new Uint8Array(numbers.buffer));

const tensor = (shape: number[], strides?: number[], offset = 0): StoredTensor => {
  const byteLength = 4 * shape.reduce((product, size) => product * size, 1);
  const place = { name: "t", dtype: "float32", shape, source, offset, byteLength } as const;
  return strides === undefined ? place : { ...place, strides };
};

const valuesOf = async (stored: StoredTensor) => [
  ...new Float32Array((await readTensorBytes(stored)).buffer),
];

describe("readTensorBytes", () => {
  it("reads a contiguous tensor from its offset", async () => {
    expect(await valuesOf(tensor([2, 2], undefined, 8))).toEqual([2, 3, 4, 5]);
  });

  it("gathers a transposed one", async () => {
    expect(await valuesOf(tensor([3, 2], [1, 3]))).toEqual([0, 3, 1, 4, 2, 5]);
  });

  it("gathers three dimensions in any order of strides", async () => {
    // The permutation (2, 0, 1) of [2, 3, 4].
    const expected = [0, 4, 8, 12, 16, 20, 1, 5, 9, 13, 17, 21, 2, 6, 10, 14, 18, 22, 3, 7, 11, 15, 19, 23];
    expect(await valuesOf(tensor([4, 2, 3], [1, 12, 4]))).toEqual(expected);
  });

  it("repeats elements if a stride is 0", async () => {
    expect(await valuesOf(tensor([2, 3], [0, 1], 4))).toEqual([1, 2, 3, 1, 2, 3]);
  });

  it("takes every second element", async () => {
    expect(await valuesOf(tensor([4], [2]))).toEqual([0, 2, 4, 6]);
  });

  it("reads a tensor without dimensions, and one without elements", async () => {
    expect(await valuesOf(tensor([], undefined, 20))).toEqual([5]);
    expect(await valuesOf(tensor([0, 3], [9, 9]))).toEqual([]);
  });

  it("moves elements of 1, 2 and 8 bytes as whole elements", async () => {
    const bytes = memorySource(
      "m",
      Uint8Array.from({ length: 32 }, (_, index) => index),
    );
    const read = (dtype: StoredTensor["dtype"], byteLength: number) =>
      readTensorBytes({ name: "t", dtype, shape: [2], strides: [2], source: bytes, offset: 1, byteLength });
    expect([...(await read("uint8", 2))]).toEqual([1, 3]);
    expect([...(await read("float16", 4))]).toEqual([1, 2, 5, 6]);
    expect([...(await read("int64", 16))]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 17, 18, 19, 20, 21, 22, 23, 24]);
  });

  it("returns bytes that can be viewed as numbers, wherever the source put them", async () => {
    const unaligned = {
      ...source,
      read: () => Promise.resolve(new Uint8Array(new ArrayBuffer(9), 1, 8)),
    };
    const bytes = await readTensorBytes({ ...tensor([2]), source: unaligned });
    expect(bytes.byteOffset % 4).toBe(0);
  });

  it.each([
    ["more bytes than the limit", tensor([5]), "checkpoint/limit"],
    ["more elements than the limit by a stride of 0", tensor([2 ** 40], [0]), "checkpoint/limit"],
    ["a spread wider than the limit", tensor([2], [2 ** 40]), "checkpoint/limit"],
    ["strides out of the file", tensor([2, 2], [24, 1]), "checkpoint/truncated"],
    ["negative strides", tensor([2], [-1]), "checkpoint/malformed"],
    ["too few strides", tensor([2, 2], [1]), "checkpoint/malformed"],
    ["a size that is not the shape's", { ...tensor([2]), byteLength: 4 }, "checkpoint/malformed"],
    ["a shape that cannot be counted", { ...tensor([1]), shape: [2 ** 30, 2 ** 30] }, "checkpoint/malformed"],
  ])("refuses %s", async (_, stored, code) => {
    const maxBytes = code === "checkpoint/limit" ? 16 : 1_000;
    expect(await failureOf(() => readTensorBytes(stored, { maxBytes }))).toMatchObject({ code });
  });
});

describe("isContiguous", () => {
  it("lets dimensions of size 1 have any stride, as PyTorch does", () => {
    expect(isContiguous([2, 1, 3], [3, 99, 1])).toBe(true);
    expect(isContiguous([2, 1, 3], [1, 2, 2])).toBe(false);
    expect(isContiguous([2, 3], [0, 1])).toBe(false);
    expect(isContiguous([], [])).toBe(true);
  });
});
