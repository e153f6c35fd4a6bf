// What the lowerings write into: nodes, small constants and shape vectors of the ONNX graph that is being made.
import { must } from "@blip-ts/base";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  NodeProtoSchema,
  TensorProtoSchema,
  TensorProto_DataType as DataType,
  type AttributeProto,
  type NodeProto,
  type TensorProto,
} from "./generated/onnx_pb.ts";
import { GraphError } from "../errors.ts";
import type { Graph, NodeOf, OpKind, Value } from "../graph.ts";
import { formatDim, formatShape, plainName, type Dim, type Shape } from "../types/dim.ts";
import { int64Tensor, type DType, type Tensor } from "../types/dtype.ts";

/** ONNX's numbers for the element types. */
export const onnxDataType: Readonly<Record<DType, DataType>> = {
  float32: DataType.FLOAT,
  float16: DataType.FLOAT16,
  bfloat16: DataType.BFLOAT16,
  float64: DataType.DOUBLE,
  int64: DataType.INT64,
  int32: DataType.INT32,
  int8: DataType.INT8,
  uint8: DataType.UINT8,
  bool: DataType.BOOL,
};

/** Attributes as numbers or lists of whole numbers; `float` marks what ONNX wants as a float, `text` what as a string. */
export type OnnxAttributes = Readonly<
  Record<string, bigint | readonly bigint[] | { readonly float: number } | { readonly text: string }>
>;

/** The contributed operators' domain; the others are ONNX's own. */
export const microsoft = "com.microsoft";

/** How a graph is lowered. */
export interface EmitOptions {
  /** Uses ONNX's own operators alone, where ONNX Runtime's contributed ones would be faster. */
  readonly standardOperators?: boolean | undefined;
  /** Makes LogSoftmax of smaller operators, for devices without a kernel of it. */
  readonly plainLogSoftmax?: boolean | undefined;
  /**
   * Writes nodes that no other reads last, and those in reverse. ONNX Runtime orders nodes by a walk from the last of
   * them: gradients of weights are then made where their inputs are, instead of all of them at the end, when everything
   * that they read would have had to be kept.
   */
  readonly leavesLast?: boolean | undefined;
  /**
   * Adds an output of this name before the others: a sequence that holds the graph's first output. onnxruntime-node 1.30
   * converts no sequence and stops there, so that it does not copy what it has written in place.
   */
  readonly sequenceFirst?: string | undefined;
}

export class Emitter {
  readonly options: EmitOptions;
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  readonly #names = new Map<number, string>();
  readonly #vectors = new Map<string, string>();
  readonly #statistics: Readonly<Record<"rowMean" | "rowInverseStd", readonly NodeOf<OpKind>[]>>;
  readonly #dimensions = new Map<string, { readonly input: string; readonly axis: number }>();
  #count = 0;

  constructor(graph: Graph, options: EmitOptions) {
    this.options = options;
    const of = (kind: OpKind) => graph.nodes.filter((node) => node.kind === kind);
    this.#statistics = { rowMean: of("rowMean"), rowInverseStd: of("rowInverseStd") };
    for (const { name, value } of graph.inputs)
      value.shape.forEach((dim, axis) => {
        const letter = plainName(dim);
        if (letter !== undefined && !this.#dimensions.has(letter))
          this.#dimensions.set(letter, { input: name, axis });
      });
  }

  /** Gives a value the name under which the ONNX graph knows it. */
  name(value: Value, name: string): string {
    this.#names.set(value.id, name);
    return name;
  }

  nameOf(value: Value): string {
    const name = this.#names.get(value.id);
    if (name === undefined) throw new GraphError(`value ${value.id} has no ONNX name`);
    return name;
  }

  /** Whether something was written that gives the value. */
  has(value: Value): boolean {
    return this.#names.has(value.id);
  }

  /**
   * Names for the second and the third output of a LayerNormalization, the mean and 1 / std of its rows, where the graph
   * has nodes that give them: these need no nodes of their own then.
   */
  statisticsOf({ inputs: [x], attributes }: NodeOf<"layerNorm">): string[] {
    const reads = (node: NodeOf<OpKind>) => node.inputs[0]?.id === x?.id && !this.has(node.output);
    const mean = this.#statistics.rowMean.find(reads)?.output;
    const inverse = this.#statistics.rowInverseStd.find(
      (node) => reads(node) && "epsilon" in node.attributes && node.attributes.epsilon === attributes.epsilon,
    )?.output;
    const names = [mean, inverse].map((value) => (value ? this.name(value, this.fresh("statistic")) : ""));
    return inverse ? names : names.filter((name) => name !== "");
  }

  fresh(stem: string): string {
    return `${stem}#${this.#count++}`;
  }

  /** Adds a node and returns the name of its (first) output. Missing optional inputs are "". */
  node(
    opType: string,
    input: readonly string[],
    options: {
      attributes?: OnnxAttributes;
      output?: string;
      domain?: string;
      /** Further outputs, of an operator that has several. */
      more?: readonly string[];
    } = {},
  ): string {
    const output = options.output ?? this.fresh(opType);
    const attribute = Object.entries(options.attributes ?? {}).map(([name, value]) =>
      toAttribute(name, value),
    );
    const { domain = "", more = [] } = options;
    this.nodes.push(
      create(NodeProtoSchema, {
        opType,
        name: output,
        input: [...input],
        output: [output, ...more],
        attribute,
        domain,
      }),
    );
    return output;
  }

  /** A small tensor that travels inside the model. */
  constant(tensor: Tensor, name = this.fresh("constant")): string {
    const { buffer, byteOffset, byteLength } = tensor.data;
    this.initializers.push(
      create(TensorProtoSchema, {
        name,
        dims: tensor.dims.map(BigInt),
        dataType: onnxDataType[tensor.dtype],
        rawData: new Uint8Array(buffer, byteOffset, byteLength).slice(),
      }),
    );
    return name;
  }

  int64Vector(values: readonly number[]): string {
    return this.#cached(`const:${values.join(",")}`, () =>
      this.constant(int64Tensor([values.length], values)),
    );
  }

  /**
   * A shape as an int64 vector: a constant where at most one dimension is named (that one is left to Reshape, -1),
   * else put together from the dimensions of the graph's inputs.
   */
  reshapeTarget(shape: Shape): string {
    const open = shape.filter((dim) => typeof dim !== "number");
    if (open.length <= 1) return this.int64Vector(shape.map((dim) => (typeof dim === "number" ? dim : -1)));
    // A product such as B*T/I costs nodes to compute: it is the one that Reshape finds out.
    const inferred = open.find((dim) => plainName(dim) === undefined) ?? open.at(-1);
    return this.#shapeVector(shape, inferred);
  }

  /** A shape as an int64 vector without -1, for Expand. */
  exactShape(shape: Shape): string {
    return this.#shapeVector(shape, undefined);
  }

  #shapeVector(shape: Shape, inferred: Dim | undefined): string {
    const key = `shape:${formatShape(shape)}:${inferred === undefined ? "" : formatDim(inferred)}`;
    return this.#cached(key, () => {
      let left = inferred;
      const parts = shape.map((dim) => {
        if (typeof dim === "number") return this.int64Vector([dim]);
        if (dim === left) {
          left = undefined;
          return this.int64Vector([-1]);
        }
        return this.#dimension(dim);
      });
      return parts.length === 1 ? must(parts, 0) : this.node("Concat", parts, { attributes: { axis: 0n } });
    });
  }

  /** A dimension as a vector of one: that of an input, or put together from such by products, quotients and sums. */
  #dimension(dim: Dim): string {
    if (typeof dim === "number") return this.int64Vector([dim]);
    return this.#cached(`dim:${formatDim(dim)}`, () =>
      dim.terms
        .map(({ coefficient, powers }) => {
          const factors = Object.entries(powers).flatMap(([letter, power]) =>
            Array.from({ length: Math.abs(power) }, () => ({
              vector: this.#letter(letter),
              divides: power < 0,
            })),
          );
          // Products first: a quotient of dimensions is whole only once everything is multiplied.
          factors.sort((a, b) => Number(a.divides) - Number(b.divides));
          const [first, ...others] =
            coefficient === 1 && factors[0]?.divides === false
              ? factors
              : [{ vector: this.int64Vector([coefficient]), divides: false }, ...factors];
          return others.reduce(
            (product, { vector, divides }) => this.node(divides ? "Div" : "Mul", [product, vector]),
            first?.vector ?? "",
          );
        })
        .reduce((sum, term) => this.node("Add", [sum, term])),
    );
  }

  #letter(letter: string): string {
    const place = this.#dimensions.get(letter);
    if (place === undefined) throw new GraphError(`the dimension ${letter} is not that of an input`);
    return this.#cached(`letter:${letter}`, () =>
      this.node("Shape", [place.input], {
        attributes: { start: BigInt(place.axis), end: BigInt(place.axis + 1) },
      }),
    );
  }

  /** The name that `make` gives, made once for the key: what several nodes share. */
  shared(key: string, make: () => string): string {
    return this.#cached(key, make);
  }

  #cached(key: string, make: () => string): string {
    const known = this.#vectors.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#vectors.set(key, made);
    return made;
  }
}

function toAttribute(name: string, value: OnnxAttributes[string]): AttributeProto {
  const fields: MessageInitShape<typeof AttributeProtoSchema> =
    typeof value === "bigint"
      ? { type: AttributeType.INT, i: value }
      : "float" in value
        ? { type: AttributeType.FLOAT, f: value.float }
        : "text" in value
          ? { type: AttributeType.STRING, s: Uint8Array.from(value.text, (letter) => letter.charCodeAt(0)) }
          : { type: AttributeType.INTS, ints: [...value] };
  return create(AttributeProtoSchema, { ...fields, name });
}
