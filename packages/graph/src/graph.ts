// The graph: values, the nodes that make them, and external tensors (inputs, weights, constants). It is in static
// single assignment form. A node has exactly one output. The nodes are in execution order.
import type { Dim, Shape } from "./types/dim.ts";
import type { DType, Tensor } from "./types/dtype.ts";

/** The static type of a value. */
export interface ValueType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** A tensor in a graph. */
export interface Value extends ValueType {
  readonly id: number;
}

/**
 * The granularity at which a quantized product rounds its left side to 8 bits. `row` uses one scale per row, so rows do
 * not affect each other. `tensor` uses one scale for the whole tensor, which is cheaper.
 */
export type Activations = "row" | "tensor";

/** The attributes of each operation. An operation has the same name everywhere: in rules, lowerings and prints. */
export interface OpAttributes {
  // elementwise
  add: object;
  subtract: object;
  multiply: object;
  divide: object;
  gelu: object;
  relu: object;
  tanh: object;
  exp: object;
  erf: object;
  sqrt: object;
  positive: object;
  detach: object;
  cast: { readonly to: DType };
  // linear algebra
  linear: object;
  quantizedLinear: { readonly activations: Activations };
  blockLinear: object;
  dequantize: object;
  matmul: {
    /** Swaps the last two axes of a (or of b) before the product. */
    readonly transposeA?: boolean;
    readonly transposeB?: boolean;
    /** A factor of the product. */
    readonly scale?: number;
  };
  // normalization
  layerNorm: { readonly epsilon: number };
  softmax: object;
  logSoftmax: object;
  l2Normalize: { readonly epsilon: number };
  rowInverseStd: { readonly epsilon: number };
  // attention
  attention: { readonly heads: number; readonly scale: number };
  // reduction
  mean: object;
  rowMean: object;
  sum: { readonly axes: readonly number[]; readonly keep: boolean };
  crossEntropy: { readonly smoothing: number };
  // look-up and convolution
  gather: object;
  takeAlongLast: object;
  addAlongLast: object;
  scatterAdd: { readonly rows: Dim };
  patchConvolution: { readonly patch: number };
  // shape
  reshape: { readonly shape: Shape };
  transpose: { readonly permutation: readonly number[] };
  slice: { readonly axis: number; readonly start: Dim; readonly end: Dim };
  concat: { readonly axis: number };
  expand: { readonly shape: Shape };
  // order of computation
  barrier: object;
}

export type OpKind = keyof OpAttributes;

export interface NodeOf<K extends OpKind> {
  readonly kind: K;
  readonly attributes: OpAttributes[K];
  readonly inputs: readonly Value[];
  readonly output: Value;
  /** The dotted path of the network's part that made the node: the path of its weights in the checkpoint. */
  readonly scope: string;
}

export type Node = { [K in OpKind]: NodeOf<K> }[OpKind];

/** A value with a public name. */
export interface NamedValue {
  readonly name: string;
  readonly value: Value;
}

/** A tensor of the checkpoint, or a range of its rows (its first dimension). */
export interface Weight extends NamedValue {
  /**
   * The range of rows, if not all. `shape` is the whole tensor's shape in the checkpoint; the value's shape covers only
   * the range.
   */
  readonly rows?: { readonly start: number; readonly end: number };
  readonly shape: readonly number[];
}

export interface Constant {
  readonly value: Value;
  readonly tensor: Tensor;
}

export interface Graph {
  readonly name: string;
  readonly inputs: readonly NamedValue[];
  readonly weights: readonly Weight[];
  readonly constants: readonly Constant[];
  readonly nodes: readonly Node[];
  readonly outputs: readonly NamedValue[];
}

/** The last value made at `scope`; undefined if there is none. */
export function lastValueOf(graph: Graph, scope: string): Value | undefined {
  return graph.nodes.filter((node) => node.scope === scope).at(-1)?.output;
}

/** A copy of the graph with more values as outputs, e.g. every layer's, to compare them with a reference. */
export function exposeValues(graph: Graph, values: Readonly<Record<string, Value>>): Graph {
  const more = Object.entries(values).map(([name, value]) => ({ name, value }));
  return { ...graph, outputs: [...graph.outputs, ...more] };
}

/** An id above every id in use. */
export function nextValueId(graph: Graph): number {
  const values = [
    ...graph.inputs.map(({ value }) => value),
    ...graph.weights.map(({ value }) => value),
    ...graph.constants.map(({ value }) => value),
    ...graph.nodes.map(({ output }) => output),
  ];
  return values.reduce((highest, { id }) => Math.max(highest, id), -1) + 1;
}
