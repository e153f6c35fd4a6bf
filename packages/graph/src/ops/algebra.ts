// Matrix products.
import type { Dim } from "../types/dim.ts";
import { broadcastShapes } from "./elementwise.ts";
import {
  dimAt,
  expectCount,
  expectDim,
  expectFloat,
  expectRank,
  expectSameDType,
  inputAt,
  type ShapeRule,
} from "./rule.ts";

/** y = x W^T + b with W [out, in], as PyTorch's Linear keeps it; b is optional. */
export const linear: ShapeRule<"linear"> = (inputs) => {
  expectCount(inputs, 2, 3);
  expectSameDType(inputs);
  const [x, weight, bias] = [inputAt(inputs, 0), inputAt(inputs, 1), inputs[2]];
  expectFloat(x, "x");
  expectRank(weight, 2, "weight");
  expectDim(dimAt(x, -1), dimAt(weight, 1), "last dimension of x against the weight's columns");
  if (bias) {
    expectRank(bias, 1, "bias");
    expectDim(dimAt(bias, 0), dimAt(weight, 0), "bias against the weight's rows");
  }
  return { dtype: x.dtype, shape: [...x.shape.slice(0, -1), dimAt(weight, 0)] };
};

/** Batched matrix product over the last two axes; the others broadcast. */
export const matmul: ShapeRule<"matmul"> = (inputs) => {
  expectCount(inputs, 2);
  expectSameDType(inputs);
  const [a, b] = [inputAt(inputs, 0), inputAt(inputs, 1)];
  expectFloat(a, "a");
  expectDim(dimAt(b, -2), dimAt(a, -1), "rows of b against columns of a");
  const batch: readonly Dim[] = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
  return { dtype: a.dtype, shape: [...batch, dimAt(a, -2), dimAt(b, -1)] };
};
