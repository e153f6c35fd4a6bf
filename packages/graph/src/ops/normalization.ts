// Normalizations and means over the last axis.
import type { ValueType } from "../graph.ts";
import { dimAt, expectCount, expectDim, expectFloat, expectRank, inputAt, type ShapeRule } from "./rule.ts";

/** (x - mean) / sqrt(variance + epsilon) * gain + bias, the biased variance, over the last axis. */
export const layerNorm: ShapeRule<"layerNorm"> = (inputs) => {
  expectCount(inputs, 3);
  const x = inputAt(inputs, 0);
  expectFloat(x, "x");
  for (const [index, what] of [
    [1, "gain"],
    [2, "bias"],
  ] as const) {
    expectRank(inputAt(inputs, index), 1, what);
    expectDim(dimAt(inputAt(inputs, index), 0), dimAt(x, -1), what);
  }
  return { dtype: x.dtype, shape: x.shape };
};

const sameAsInput = (inputs: readonly ValueType[]): ValueType => {
  expectCount(inputs, 1);
  const x = inputAt(inputs, 0);
  expectFloat(x, "x");
  return { dtype: x.dtype, shape: x.shape };
};

export const softmax: ShapeRule<"softmax"> = sameAsInput;
/** x - log(sum(exp(x))) over the last axis. */
export const logSoftmax: ShapeRule<"logSoftmax"> = sameAsInput;
/** x / max(|x|, epsilon) over the last axis, as torch's normalize. */
export const l2Normalize: ShapeRule<"l2Normalize"> = sameAsInput;

/** The mean over the last axis, which goes: [..., D] -> [...]. */
export const mean: ShapeRule<"mean"> = (inputs) => {
  const { dtype, shape } = sameAsInput(inputs);
  return { dtype, shape: shape.slice(0, -1) };
};
