// Tensors compared by their numbers, however they lie in their files.
import { expect, test } from "vitest";
import { memorySource } from "./memory-source.ts";
import type { StoredTensor } from "./stored-tensor.ts";
import { sameTensor } from "./write-safetensors.ts";

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

test("a tensor that lies column by column is the same as one that lies row by row", async () => {
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
