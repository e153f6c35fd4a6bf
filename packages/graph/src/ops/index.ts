// The table of shape rules, exhaustive by type: an operation without a rule does not compile.
import { GraphError } from "../errors.ts";
import type { NodeOf, OpAttributes, OpKind, ValueType } from "../graph.ts";
import { formatShape } from "../types/dim.ts";
import { blockLinear, dequantize, linear, matmul, quantizedLinear } from "./algebra.ts";
import { attention } from "./attention.ts";
import {
  add,
  cast,
  detach,
  divide,
  erf,
  exp,
  gelu,
  multiply,
  positive,
  relu,
  sqrt,
  subtract,
  tanh,
} from "./elementwise.ts";
import { addAlongLast, crossEntropy, gather, patchConvolution, scatterAdd, takeAlongLast } from "./lookup.ts";
import {
  l2Normalize,
  layerNorm,
  logSoftmax,
  mean,
  rowInverseStd,
  rowMean,
  softmax,
  sum,
} from "./normalization.ts";
import type { ShapeRule } from "./rule.ts";
import { barrier, concat, expand, reshape, slice, transpose } from "./shape.ts";

export const shapeRules: { readonly [K in OpKind]: ShapeRule<K> } = {
  add,
  subtract,
  multiply,
  divide,
  gelu,
  relu,
  tanh,
  exp,
  erf,
  sqrt,
  positive,
  detach,
  cast,
  linear,
  quantizedLinear,
  blockLinear,
  dequantize,
  matmul,
  layerNorm,
  softmax,
  logSoftmax,
  l2Normalize,
  rowInverseStd,
  attention,
  mean,
  rowMean,
  sum,
  crossEntropy,
  gather,
  takeAlongLast,
  addAlongLast,
  scatterAdd,
  patchConvolution,
  reshape,
  transpose,
  slice,
  concat,
  expand,
  barrier,
};

/** Every operation, in the order of the table. */
export const opKinds = Object.keys(shapeRules) as readonly OpKind[];

/**
 * The type of an operation's output.
 * @throws {GraphError} naming the operation, its scope and the types of its inputs
 */
export function inferType<K extends OpKind>(
  kind: K,
  inputs: readonly ValueType[],
  attributes: OpAttributes[K],
  scope: string,
): ValueType {
  try {
    return shapeRules[kind](inputs, attributes);
  } catch (error) {
    if (!(error instanceof GraphError)) throw error;
    const types = inputs.map(({ dtype, shape }) => `${dtype} ${formatShape(shape)}`).join(", ");
    throw new GraphError(`${kind}(${types}) at ${scope === "" ? "the top" : scope}: ${error.message}`);
  }
}

/** Applies a table's rule to a node, with the types tied to the node's kind. */
export function applyRule<K extends OpKind, R>(
  table: { readonly [P in K]: (node: NodeOf<P>) => R },
  node: NodeOf<K>,
): R {
  return table[node.kind](node);
}
