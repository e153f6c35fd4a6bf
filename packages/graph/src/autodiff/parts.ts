// Helpers for writing gradient rules.
import { must } from "@blip-ts/base";
import type { GraphBuilder } from "../builder.ts";
import { GraphError } from "../errors.ts";
import type { NodeOf, OpKind, Value } from "../graph.ts";
import { floatTensor } from "../types/dtype.ts";
import {
  formatDim,
  multiplyDims,
  productOf,
  sameDim,
  sameShape,
  type Dim,
  type Shape,
} from "../types/dim.ts";

export const lastAxis = ({ shape }: Value): number => shape.length - 1;
export const lastDim = ({ shape }: Value): Dim => shape.at(-1) ?? 1;
export const negative = (b: GraphBuilder, x: Value): Value => b.multiply(x, b.scalar(-1));
/** [...] -> [..., 1] */
export const asColumn = (b: GraphBuilder, x: Value): Value => b.reshape(x, [...x.shape, 1]);
/** The sum over the last axis, kept as size 1: [..., D] -> [..., 1]. */
export const rowSum = (b: GraphBuilder, x: Value): Value => b.sum(x, [lastAxis(x)], true);

/** 1 / D for a node's first input [..., D]. @throws {GraphError} if D is a named dimension */
export function inverseWidth(b: GraphBuilder, node: NodeOf<OpKind>): Value {
  const width = lastDim(must(node.inputs, 0));
  if (typeof width !== "number")
    throw new GraphError(
      `the gradient of ${node.kind} at ${node.scope === "" ? "the top" : node.scope}: expected a number as the last dimension, got ${formatDim(width)}. Give the graph a number there`,
    );
  return b.scalar(1 / width);
}

/** Zeros in the given shape. */
export function zeros(b: GraphBuilder, shape: Shape): Value {
  const dims = shape.map(() => 1);
  return b.expand(b.constant(floatTensor(dims, [0])), shape);
}

/** [..., D] -> [R, D] */
export function asMatrix(b: GraphBuilder, x: Value): Value {
  if (x.shape.length === 2) return x;
  const rows = productOf(x.shape.slice(0, -1));
  return b.reshape(x, [rows, lastDim(x)]);
}

/** The sum over all axes but the last: [..., D] -> [D]. */
export const sumOfRows = (b: GraphBuilder, x: Value): Value =>
  x.shape.length === 1 ? x : b.sum(x, [...x.shape.keys()].slice(0, -1));

/**
 * The gradient of an operand that was broadcast: the sum over the repeats. The shapes show the repeated axes, because
 * broadcasting accepts only equal dimensions or a literal 1.
 */
export function unbroadcast(b: GraphBuilder, gradient: Value, shape: Shape): Value {
  if (sameShape(gradient.shape, shape)) return gradient;
  const extra = gradient.shape.length - shape.length;
  const axes = [...gradient.shape.keys()].filter(
    (axis) => axis < extra || !sameDim(must(shape, axis - extra), must(gradient.shape, axis)),
  );
  const sum = b.sum(gradient, axes, extra === 0);
  return sameShape(sum.shape, shape) ? sum : b.reshape(sum, shape);
}

/** [B, T, D] -> [B, H, T, K] */
export function splitHeads(b: GraphBuilder, x: Value, heads: number): Value {
  const [B = 1, T = 1, D = 1] = x.shape;
  return b.transpose(b.reshape(x, [B, T, heads, Number(D) / heads]), [0, 2, 1, 3]);
}

/** [B, H, T, K] -> [B, T, D] */
export function joinHeads(b: GraphBuilder, x: Value): Value {
  const [B = 1, H = 1, T = 1, K = 1] = x.shape;
  return b.reshape(b.transpose(x, [0, 2, 1, 3]), [B, T, multiplyDims(H, K)]);
}
