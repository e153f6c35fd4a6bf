// 8-bit matrices in a file: quantization, dequantization and refusals.
import { int8Names } from "@blip-ts/graph";
import { describe, expect, test } from "vitest";
import { failureOf } from "@blip-ts/testing";
import { memorySource } from "./memory-source.ts";
import { quantizedTensors, readQuantized, type QuantizedRange } from "./quantized.ts";
import { readSafetensors } from "./safetensors.ts";
import { readTensorBytes, type StoredTensor } from "./stored-tensor.ts";
import { safetensorsBytes, type WritableTensors } from "./write-safetensors.ts";

/** [out, in] = [130, 6]: more rows than are quantized at a time; row 3 is zero, row 4 tiny. */
const [out, width] = [130, 6];
const numbers = Float32Array.from({ length: out * width }, (_, index) => {
  const row = Math.floor(index / width);
  return row === 3 ? 0 : Math.sin(index * 12.9898) * (row === 4 ? 1e-6 : row + 1);
});
const matrix: StoredTensor = {
  name: "x.weight",
  dtype: "float32",
  shape: [out, width],
  source: memorySource("m", new Uint8Array(numbers.buffer)),
  offset: 0,
  byteLength: numbers.byteLength,
};

async function written(tensors: WritableTensors) {
  const pieces: Uint8Array[] = [];
  for await (const piece of safetensorsBytes(tensors)) pieces.push(piece);
  return (await readSafetensors(memorySource("int8", new Uint8Array(Buffer.concat(pieces))))).tensors;
}
const quantizedFile = (ranges: readonly QuantizedRange[]) => written(quantizedTensors(ranges, int8Names));

async function valuesOf(tensors: ReadonlyMap<string, StoredTensor>, name: string, start: number) {
  const names = int8Names(name);
  const [values, scales] = [tensors.get(names.values), tensors.get(names.scale)];
  if (!values || !scales) throw new Error(name);
  const whole = new Int8Array((await readTensorBytes(values)).buffer);
  const scale = new Float32Array((await readTensorBytes(scales)).buffer);
  const rows = scale.length;
  return Array.from({ length: rows * width }, (_, index) => {
    const [row, column] = [Math.floor(index / width), index % width];
    const rounded = (whole[column * rows + row] ?? NaN) * (scale[row] ?? NaN);
    return { row: start + row, rounded, exact: numbers[(start + row) * width + column] ?? NaN };
  });
}

describe("quantized matrices", () => {
  test.each([
    ["whole", [[0, out]]],
    [
      "in parts",
      [
        [0, 65],
        [65, out],
      ],
    ],
  ])("%s differ from the original by half a step of their row at most", async (_what, parts) => {
    const ranges = parts.map(([start = 0, end = 0]) => ({
      name: parts.length === 1 ? "x.weight" : `x.weight[${start}:${end}]`,
      ...{ tensor: matrix, start, end },
    }));
    const tensors = await quantizedFile(ranges);
    for (const { name, start } of ranges)
      for (const { row, rounded, exact } of await valuesOf(tensors, name, start)) {
        const largest = Math.max(...numbers.slice(row * width, (row + 1) * width).map(Math.abs));
        // Half a step, plus the float32 rounding of the scale.
        expect(Math.abs(rounded - exact)).toBeLessThanOrEqual((largest / 127) * 0.5000001);
      }
    const { tensors: read, quantized } = readQuantized(tensors);
    expect(read.get("x.weight")).toMatchObject({ dtype: "int8", shape: [out, width] });
    expect(quantized.size).toBe(2 * parts.length);
  });

  test.each([undefined, 3])(
    "have a scale that is NaN for each NaN, wherever it stands (blocks of %s)",
    async (block) => {
      const damaged = numbers.slice();
      const [shared, places] = [block ?? width, [0, 7, 16, 5 * width + 5]];
      for (const at of places) damaged[at] = at === 7 ? Infinity : NaN;
      const tensor = { ...matrix, source: memorySource("m", new Uint8Array(damaged.buffer)) };
      const tensors = await quantizedFile([{ name: "x.weight", tensor, start: 0, end: out, block }]);
      const stored = tensors.get("x.weight.scale");
      if (!stored) throw new Error("x.weight.scale");
      const scales = new Float32Array((await readTensorBytes(stored)).buffer);
      const broken = [...scales.keys()].filter((at) => !Number.isFinite(scales[at]));
      expect(broken).toEqual(places.map((at) => Math.floor(at / shared)));
    },
  );

  test("in blocks differ by at most half a step of their block", async () => {
    const block = 3;
    const tensors = await quantizedFile([{ name: "x.weight", tensor: matrix, start: 0, end: out, block }]);
    const names = int8Names("x.weight", true);
    const [values, scales] = [tensors.get(names.values), tensors.get(names.scale)];
    if (!values || !scales) throw new Error("x.weight");
    expect([values.dtype, values.shape, scales.shape]).toEqual(["uint8", [out, 2, block], [out, 2]]);
    const whole = await readTensorBytes(values);
    const scale = new Float32Array((await readTensorBytes(scales)).buffer);
    const wrong = Array.from(numbers.keys()).filter((index) => {
      const place = Math.floor(index / block);
      const largest = Math.max(...numbers.slice(place * block, (place + 1) * block).map(Math.abs));
      const meant = ((whole[index] ?? NaN) - 128) * (scale[place] ?? NaN);
      // Half a step, plus the float32 rounding of the scale.
      return !(Math.abs(meant - (numbers[index] ?? NaN)) <= (largest / 127) * 0.5000001);
    });
    expect(wrong).toEqual([]);
    expect(Math.min(...whole)).toBe(1);
    expect(Math.max(...whole)).toBe(255);
    const { tensors: read, quantized } = readQuantized(tensors);
    expect(read.get("x.weight")).toMatchObject({ dtype: "int8", shape: [out, width] });
    expect([...quantized.keys()]).toEqual([names.scale, names.values]);
  });

  test("larger than one read keep every row in its place", async () => {
    // 6 MB; row r has its largest number in column r.
    const [rows, columns] = [1500, 1024];
    const data = new Float32Array(rows * columns);
    for (let row = 0; row < rows; row++) data[row * columns + (row % columns)] = row + 1;
    const tensor = { ...matrix, shape: [rows, columns], byteLength: data.byteLength };
    const source = memorySource("m", new Uint8Array(data.buffer));
    const tensors = await quantizedFile([{ name: "x", tensor: { ...tensor, source }, start: 0, end: rows }]);
    const [values, scales] = [tensors.get("x.int8"), tensors.get("x.scale")];
    if (!values || !scales) throw new Error("x");
    const whole = new Int8Array((await readTensorBytes(values)).buffer);
    const scale = new Float32Array((await readTensorBytes(scales)).buffer);
    const wrong = Array.from({ length: rows }, (_, row) => row).filter(
      (row) => whole[(row % columns) * rows + row] !== 127 || scale[row] !== Math.fround((row + 1) / 127),
    );
    expect(wrong).toEqual([]);
    expect(whole.filter((value) => value !== 0)).toHaveLength(rows);
  });

  test("are also made from halves, bfloat16, doubles and strided tensors", async () => {
    const halves = Uint16Array.of(0x3c00, 0xc000, 0x3800, 0x0000);
    const bfloats = Uint16Array.of(0x3f80, 0xc000, 0x3f00, 0x0000);
    const doubles = Float64Array.of(1, -2, 0.5, 0);
    const turned = Float32Array.of(1, 0.5, -2, 0);
    const stored = (
      dtype: StoredTensor["dtype"],
      data: ArrayBufferView,
      strides?: number[],
    ): StoredTensor => ({
      ...{ name: "x", dtype, shape: [2, 2], offset: 0, byteLength: data.byteLength },
      source: memorySource("m", new Uint8Array(data.buffer)),
      ...(strides && { strides }),
    });
    for (const tensor of [
      stored("float16", halves),
      stored("bfloat16", bfloats),
      stored("float64", doubles),
      stored("float32", turned, [1, 2]),
    ]) {
      const tensors = await quantizedFile([{ name: "x", tensor, start: 0, end: 2 }]);
      const values = tensors.get("x.int8");
      expect([...new Int8Array((await readTensorBytes(values ?? tensor)).buffer)]).toEqual([
        64, 127, -127, 0,
      ]);
    }
  });

  const entry = (dtype: "int8" | "uint8" | "float32", shape: readonly number[]): StoredTensor => ({
    ...{ name: "n", dtype, shape, source: memorySource("file", new Uint8Array(0)), offset: 0 },
    byteLength: shape.reduce((a, b) => a * b, dtype === "float32" ? 4 : 1),
  });
  const i8 = (...shape: number[]) => entry("int8", shape);
  const u8 = (...shape: number[]) => entry("uint8", shape);
  const f32 = (...shape: number[]) => entry("float32", shape);

  test.each<[string, Record<string, StoredTensor>, RegExp]>([
    ["no scales", { "x.int8": i8(2, 3) }, /its scales \(\.scale\) are missing/],
    ["no numbers", { "x.scale": f32(3) }, /its numbers \(\.int8 or \.blocks\) are missing/],
    [
      "scales of the other side",
      { "x.int8": i8(2, 3), "x.scale": f32(2) },
      /expected float32 \[3\] scales, got float32 \[2\]/,
    ],
    ["one dimension", { "x.int8": i8(6), "x.scale": f32(6) }, /expected int8 \[in, out\]/],
    ["scales of 8 bits", { "x.int8": i8(2, 3), "x.scale": i8(3) }, /got int8 \[3\]/],
    [
      "a lost part",
      { "x[3:6].int8": i8(2, 3), "x[3:6].scale": f32(3) },
      /expected rows from 0 on, 3 of them, got 3 to 6/,
    ],
    [
      "parts of unequal width",
      { "x[0:3].int8": i8(2, 3), "x[0:3].scale": f32(3), "x[3:6].int8": i8(4, 3), "x[3:6].scale": f32(3) },
      /its parts have 2 and 4 columns/,
    ],
    [
      "blocks and scales of rows",
      { "x.blocks": u8(3, 2, 16), "x.scale": f32(3) },
      /expected float32 \[3, 2\] scales, got float32 \[3\]/,
    ],
    ["blocks of two dimensions", { "x.blocks": u8(3, 32), "x.scale": f32(3, 2) }, /got uint8 \[3, 32\]/],
    ["both forms", { x: f32(3, 2), "x.int8": i8(2, 3), "x.scale": f32(3) }, /also present in floating point/],
  ])("are refused with %s", async (_what, tensors, message) => {
    const failure = await failureOf(() => readQuantized(new Map(Object.entries(tensors))));
    expect(failure.code).toBe("checkpoint/quantized");
    expect(failure.message).toMatch(message);
  });
});
