// Compares tensors by their numbers, whatever their layout in the files; and reads a file that is generated while it is
// read.
import { expect, test } from "vitest";
import { memorySource } from "./memory-source.ts";
import type { StoredTensor } from "./stored-tensor.ts";
import { readSafetensors } from "./safetensors.ts";
import { safetensorsBytes, safetensorsSource, sameTensor, type MadeTensor } from "./write-safetensors.ts";

/** More bytes than are read at a time. */
const width = 2 ** 23 + 5;
const number = (index: number) => index % 251;

function tensor(bytes: Uint8Array, strides?: readonly number[]): StoredTensor {
  const source = memorySource("file", bytes);
  const shape = [2, width];
  return {
    name: "x",
    dtype: "uint8",
    shape,
    source,
    offset: 0,
    byteLength: 2 * width,
    ...(strides && { strides }),
  };
}

test("a tensor stored by columns is equal to one stored by rows", async () => {
  const rows = new Uint8Array(2 * width);
  const columns = new Uint8Array(2 * width);
  for (let index = 0; index < 2 * width; index++) {
    rows[index] = number(index);
    columns[index] = number((index % 2) * width + Math.floor(index / 2));
  }
  const strided = tensor(columns, [1, 2]);
  expect(await sameTensor(tensor(rows), strided)).toBe(true);
  const last = rows.length - 1;
  rows[last] = number(last) + 1;
  expect(await sameTensor(tensor(rows), strided)).toBe(false);
});

test("a generated file has the bytes of the written one, however it is read", async () => {
  const made = (shape: readonly number[], from: number) => ({
    ...({ dtype: "float32", shape, byteLength: 4 * shape.reduce((a, b) => a * b, 1) } as const),
    async *bytes() {
      const floats = Float32Array.from({ length: this.byteLength / 4 }, (_, index) => from + index);
      const bytes = new Uint8Array(floats.buffer);
      // Reads pieces with arbitrary ends.
      for (let done = 0; done < bytes.length; done += 7)
        yield await Promise.resolve(bytes.subarray(done, done + 7));
    },
  });
  const source = memorySource(
    "kept",
    Uint8Array.from({ length: 40 }, (_, index) => index),
  );
  const kept: StoredTensor = { name: "k", dtype: "int16", shape: [4], source, offset: 8, byteLength: 8 };
  const tensors = new Map<string, StoredTensor | MadeTensor>([
    ["b", made([3, 5], 100)],
    ["k", kept],
    ["a", made([2], 7)],
    ["none", made([0, 4], 0)],
  ]);
  const pieces: number[] = [];
  for await (const piece of safetensorsBytes(tensors, { of: "nobody" })) pieces.push(...piece);
  const file = safetensorsSource("nowhere", tensors, { of: "nobody" });
  expect(file.size).toBe(pieces.length);
  expect([...(await file.read(0, file.size))]).toEqual(pieces);
  for (const length of [1, 9, 60])
    for (let offset = 0; offset + length <= file.size; offset += 5)
      expect([...(await file.read(offset, length))]).toEqual(pieces.slice(offset, offset + length));
  const read = await readSafetensors(file);
  expect([...read.tensors.keys()].sort()).toEqual(["a", "b", "k", "none"]);
  for (const [name, tensor] of read.tensors)
    expect([name, tensor.shape]).toEqual([name, tensors.get(name)?.shape]);
  await expect(file.read(file.size - 1, 2)).rejects.toMatchObject({ code: "model/read-failed" });
});
