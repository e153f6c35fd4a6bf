// The shape rule of multi-head scaled dot-product attention.
import { GraphError } from "../errors.ts";
import { formatShape, sameDim } from "../types/dim.ts";
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

/**
 * softmax(q k^T * scale + bias) v for each head: q [B, T, D] -> [B, T, D]. k and v are [B, N, D], or already split into
 * heads, [B, H, N, K]. The optional bias [B or 1, H or 1, T, N] is added to the scores; a mask is a bias of large
 * negative numbers. Heads are consecutive groups of D / H columns.
 */
export const attention: ShapeRule<"attention"> = (inputs, { heads }) => {
  expectCount(inputs, 3, 4);
  expectSameDType(inputs);
  const [q, k, v, bias] = [inputAt(inputs, 0), inputAt(inputs, 1), inputAt(inputs, 2), inputs[3]];
  expectFloat(q, "q");
  expectRank(q, 3, "q");
  expectRank(v, k.shape.length, "v");
  const width = dimAt(q, 2);
  if (typeof width !== "number" || !Number.isInteger(heads) || heads < 1 || width % heads !== 0)
    throw new GraphError(`a width of ${formatShape([width])} is not divisible by ${heads} heads`);
  expectDim(dimAt(k, 0), dimAt(q, 0), "batch of k");
  expectDim(dimAt(v, 0), dimAt(q, 0), "batch of v");
  const parted = k.shape.length === 4;
  if (!parted) expectRank(k, 3, "k");
  for (const [value, what] of [
    [k, "k"],
    [v, "v"],
  ] as const) {
    if (parted) expectDim(dimAt(value, 1), heads, `heads of ${what}`);
    expectDim(dimAt(value, -1), parted ? width / heads : width, `width of ${what}`);
  }
  expectDim(dimAt(v, -2), dimAt(k, -2), "length of v against k");
  if (bias) {
    expectRank(bias, 4, "bias");
    if (dimAt(bias, 0) !== 1 && !sameDim(dimAt(bias, 0), dimAt(q, 0)))
      throw new GraphError(`bias ${formatShape(bias.shape)}: the first dimension is neither 1 nor the batch`);
    if (dimAt(bias, 1) !== 1) expectDim(dimAt(bias, 1), heads, "heads of the bias");
    expectDim(dimAt(bias, 2), dimAt(q, 1), "rows of the bias");
    expectDim(dimAt(bias, 3), dimAt(k, -2), "columns of the bias");
  }
  return { dtype: q.dtype, shape: q.shape };
};
