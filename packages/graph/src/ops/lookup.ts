// Shape rules of table look-up, its reverse, the patch convolution, and cross-entropy.
import { GraphError } from "../errors.ts";
import type { ValueType } from "../graph.ts";
import { formatShape, sameShape } from "../types/dim.ts";
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

function expectIds(ids: ValueType): void {
  if (ids.dtype !== "int64") throw new GraphError(`ids: expected int64, got ${ids.dtype}`);
}

/** Rows of a table [V, ...] at int64 ids [...] -> the ids' shape followed by a row's shape. */
export const gather: ShapeRule<"gather"> = (inputs) => {
  expectCount(inputs, 2);
  const [table, ids] = [inputAt(inputs, 0), inputAt(inputs, 1)];
  dimAt(table, 0);
  expectIds(ids);
  return { dtype: table.dtype, shape: [...ids.shape, ...table.shape.slice(1)] };
};

/** Checks ids that select one number per row of x [..., V]. */
function expectOnePerRow(ids: ValueType, x: ValueType): void {
  expectIds(ids);
  expectRank(ids, x.shape.length - 1, "ids");
  ids.shape.forEach((dim, axis) => {
    expectDim(dim, dimAt(x, axis), `axis ${axis} of the ids`);
  });
}

/** One number per row: x [..., V] at int64 ids [...] -> [...]. */
export const takeAlongLast: ShapeRule<"takeAlongLast"> = (inputs) => {
  expectCount(inputs, 2);
  const [x, ids] = [inputAt(inputs, 0), inputAt(inputs, 1)];
  expectOnePerRow(ids, x);
  return { dtype: x.dtype, shape: ids.shape };
};

/** x [..., V] plus values [...] at int64 ids [...], one per row -> [..., V]. */
export const addAlongLast: ShapeRule<"addAlongLast"> = (inputs) => {
  expectCount(inputs, 3);
  const [x, ids, values] = [inputAt(inputs, 0), inputAt(inputs, 1), inputAt(inputs, 2)];
  expectFloat(x, "x");
  expectSameDType([x, values]);
  expectOnePerRow(ids, x);
  if (!sameShape(values.shape, ids.shape))
    throw new GraphError(`values: expected ${formatShape(ids.shape)}, got ${formatShape(values.shape)}`);
  return x;
};

/** A table of `rows` rows: rows [..., D] added to zeros at int64 ids [...] -> [rows, D]. */
export const scatterAdd: ShapeRule<"scatterAdd"> = (inputs, { rows: count }) => {
  expectCount(inputs, 2);
  const [ids, rows] = [inputAt(inputs, 0), inputAt(inputs, 1)];
  expectIds(ids);
  expectFloat(rows, "rows");
  const rank = ids.shape.length;
  if (!sameShape(rows.shape.slice(0, rank), ids.shape))
    throw new GraphError(`rows ${formatShape(rows.shape)}: expected to begin with ${formatShape(ids.shape)}`);
  return { dtype: rows.dtype, shape: [count, ...rows.shape.slice(rank)] };
};

/**
 * -log softmax(x)[label] with label smoothing: x [..., V], int64 labels [...] -> [...]. A share `smoothing` of the
 * target is spread over all of V, as in torch's CrossEntropyLoss.
 */
export const crossEntropy: ShapeRule<"crossEntropy"> = (inputs, { smoothing }) => {
  expectCount(inputs, 2);
  const [x, labels] = [inputAt(inputs, 0), inputAt(inputs, 1)];
  expectFloat(x, "x");
  expectOnePerRow(labels, x);
  if (!(smoothing >= 0 && smoothing <= 1))
    throw new GraphError(`smoothing: expected 0 to 1, got ${smoothing}`);
  return { dtype: x.dtype, shape: labels.shape };
};

/**
 * Convolution whose stride is its kernel size: pixels [B, C, S, S'], weight [D, C, p, p], bias [D] -> [B, D, S/p,
 * S'/p].
 */
export const patchConvolution: ShapeRule<"patchConvolution"> = (inputs, { patch }) => {
  expectCount(inputs, 3);
  expectSameDType(inputs);
  const [pixels, weight, bias] = [inputAt(inputs, 0), inputAt(inputs, 1), inputAt(inputs, 2)];
  expectFloat(pixels, "pixels");
  expectRank(pixels, 4, "pixels");
  expectRank(weight, 4, "weight");
  expectRank(bias, 1, "bias");
  expectDim(dimAt(weight, 1), dimAt(pixels, 1), "channels of the weight");
  expectDim(dimAt(weight, 2), patch, "height of the weight");
  expectDim(dimAt(weight, 3), patch, "width of the weight");
  expectDim(dimAt(bias, 0), dimAt(weight, 0), "bias");
  const sides = [dimAt(pixels, 2), dimAt(pixels, 3)].map((side) => {
    if (typeof side !== "number")
      throw new GraphError(`pixels ${formatShape(pixels.shape)}: the sides must be numbers`);
    return Math.floor(side / patch);
  });
  return { dtype: pixels.dtype, shape: [dimAt(pixels, 0), dimAt(weight, 0), ...sides] };
};
