// The compiled kernel against plain loops, bit for bit.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { compileKernel } from "../../../scripts/compile-kernel.mjs";
import type { AdamStep } from "./adam.ts";
import { kernelBytes } from "./generated/kernel-bytes.ts";
import { kernelOver, type Kernel } from "./kernel.ts";
import { plainKernel } from "./plain-kernel.ts";

const length = 64;
const edges = [
  ...[0, -0, 1, -1, 1e-45, -1e-45, 1.17549435e-38, 3.4028235e38, -3.4028235e38, 1e-20, -1e20, 0.1],
  ...[Infinity, -Infinity, NaN, 2 ** -126, 2 ** -149, 16777217, 1 + 2 ** -23, -1e-8],
];

/** Numbers of every magnitude that do not repeat soon. */
const noise = (seed: number) => (index: number) =>
  Math.sin((index + 1) * 12.9898 * seed) * 10 ** (((index * 7) % 12) - 6);

/** The same numbers for both kernels: four arrays in a row, after a page of memory. */
function both(value: (index: number) => number) {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const compiled = new Float32Array(memory.buffer);
  for (let index = 0; index < 4 * length; index++) compiled[index] = value(index);
  // Second moments are never negative.
  for (let index = 3 * length; index < 4 * length; index++)
    compiled[index] = Math.abs(compiled[index] ?? NaN);
  const plain = compiled.slice();
  return { compiled, plain, kernels: [kernelOver(memory), plainKernel(plain)] as const };
}

const step: AdamStep = {
  ...{ lr: 1e-3, decay: 0.05, beta1: 0.9, beta2: 0.999, eps: 1e-8, step: 3, scale: 0.37 },
};
const [p, g, m, v] = [0, length, 2 * length, 3 * length] as const;

const calls: Readonly<Record<string, (kernel: Kernel) => unknown>> = {
  adamw: (kernel) => kernel.adamw(p, g, m, v, length, step),
  "adamw of a part": (kernel) => kernel.adamw(p + 8, g + 8, m + 8, v + 8, 20, { ...step, step: 1, decay: 0 }),
  "adamw of nothing": (kernel) => kernel.adamw(p, g, m, v, 0, step),
  squares: (kernel) => kernel.squares(g, length),
  "squares of nothing": (kernel) => kernel.squares(g, 0),
  blend: (kernel) => kernel.blend(p, g, length, 0.995, 1 - 0.995),
  "sum of gradients": (kernel) => kernel.blend(p, g, length, 1, 0.25),
  scaled: (kernel) => kernel.scaled(p, g, length, 1 / 3),
  "blend of nothing": (kernel) => kernel.blend(p, g, 0, 0.5, 0.5),
  "scaled of nothing": (kernel) => kernel.scaled(p, g, 0, 0.5),
};

describe.each(Object.entries(calls))("%s", (name, call) => {
  test.each([
    ["numbers of every size", noise(1)],
    ["other numbers", noise(2.3)],
    ["edges", (index: number) => edges[(index * 7 + (index >> 6)) % edges.length] ?? NaN],
    ["zeros", () => 0],
  ] as const)("is the same as plain loops: %s", (what, value) => {
    const { compiled, plain, kernels } = both(value);
    const before = plain.slice();
    const [found, expected] = kernels.map(call);
    expect(found).toEqual(expected);
    // toEqual distinguishes -0 from 0, and treats all NaN as equal.
    expect(compiled.subarray(0, 4 * length)).toEqual(plain.subarray(0, 4 * length));
    if (what.includes("numbers") && !/squares|nothing/.test(name)) expect(plain).not.toEqual(before);
    if (name.includes("nothing")) expect(plain).toEqual(before);
  });
});

test("squares are summed in double precision", () => {
  const { compiled, kernels } = both(() => 0);
  compiled.set([1e25, 1, 1e-25, 3e38], g);
  expect(kernels[0].squares(g, 4)).toBeCloseTo(9e76, -70);
  compiled.set([4097, 1, 0, 0], g);
  expect(kernels[0].squares(g, 4)).toBe(4097 ** 2 + 1);
});

test("the committed bytes are the compiled kernel.wat", async () => {
  const text = readFileSync(new URL("kernel.wat", import.meta.url), "utf8");
  expect(Buffer.from(await compileKernel(text)).toString("base64")).toBe(kernelBytes);
});
