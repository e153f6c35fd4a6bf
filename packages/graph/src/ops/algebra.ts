// Shape rules of matrix products.
import { multiplyDims, type Dim } from "../types/dim.ts";
import { broadcastShapes } from "./elementwise.ts";
import {
  dimAt,
  expectCount,
  expectDim,
  expectDType,
  expectFloat,
  expectRank,
  expectSameDType,
  inputAt,
  type ShapeRule,
} from "./rule.ts";

/** y = x W^T + b: x [..., in], W [out, in] (the layout of PyTorch's Linear), optional b [out] -> [..., out]. */
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

/**
 * y = x W + b with W = weight * scale: x [..., in], int8 weight [in, out], float32 scale [out], optional b [out] ->
 * [..., out]. x is rounded to 8 bits as well, so that the sum over `in` is over integers.
 */
export const quantizedLinear: ShapeRule<"quantizedLinear"> = (inputs) => {
  expectCount(inputs, 3, 4);
  const [x, weight, scale, bias] = [inputAt(inputs, 0), inputAt(inputs, 1), inputAt(inputs, 2), inputs[3]];
  expectSameDType([x, scale, ...(bias ? [bias] : [])]);
  expectDType(x, "float32", "x");
  expectDType(weight, "int8", "weight");
  expectRank(weight, 2, "weight");
  expectDim(dimAt(x, -1), dimAt(weight, 0), "last dimension of x against the weight's rows");
  for (const [vector, what] of [
    [scale, "scale"],
    [bias, "bias"],
  ] as const)
    if (vector) {
      expectRank(vector, 1, what);
      expectDim(dimAt(vector, 0), dimAt(weight, 1), `${what} against the weight's columns`);
    }
  return { dtype: x.dtype, shape: [...x.shape.slice(0, -1), dimAt(weight, 1)] };
};

/**
 * The same with a blockwise weight, uint8 [out, in / block, block], in which 128 stands for 0, and a float32 scale per
 * block of a row [out, in / block]. If the engine's kernel supports it, x is rounded per block of its rows as well.
 */
export const blockLinear: ShapeRule<"blockLinear"> = (inputs) => {
  expectCount(inputs, 3, 4);
  const [x, weight, scale, bias] = [inputAt(inputs, 0), inputAt(inputs, 1), inputAt(inputs, 2), inputs[3]];
  expectSameDType([x, scale, ...(bias ? [bias] : [])]);
  expectDType(x, "float32", "x");
  expectDType(weight, "uint8", "weight");
  expectRank(weight, 3, "weight");
  const width = multiplyDims(dimAt(weight, 1), dimAt(weight, 2));
  expectDim(dimAt(x, -1), width, "last dimension of x against the weight's columns");
  expectRank(scale, 2, "scale");
  expectDim(dimAt(scale, 0), dimAt(weight, 0), "scale against the weight's rows");
  expectDim(dimAt(scale, 1), dimAt(weight, 1), "scale against the weight's blocks");
  if (bias) {
    expectRank(bias, 1, "bias");
    expectDim(dimAt(bias, 0), dimAt(weight, 0), "bias against the weight's rows");
  }
  return { dtype: x.dtype, shape: [...x.shape.slice(0, -1), dimAt(weight, 0)] };
};

/** The dequantized matrix: int8 x [out, in], float32 scale [out] -> [out, in], y[o, i] = x[o, i] scale[o]. */
export const dequantize: ShapeRule<"dequantize"> = (inputs) => {
  expectCount(inputs, 2);
  const [x, scale] = [inputAt(inputs, 0), inputAt(inputs, 1)];
  expectDType(x, "int8", "x");
  expectRank(x, 2, "x");
  expectDType(scale, "float32", "scale");
  expectRank(scale, 1, "scale");
  expectDim(dimAt(scale, 0), dimAt(x, 0), "scale against the rows of x");
  return { dtype: scale.dtype, shape: x.shape };
};

/**
 * scale * a b over the last two axes, each side optionally transposed: a [..., M, L], b [..., L, N] -> [..., M, N]. The
 * leading axes broadcast.
 */
export const matmul: ShapeRule<"matmul"> = (inputs, { transposeA = false, transposeB = false }) => {
  expectCount(inputs, 2);
  expectSameDType(inputs);
  const [a, b] = [inputAt(inputs, 0), inputAt(inputs, 1)];
  expectFloat(a, "a");
  const [rows, inner] = transposeA ? [dimAt(a, -1), dimAt(a, -2)] : [dimAt(a, -2), dimAt(a, -1)];
  const [other, columns] = transposeB ? [dimAt(b, -1), dimAt(b, -2)] : [dimAt(b, -2), dimAt(b, -1)];
  expectDim(other, inner, "rows of b against columns of a");
  const batch: readonly Dim[] = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
  return { dtype: a.dtype, shape: [...batch, rows, columns] };
};
