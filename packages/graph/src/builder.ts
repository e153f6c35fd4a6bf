// The builder: what the network's code calls. Its scope is the path of the weights in the checkpoint, so that
// `b.at("encoder.layers.0").linear(x, "mlp.fc1", M)` uses `encoder.layers.0.mlp.fc1.weight` and `.bias`.
import { GraphError } from "./errors.ts";
import type {
  Constant,
  Graph,
  NamedValue,
  Node,
  OpAttributes,
  OpKind,
  Value,
  ValueType,
  Weight,
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

/** Shapes may be written with names: `["B", 3, 384, 384]`. */
export type ShapeLike = readonly (Dim | string)[];

const toShape = (shape: ShapeLike): Shape =>
  shape.map((dim) => (typeof dim === "string" ? namedDim(dim) : dim));

export class GraphBuilder {
  readonly #state: State;
  readonly #scope: string;

  private constructor(state: State, scope: string) {
    this.#state = state;
    this.#scope = scope;
  }

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

  /** The same graph, one scope deeper. */
  at(path: string): GraphBuilder {
    return new GraphBuilder(this.#state, this.#path(path));
  }

  input(name: string, dtype: DType, shape: ShapeLike): Value {
    const value = this.#value({ dtype, shape: toShape(shape) });
    this.#state.inputs.push({ name, value });
    return value;
  }

  output(name: string, value: Value): void {
    this.#state.outputs.push({ name, value });
  }

  /** The weight `scope.name`; asking twice gives the same value. */
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

  constant(tensor: Tensor): Value {
    const value = this.#value({ dtype: tensor.dtype, shape: tensor.dims });
    this.#state.constants.push({ value, tensor });
    return value;
  }

  scalar(number: number): Value {
    return this.constant(floatTensor([], [number]));
  }

  /** The dimensions of a value by the letters given: `const [B, N, D] = b.dims(x, "B N D")` throws on another rank. */
  dims(value: Value, letters: string): Dim[] {
    const names = letters.split(" ");
    if (names.length !== value.shape.length)
      throw new GraphError(
        `at ${this.#scope}: expected [${names.join(", ")}], found ${formatShape(value.shape)}`,
      );
    return [...value.shape];
  }

  op<K extends OpKind>(kind: K, inputs: readonly Value[], attributes: OpAttributes[K]): Value {
    const output = this.#value(inferType(kind, inputs, attributes, this.#scope));
    // One object literal cannot be checked against a union over a type parameter; K ties kind to attributes here.
    this.#state.nodes.push({ kind, attributes, inputs, output, scope: this.#scope } as Node);
    return output;
  }

  add = (a: Value, b: Value): Value => this.op("add", [a, b], {});
  subtract = (a: Value, b: Value): Value => this.op("subtract", [a, b], {});
  multiply = (a: Value, b: Value): Value => this.op("multiply", [a, b], {});
  divide = (a: Value, b: Value): Value => this.op("divide", [a, b], {});
  gelu = (x: Value): Value => this.op("gelu", [x], {});
  relu = (x: Value): Value => this.op("relu", [x], {});
  tanh = (x: Value): Value => this.op("tanh", [x], {});
  cast = (x: Value, to: DType): Value => this.op("cast", [x], { to });
  matmul = (a: Value, b: Value): Value => this.op("matmul", [a, b], {});
  mean = (x: Value): Value => this.op("mean", [x], {});
  pick = (x: Value, ids: Value): Value => this.op("pick", [x, ids], {});
  rows = (table: Value, ids: Value): Value => this.op("embedding", [table, ids], {});
  logSoftmax = (x: Value): Value => this.op("logSoftmax", [x], {});
  softmax = (x: Value): Value => this.op("softmax", [x], {});
  l2Normalize = (x: Value, epsilon = 1e-12): Value => this.op("l2Normalize", [x], { epsilon });
  reshape = (x: Value, shape: ShapeLike): Value => this.op("reshape", [x], { shape: toShape(shape) });
  transpose = (x: Value, permutation: readonly number[]): Value => this.op("transpose", [x], { permutation });
  slice = (x: Value, axis: number, start: number, end: number): Value =>
    this.op("slice", [x], { axis, start, end });
  concat = (values: readonly Value[], axis: number): Value => this.op("concat", values, { axis });
  expand = (x: Value, shape: ShapeLike): Value => this.op("expand", [x], { shape: toShape(shape) });
  attention = (q: Value, k: Value, v: Value, heads: number, scale: number, bias?: Value): Value =>
    this.op("attention", bias ? [q, k, v, bias] : [q, k, v], { heads, scale });

  /** x W^T + b with the weights `name.weight` [out, in] and `name.bias` [out]. */
  linear(x: Value, name: string, out: number): Value {
    const b = this.at(name);
    const weight = b.weight("weight", [out, b.#lastNumber(x)]);
    return b.op("linear", [x, weight, b.weight("bias", [out])], {});
  }

  /** Layer normalization with the gain `name.weight` and the shift `name.bias`. */
  layerNorm(x: Value, name: string, epsilon: number): Value {
    const b = this.at(name);
    const width = b.#lastNumber(x);
    return b.op("layerNorm", [x, b.weight("weight", [width]), b.weight("bias", [width])], { epsilon });
  }

  /** Rows of the table `name.weight` [rows, width] by ids. */
  embedding(ids: Value, name: string, rows: number, width: number): Value {
    const b = this.at(name);
    return b.op("embedding", [b.weight("weight", [rows, width]), ids], {});
  }

  /** Non-overlapping patches of pixels through `name.weight` [D, 3, p, p] and `name.bias` [D]. */
  patchConvolution(pixels: Value, name: string, patch: number, width: number): Value {
    const b = this.at(name);
    const channels = pixels.shape[1];
    if (typeof channels !== "number") throw new GraphError(`at ${b.#scope}: the channels must be a number`);
    const weight = b.weight("weight", [width, channels, patch, patch]);
    return b.op("patchConvolution", [pixels, weight, b.weight("bias", [width])], { patch });
  }

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
