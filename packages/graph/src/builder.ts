// The graph builder, which the network's code calls. Its scope is the path of the weights in the checkpoint:
// `b.at("encoder.layers.0").linear(x, "mlp.fc1", M)` uses `encoder.layers.0.mlp.fc1.weight` and `.bias`.
import { GraphError } from "./errors.ts";
import {
  nextValueId,
  type Constant,
  type Graph,
  type NamedValue,
  type Node,
  type OpAttributes,
  type OpKind,
  type Value,
  type ValueType,
  type Weight,
} from "./graph.ts";
import { inferType } from "./ops/index.ts";
import { formatShape, namedDim, sameShape, type Dim, type Shape } from "./types/dim.ts";
import { floatTensor, type DType, type Tensor } from "./types/dtype.ts";

interface State {
  readonly name: string;
  readonly inputs: NamedValue[];
  readonly weights: Map<string, Weight>;
  readonly constants: Constant[];
  readonly nodes: Node[];
  readonly outputs: NamedValue[];
  nextId: number;
}

/** One dimension per letter. */
type DimsOf<Letters extends string> = Letters extends `${string} ${infer Rest}`
  ? [Dim, ...DimsOf<Rest>]
  : [Dim];

/** A shape whose dimensions may be names: `["B", 3, 384, 384]`. */
export type ShapeLike = readonly (Dim | string)[];

const toShape = (shape: ShapeLike): Shape =>
  shape.map((dim) => (typeof dim === "string" ? namedDim(dim) : dim));

/**
 * Builds a graph call by call: each call adds an operation and returns its output. Shapes are checked at once.
 * @throws {GraphError} if types do not fit; the message names the operation, the scope and the types
 */
export class GraphBuilder {
  readonly #state: State;
  readonly #scope: string;

  private constructor(state: State, scope: string) {
    this.#state = state;
    this.#scope = scope;
  }

  /** Starts an empty graph. */
  static create(name: string): GraphBuilder {
    const state: State = {
      name,
      inputs: [],
      weights: new Map(),
      constants: [],
      nodes: [],
      outputs: [],
      nextId: 0,
    };
    return new GraphBuilder(state, "");
  }

  /**
   * Continues a graph. Its values keep their ids, so callers can use them. The graph itself does not change.
   * @param ids a graph whose ids the builder must not reuse either
   */
  static from(graph: Graph, ids: Graph = graph): GraphBuilder {
    const { name, inputs, weights, constants, nodes, outputs } = graph;
    const path = (weight: Weight) =>
      weight.rows ? `${weight.name}[${weight.rows.start}:${weight.rows.end}]` : weight.name;
    const state: State = {
      name,
      inputs: [...inputs],
      weights: new Map(weights.map((weight) => [path(weight), weight])),
      constants: [...constants],
      nodes: [...nodes],
      outputs: [...outputs],
      nextId: Math.max(nextValueId(graph), nextValueId(ids)),
    };
    return new GraphBuilder(state, "");
  }

  /** Appends a node of another graph over the same values, unchanged. */
  append(node: Node): void {
    this.#state.nodes.push(node);
  }

  /** The path of the nodes added now; "" at the top. */
  get scope(): string {
    return this.#scope;
  }

  /** The number of nodes so far. */
  get nodeCount(): number {
    return this.#state.nodes.length;
  }

  /** A builder of the same graph, one scope deeper. */
  at(path: string): GraphBuilder {
    return new GraphBuilder(this.#state, this.#path(path));
  }

  /**
   * Adds an input, which the caller gives at every run. A letter in a shape stands for the same number in all inputs of
   * a run.
   */
  input(name: string, dtype: DType, shape: ShapeLike): Value {
    const value = this.#value({ dtype, shape: toShape(shape) });
    this.#state.inputs.push({ name, value });
    return value;
  }

  /** Adds a named output. */
  output(name: string, value: Value): void {
    this.#state.outputs.push({ name, value });
  }

  /**
   * The checkpoint's weight `scope.name`, float32. A second call returns the same value. @throws {GraphError} if the
   * shapes differ
   */
  weight(name: string, shape: readonly number[]): Value {
    const path = this.#path(name);
    const known = this.#state.weights.get(path);
    if (known) {
      if (!sameShape(known.shape, shape))
        throw new GraphError(
          `weight ${path}: expected ${formatShape(known.shape)} as before, got ${formatShape(shape)}`,
        );
      return known.value;
    }
    const value = this.#value({ dtype: "float32", shape });
    this.#state.weights.set(path, { name: path, value, shape });
    return value;
  }

  /** Adds a small tensor as part of the graph. */
  constant(tensor: Tensor): Value {
    const value = this.#value({ dtype: tensor.dtype, shape: tensor.dims });
    this.#state.constants.push({ value, tensor });
    return value;
  }

  /** Adds a constant float32 []. */
  scalar(number: number): Value {
    return this.constant(floatTensor([], [number]));
  }

  /**
   * The dimensions of a value, one per letter: `const [B, N, D] = b.dims(x, "B N D")`. @throws {GraphError} on another
   * rank
   */
  dims<Letters extends string>(value: Value, letters: Letters): DimsOf<Letters> {
    const names = letters.split(" ");
    if (names.length !== value.shape.length)
      throw new GraphError(
        `at ${this.#scope}: expected [${names.join(", ")}], got ${formatShape(value.shape)}`,
      );
    return [...value.shape] as DimsOf<Letters>;
  }

  /** Adds any operation, by name. @throws {GraphError} if the types of the inputs do not fit */
  op<K extends OpKind>(kind: K, inputs: readonly Value[], attributes: OpAttributes[K]): Value {
    const output = this.#value(inferType(kind, inputs, attributes, this.#scope));
    // TypeScript cannot check one object literal against a union over a type parameter; K ties kind to attributes here.
    this.#state.nodes.push({ kind, attributes, inputs, output, scope: this.#scope } as Node);
    return output;
  }

  // Each method below adds one operation and returns its output. All throw a GraphError with the operation, the scope
  // and the types of the inputs if those do not fit. `[..., D]` means any rank with last dimension D.

  /**
   * a + b, elementwise: a [...], b [...] -> their broadcast shape. Shapes align at the last axis; dimensions are equal,
   * or 1 on one side.
   */
  add = (a: Value, b: Value): Value => this.op("add", [a, b], {});
  /** a - b, elementwise, broadcast as in `add`: a [...], b [...] -> their broadcast shape. */
  subtract = (a: Value, b: Value): Value => this.op("subtract", [a, b], {});
  /** a * b, elementwise, broadcast as in `add`: a [...], b [...] -> their broadcast shape. */
  multiply = (a: Value, b: Value): Value => this.op("multiply", [a, b], {});
  /** a / b, elementwise, broadcast as in `add`: a [...], b [...] -> their broadcast shape. */
  divide = (a: Value, b: Value): Value => this.op("divide", [a, b], {});
  /** The exact GELU, x (1 + erf(x / sqrt 2)) / 2 (arXiv 1606.08415), elementwise: [...] -> [...]. */
  gelu = (x: Value): Value => this.op("gelu", [x], {});
  /** max(0, x), elementwise: [...] -> [...]. */
  relu = (x: Value): Value => this.op("relu", [x], {});
  /** tanh x, elementwise: [...] -> [...]. */
  tanh = (x: Value): Value => this.op("tanh", [x], {});
  /** x converted to another element type: [...] -> [...]. Conversion to an integer type drops the fraction. */
  cast = (x: Value, to: DType): Value => this.op("cast", [x], { to });
  /** exp x, elementwise: [...] -> [...]. */
  exp = (x: Value): Value => this.op("exp", [x], {});
  /** The error function, elementwise: [...] -> [...]. */
  erf = (x: Value): Value => this.op("erf", [x], {});
  /** The square root, elementwise: [...] -> [...]. */
  sqrt = (x: Value): Value => this.op("sqrt", [x], {});
  /** 1 if x > 0, otherwise 0, elementwise: [...] -> [...]. */
  positive = (x: Value): Value => this.op("positive", [x], {});
  /** x itself, treated as a constant: [...] -> [...]. No gradient flows through it. */
  detach = (x: Value): Value => this.op("detach", [x], {});
  /**
   * The matrix product: a [..., M, L], b [..., L, N] -> [..., M, N]. The leading dimensions broadcast.
   * @param how `transposeA` and `transposeB` swap the last two axes before the product (a is then [..., L, M], b is
   * [..., N, L]); `scale` multiplies the product
   */
  matmul = (a: Value, b: Value, how: OpAttributes["matmul"] = {}): Value => this.op("matmul", [a, b], how);
  /** The mean over the last axis: [..., D] -> [...]. */
  mean = (x: Value): Value => this.op("mean", [x], {});
  /** The mean over the last axis, kept as size 1: [..., D] -> [..., 1]. */
  rowMean = (x: Value): Value => this.op("rowMean", [x], {});
  /**
   * The sum over the axes `axes`, counted from 0: [...] -> [...] without those axes. With `keep`, they stay with size
   * 1.
   */
  sum = (x: Value, axes: readonly number[], keep = false): Value => this.op("sum", [x], { axes, keep });
  /** Rows of a table at int64 ids: table [V, ...], ids [...] -> the ids' shape followed by a row's shape. */
  gather = (table: Value, ids: Value): Value => this.op("gather", [table, ids], {});
  /** One number per row: x [..., V] at int64 ids [...] -> [...]. */
  takeAlongLast = (x: Value, ids: Value): Value => this.op("takeAlongLast", [x, ids], {});
  /** Adds one number per row: x [..., V] plus values [...] at int64 ids [...] -> [..., V]. */
  addAlongLast = (x: Value, ids: Value, values: Value): Value =>
    this.op("addAlongLast", [x, ids, values], {});
  /** Adds rows to a table of zeros: values [..., ...] at int64 ids [...] -> [rows, ...]. Rows with equal ids add up. */
  scatterAdd = (ids: Value, values: Value, rows: Dim): Value =>
    this.op("scatterAdd", [ids, values], { rows });
  /**
   * -log softmax(x)[label] per row: x [..., V], int64 labels [...] from 0 to V - 1 -> [...]. To ignore a row, give it
   * any label and multiply its result by 0.
   * @param smoothing the share of the target spread over all of V, 0 to 1
   */
  crossEntropy = (x: Value, labels: Value, smoothing = 0): Value =>
    this.op("crossEntropy", [x, labels], { smoothing });
  /**
   * x itself for a second computation: [...] -> [...]. Nodes that read it are not merged with existing ones and start
   * only after `after`.
   */
  barrier = (x: Value, after?: Value): Value => this.op("barrier", after ? [x, after] : [x], {});
  /** x - log(sum(exp x)) over the last axis: [..., D] -> [..., D]. */
  logSoftmax = (x: Value): Value => this.op("logSoftmax", [x], {});
  /** exp(x) / sum(exp x) over the last axis: [..., D] -> [..., D]. */
  softmax = (x: Value): Value => this.op("softmax", [x], {});
  /** x / max(|x|, epsilon) over the last axis, as torch's normalize: [..., D] -> [..., D]. */
  l2Normalize = (x: Value, epsilon = 1e-12): Value => this.op("l2Normalize", [x], { epsilon });
  /** The same elements in another shape with as many elements: [...] -> `shape`. */
  reshape = (x: Value, shape: ShapeLike): Value => this.op("reshape", [x], { shape: toShape(shape) });
  /** Permutes axes: axis i of the output is axis permutation[i] of x [...]. */
  transpose = (x: Value, permutation: readonly number[]): Value => this.op("transpose", [x], { permutation });
  /**
   * The elements start to end - 1 along one axis, counted from 0: that axis of x [...] gets size end - start. A named
   * bound is assumed to lie within the axis.
   */
  slice = (x: Value, axis: number, start: Dim, end: Dim): Value =>
    this.op("slice", [x], { axis, start, end });
  /** Concatenates values along one axis: their sizes along it add up, and their other dimensions are equal. */
  concat = (values: readonly Value[], axis: number): Value => this.op("concat", values, { axis });
  /** Repeats x along its axes of size 1: [...] -> `shape`, of the same rank. */
  expand = (x: Value, shape: ShapeLike): Value => this.op("expand", [x], { shape: toShape(shape) });
  /**
   * softmax(q k^T scale + bias) v for each of `heads` groups of columns (arXiv 1706.03762, 3.2).
   * @param q [B, T, D]
   * @param k [B, N, D], or split into heads: [B, H, N, K]
   * @param v the same shape as k
   * @param bias [B or 1, H or 1, T, N], added to the scores; a mask consists of large negative numbers
   * @returns [B, T, D]
   */
  attention = (q: Value, k: Value, v: Value, heads: number, scale: number, bias?: Value): Value =>
    this.op("attention", bias ? [q, k, v, bias] : [q, k, v], { heads, scale });

  /**
   * x W^T + b: x [..., in] -> [..., out], with weights `name.weight` [out, in] and `name.bias` [out]. `in` must be a
   * number.
   */
  linear(x: Value, name: string, out: number): Value {
    const b = this.at(name);
    const weight = b.weight("weight", [out, b.#lastNumber(x)]);
    return b.op("linear", [x, weight, b.weight("bias", [out])], {});
  }

  /**
   * Layer normalization over the last axis: x [..., D] -> [..., D], with gain `name.weight` [D] and shift `name.bias`
   * [D]. D must be a number.
   */
  layerNorm(x: Value, name: string, epsilon: number): Value {
    const b = this.at(name);
    const width = b.#lastNumber(x);
    return b.op("layerNorm", [x, b.weight("weight", [width]), b.weight("bias", [width])], { epsilon });
  }

  /** Rows of the table `name.weight` [rows, width] at int64 ids: ids [...] -> [..., width]. */
  embedding(ids: Value, name: string, rows: number, width: number): Value {
    const b = this.at(name);
    return b.gather(b.weight("weight", [rows, width]), ids);
  }

  /**
   * Convolution over patches: pixels [B, C, S, S'] -> [B, D, S/p, S'/p], with `name.weight` [D, C, p, p] and
   * `name.bias` [D]. C and the sides must be numbers.
   */
  patchConvolution(pixels: Value, name: string, patch: number, width: number): Value {
    const b = this.at(name);
    const channels = pixels.shape[1];
    if (typeof channels !== "number") throw new GraphError(`at ${b.#scope}: the channels must be a number`);
    const weight = b.weight("weight", [width, channels, patch, patch]);
    return b.op("patchConvolution", [pixels, weight, b.weight("bias", [width])], { patch });
  }

  /** The graph so far. */
  build(): Graph {
    const { name, inputs, weights, constants, nodes, outputs } = this.#state;
    return {
      name,
      inputs: [...inputs],
      weights: [...weights.values()],
      constants: [...constants],
      nodes: [...nodes],
      outputs: [...outputs],
    };
  }

  #value(type: ValueType): Value {
    return { id: this.#state.nextId++, dtype: type.dtype, shape: type.shape };
  }

  #path(name: string): string {
    return this.#scope === "" ? name : `${this.#scope}.${name}`;
  }

  #lastNumber(x: Value): number {
    const last = x.shape.at(-1);
    if (typeof last !== "number")
      throw new GraphError(
        `at ${this.#scope}: the last dimension of ${formatShape(x.shape)} must be a number`,
      );
    return last;
  }
}
