// Multi-head scaled dot-product attention.
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
 * softmax(q k^T * scale + bias) v for each head.
 * Inputs: q [B, T, D], k [B, N, D], v [B, N, D], and an optional bias [B or 1, H or 1, T, N] that is added to the
 * scores (a mask is a bias of large negative numbers). Heads are consecutive groups of D / H columns.
 */
export const attention: ShapeRule<"attention"> = (inputs, { heads }) => {
  expectCount(inputs, 3, 4);
  expectSameDType(inputs);
  const [q, k, v, bias] = [inputAt(inputs, 0), inputAt(inputs, 1), inputAt(inputs, 2), inputs[3]];
  expectFloat(q, "q");
  expectRank(q, 3, "q");
  expectRank(k, 3, "k");
  expectRank(v, 3, "v");
  const width = dimAt(q, 2);
  if (typeof width !== "number" || !Number.isInteger(heads) || heads < 1 || width % heads !== 0)
    throw new GraphError(`a width of ${formatShape([width])} is not divisible by ${heads} heads`);
  expectDim(dimAt(k, 0), dimAt(q, 0), "batch of k");
  expectDim(dimAt(v, 0), dimAt(q, 0), "batch of v");
  expectDim(dimAt(k, 2), width, "width of k");
  expectDim(dimAt(v, 2), width, "width of v");
  expectDim(dimAt(v, 1), dimAt(k, 1), "length of v against k");
  if (bias) {
    expectRank(bias, 4, "bias");
    if (dimAt(bias, 0) !== 1 && !sameDim(dimAt(bias, 0), dimAt(q, 0)))
      throw new GraphError(`bias ${formatShape(bias.shape)}: the first dimension is neither 1 nor the batch`);
    if (dimAt(bias, 1) !== 1) expectDim(dimAt(bias, 1), heads, "heads of the bias");
    expectDim(dimAt(bias, 2), dimAt(q, 1), "rows of the bias");
    expectDim(dimAt(bias, 3), dimAt(k, 1), "columns of the bias");
  }
  return { dtype: q.dtype, shape: q.shape };
};
