// The builder: what the network's code calls. Its scope is the path of the weights in the checkpoint, so that
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

/** A dimension per letter. */
type DimsOf<Letters extends string> = Letters extends `${string} ${infer Rest}`
  ? [Dim, ...DimsOf<Rest>]
  : [Dim];

/** Shapes may be written with names: `["B", 3, 384, 384]`. */
export type ShapeLike = readonly (Dim | string)[];

const toShape = (shape: ShapeLike): Shape =>
  shape.map((dim) => (typeof dim === "string" ? namedDim(dim) : dim));

/**
 * Builds a graph by calls: each adds an operation and gives its value. Shapes are checked at once.
 * @throws {GraphError} naming the operation, the scope and the types, if they do not fit
 */
export class GraphBuilder {
  readonly #state: State;
  readonly #scope: string;

  private constructor(state: State, scope: string) {
    this.#state = state;
    this.#scope = scope;
  }

  /** An empty graph. */
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
   * Goes on with a graph: its values keep their ids, so that they can be used; the graph itself stays as it is.
   * @param ids a graph whose ids are not given again either
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

  /** A node of another graph over the same values, as it is. */
  append(node: Node): void {
    this.#state.nodes.push(node);
  }

  /** The path of what is added now, "" at the top. */
  get scope(): string {
    return this.#scope;
  }

  /** How many nodes there are. */
  get nodeCount(): number {
    return this.#state.nodes.length;
  }

  /** The same graph, one scope deeper. */
  at(path: string): GraphBuilder {
    return new GraphBuilder(this.#state, this.#path(path));
  }

  /** What the caller gives at every run; a letter in a shape is the same number in all inputs of a run. */
  input(name: string, dtype: DType, shape: ShapeLike): Value {
    const value = this.#value({ dtype, shape: toShape(shape) });
    this.#state.inputs.push({ name, value });
    return value;
  }

  /** What the caller gets. */
  output(name: string, value: Value): void {
    this.#state.outputs.push({ name, value });
  }

  /** The weight `scope.name` of the checkpoint, float32; asking twice gives the same value. @throws {GraphError} on another shape. */
  weight(name: string, shape: readonly number[]): Value {
    const path = this.#path(name);
    const known = this.#state.weights.get(path);
    if (known) {
      if (!sameShape(known.shape, shape))
        throw new GraphError(
          `weight ${path}: asked for as ${formatShape(known.shape)} and as ${formatShape(shape)}`,
        );
      return known.value;
    }
    const value = this.#value({ dtype: "float32", shape });
    this.#state.weights.set(path, { name: path, value, shape });
    return value;
  }

  /** A small tensor that is part of the graph. */
  constant(tensor: Tensor): Value {
    const value = this.#value({ dtype: tensor.dtype, shape: tensor.dims });
    this.#state.constants.push({ value, tensor });
    return value;
  }

  /** A constant float32 []. */
  scalar(number: number): Value {
    return this.constant(floatTensor([], [number]));
  }

  /** The dimensions of a value by the letters given: `const [B, N, D] = b.dims(x, "B N D")` throws on another rank. */
  dims<Letters extends string>(value: Value, letters: Letters): DimsOf<Letters> {
    const names = letters.split(" ");
    if (names.length !== value.shape.length)
      throw new GraphError(
        `at ${this.#scope}: expected [${names.join(", ")}], found ${formatShape(value.shape)}`,
      );
    return [...value.shape] as DimsOf<Letters>;
  }

  /** Any operation, by name. @throws {GraphError} where the types of the inputs do not fit. */
  op<K extends OpKind>(kind: K, inputs: readonly Value[], attributes: OpAttributes[K]): Value {
    const output = this.#value(inferType(kind, inputs, attributes, this.#scope));
    // One object literal cannot be checked against a union over a type parameter; K ties kind to attributes here.
    this.#state.nodes.push({ kind, attributes, inputs, output, scope: this.#scope } as Node);
    return output;
  }

  // Each method below adds one operation and gives its output. All throw GraphError, naming the operation, the scope and
  // the types of the inputs, where those do not fit. `[..., D]` is a value of any rank whose last dimension is D.

  /** a + b, element by element; dimensions are equal, or 1 on one side, aligned at the last axis. */
  add = (a: Value, b: Value): Value => this.op("add", [a, b], {});
  /** a - b, broadcast as in `add`. */
  subtract = (a: Value, b: Value): Value => this.op("subtract", [a, b], {});
  /** a * b, broadcast as in `add`. */
  multiply = (a: Value, b: Value): Value => this.op("multiply", [a, b], {});
  /** a / b, broadcast as in `add`. */
  divide = (a: Value, b: Value): Value => this.op("divide", [a, b], {});
  /** x (1 + erf(x / sqrt 2)) / 2, the exact GELU (arXiv 1606.08415), element by element. */
  gelu = (x: Value): Value => this.op("gelu", [x], {});
  /** max(0, x), element by element. */
  relu = (x: Value): Value => this.op("relu", [x], {});
  /** tanh x, element by element. */
  tanh = (x: Value): Value => this.op("tanh", [x], {});
  /** x in another element type; floats lose their fraction as whole numbers. */
  cast = (x: Value, to: DType): Value => this.op("cast", [x], { to });
  /** exp x, element by element. */
  exp = (x: Value): Value => this.op("exp", [x], {});
  /** The error function, element by element. */
  erf = (x: Value): Value => this.op("erf", [x], {});
  /** The square root, element by element. */
  sqrt = (x: Value): Value => this.op("sqrt", [x], {});
  /** 1 where x > 0, else 0. */
  positive = (x: Value): Value => this.op("positive", [x], {});
  /** x itself as a number that was given: no gradient passes. */
  detach = (x: Value): Value => this.op("detach", [x], {});
  /**
   * a [..., M, L] times b [..., L, N] -> [..., M, N]; the dimensions before broadcast.
   * @param how whether either is transposed before (a is then [..., L, M], b [..., N, L]), and a factor of the product
   */
  matmul = (a: Value, b: Value, how: OpAttributes["matmul"] = {}): Value => this.op("matmul", [a, b], how);
  /** The mean over the last axis, which goes: [..., D] -> [...]. */
  mean = (x: Value): Value => this.op("mean", [x], {});
  /** The mean over the last axis, which stays: [..., D] -> [..., 1]. */
  rowMean = (x: Value): Value => this.op("rowMean", [x], {});
  /** The sum over some axes, counted from 0; they go, or stay as 1 where `keep` says so. */
  sum = (x: Value, axes: readonly number[], keep = false): Value => this.op("sum", [x], { axes, keep });
  /** Rows of a table [V, ...] by int64 ids [...]: the ids' shape, then a row's. */
  gather = (table: Value, ids: Value): Value => this.op("gather", [table, ids], {});
  /** One number of each row: x [..., V] at int64 ids [...] -> [...]. */
  takeAlongLast = (x: Value, ids: Value): Value => this.op("takeAlongLast", [x, ids], {});
  /** x [..., V] with values [...] added at int64 ids [...], one a row. */
  addAlongLast = (x: Value, ids: Value, values: Value): Value =>
    this.op("addAlongLast", [x, ids, values], {});
  /** A table [rows, ...] of zeros to which rows [..., ...] are added at int64 ids [...], those of equal ids together. */
  scatterAdd = (ids: Value, values: Value, rows: Dim): Value =>
    this.op("scatterAdd", [ids, values], { rows });
  /**
   * -log softmax(x)[label] for each row: x [..., V], int64 labels [...] from 0 to V - 1 -> [...]. A row that does not
   * count has any label and is multiplied with 0 afterwards.
   * @param smoothing share of the target that is spread over all of V, 0 to 1
   */
  crossEntropy = (x: Value, labels: Value, smoothing = 0): Value =>
    this.op("crossEntropy", [x, labels], { smoothing });
  /** x itself, of which things are computed anew: they are not merged with what is there, nor begun before `after` is. */
  barrier = (x: Value, after?: Value): Value => this.op("barrier", after ? [x, after] : [x], {});
  /** x - log(sum(exp x)) over the last axis. */
  logSoftmax = (x: Value): Value => this.op("logSoftmax", [x], {});
  /** exp(x) / sum(exp x) over the last axis. */
  softmax = (x: Value): Value => this.op("softmax", [x], {});
  /** x / max(|x|, epsilon) over the last axis, as torch's normalize. */
  l2Normalize = (x: Value, epsilon = 1e-12): Value => this.op("l2Normalize", [x], { epsilon });
  /** The same elements in another shape, which has as many. */
  reshape = (x: Value, shape: ShapeLike): Value => this.op("reshape", [x], { shape: toShape(shape) });
  /** Axis i of the output is axis permutation[i] of x. */
  transpose = (x: Value, permutation: readonly number[]): Value => this.op("transpose", [x], { permutation });
  /** Elements start to end - 1 along one axis, counted from 0; a named bound is taken to lie within it. */
  slice = (x: Value, axis: number, start: Dim, end: Dim): Value =>
    this.op("slice", [x], { axis, start, end });
  /** Values one after another along one axis; their other dimensions are equal. */
  concat = (values: readonly Value[], axis: number): Value => this.op("concat", values, { axis });
  /** Repeats x along its axes of size 1; the rank stays. */
  expand = (x: Value, shape: ShapeLike): Value => this.op("expand", [x], { shape: toShape(shape) });
  /**
   * softmax(q k^T scale + bias) v for each of `heads` groups of columns (arXiv 1706.03762, 3.2).
   * @param q [B, T, D]
   * @param k [B, N, D], or in heads [B, H, N, K]
   * @param v as k
   * @param bias [B or 1, H or 1, T, N], added to the scores; a mask is one of large negative numbers
   * @returns [B, T, D]
   */
  attention = (q: Value, k: Value, v: Value, heads: number, scale: number, bias?: Value): Value =>
    this.op("attention", bias ? [q, k, v, bias] : [q, k, v], { heads, scale });

  /** x [..., in] -> x W^T + b [..., out] with the weights `name.weight` [out, in] and `name.bias` [out]; `in` is a number. */
  linear(x: Value, name: string, out: number): Value {
    const b = this.at(name);
    const weight = b.weight("weight", [out, b.#lastNumber(x)]);
    return b.op("linear", [x, weight, b.weight("bias", [out])], {});
  }

  /** Layer normalization over the last axis, a number D, with `name.weight` [D] as gain and `name.bias` [D] as shift. */
  layerNorm(x: Value, name: string, epsilon: number): Value {
    const b = this.at(name);
    const width = b.#lastNumber(x);
    return b.op("layerNorm", [x, b.weight("weight", [width]), b.weight("bias", [width])], { epsilon });
  }

  /** Rows of the table `name.weight` [rows, width] by int64 ids [...] -> [..., width]. */
  embedding(ids: Value, name: string, rows: number, width: number): Value {
    const b = this.at(name);
    return b.gather(b.weight("weight", [rows, width]), ids);
  }

  /** Patches of pixels [B, C, S, S'] through `name.weight` [D, C, p, p] and `name.bias` [D] -> [B, D, S/p, S'/p]; C and sides are numbers. */
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
