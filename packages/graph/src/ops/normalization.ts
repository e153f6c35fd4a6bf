// Shape rules of normalizations, means and sums.
import { GraphError } from "../errors.ts";
import type { ValueType } from "../graph.ts";
import { formatShape } from "../types/dim.ts";
import { dimAt, expectCount, expectDim, expectFloat, expectRank, inputAt, type ShapeRule } from "./rule.ts";

/** (x - mean) / sqrt(variance + epsilon) * gain + bias over the last axis, with the biased variance. */
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

/** The mean over the last axis: [..., D] -> [...]. */
export const mean: ShapeRule<"mean"> = (inputs) => {
  const { dtype, shape } = sameAsInput(inputs);
  return { dtype, shape: shape.slice(0, -1) };
};

const toColumn = (inputs: readonly ValueType[]): ValueType => {
  const { dtype, shape } = sameAsInput(inputs);
  dimAt({ dtype, shape }, -1);
  return { dtype, shape: [...shape.slice(0, -1), 1] };
};
/** The mean over the last axis, kept as size 1. */
export const rowMean: ShapeRule<"rowMean"> = toColumn;
/** 1 / sqrt(variance + epsilon) over the last axis, with the biased variance. The axis is kept as size 1. */
export const rowInverseStd: ShapeRule<"rowInverseStd"> = toColumn;

/** The sum over at least one axis. The axes are removed, or kept as size 1. */
export const sum: ShapeRule<"sum"> = (inputs, { axes, keep }) => {
  const { dtype, shape } = sameAsInput(inputs);
  if (axes.length === 0 || new Set(axes).size !== axes.length || axes.some((axis) => !(axis in shape)))
    throw new GraphError(
      `[${axes.join(", ")}] are not axes of ${formatShape(shape)}, each once, and at least one`,
    );
  return {
    dtype,
    shape: keep
      ? shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim))
      : shape.filter((_, axis) => !axes.includes(axis)),
  };
};
