// The table of gradient rules, exhaustive by type. A rule builds the gradients of a node's inputs; `none` marks what
// has no gradient; `later` marks what training still has to bring: a test counts and names those.
import type { GraphBuilder } from "../builder.ts";
import type { NodeOf, OpKind, Value } from "../graph.ts";

/** From the gradient of the output to those of the inputs, in order; undefined where an input has none. */
export type GradientRule<K extends OpKind> = (
  builder: GraphBuilder,
  node: NodeOf<K>,
  outputGradient: Value,
) => readonly (Value | undefined)[];

export const gradientRules: { readonly [K in OpKind]: GradientRule<K> | "none" | "later" } = {
  add: "later",
  subtract: "later",
  multiply: "later",
  divide: "later",
  gelu: "later",
  relu: "later",
  tanh: "later",
  cast: "none",
  linear: "later",
  quantizedLinear: "none",
  blockLinear: "none",
  dequantize: "none",
  matmul: "later",
  layerNorm: "later",
  softmax: "later",
  logSoftmax: "later",
  l2Normalize: "later",
  attention: "later",
  mean: "later",
  gather: "later",
  takeAlongLast: "later",
  patchConvolution: "later",
  reshape: "later",
  transpose: "later",
  slice: "later",
  concat: "later",
  expand: "later",
};
