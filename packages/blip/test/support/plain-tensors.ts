// Tensors as plain arrays, since a browser returns these.
import type { Tensor } from "@blip-ts/graph";
import { expect } from "vitest";
import type { PlainTensor } from "../page/in-page.ts";

/** Expects equal dimensions, and a largest difference below `tolerance`. NaN fails. */
export function expectNear(found: PlainTensor, expected: Tensor<"float32">, tolerance: number): void {
  expect(found.dims).toEqual(expected.dims);
  const worst = Math.max(
    ...Array.from(expected.data, (value, at) => Math.abs(value - (found.data[at] ?? NaN))),
  );
  expect(worst < tolerance, `differs by ${worst}`).toBe(true);
}

export const plainTensor = ({ dims, data }: Tensor<"float32">): PlainTensor => ({
  dims,
  data: Array.from(data),
});
