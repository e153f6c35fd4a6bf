// The target of the lowerings: nodes, small constants and shape vectors of the ONNX graph under construction.
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

/** ONNX's numbers of the element types. */
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

/** Attributes as integers or lists of integers. `float` marks an ONNX float, `text` an ONNX string. */
export type OnnxAttributes = Readonly<
  Record<string, bigint | readonly bigint[] | { readonly float: number } | { readonly text: string }>
>;

/** The domain of the contributed operators. All other operators are ONNX's own. */
export const microsoft = "com.microsoft";

/** Options of the lowering. */
export interface EmitOptions {
  /** Uses only ONNX's own operators, even if ONNX Runtime's contributed ones are faster. */
  readonly standardOperators?: boolean | undefined;
  /** Builds LogSoftmax from smaller operators, for devices without a LogSoftmax kernel. */
  readonly plainLogSoftmax?: boolean | undefined;
  /**
   * Writes nodes that no other node reads last, in reverse order. ONNX Runtime orders nodes by a walk from the last of
   * them. Gradients of weights are then computed next to their inputs instead of at the end, which would keep all those
   * inputs in memory.
   */
  readonly leavesLast?: boolean | undefined;
  /**
   * Adds an output of this name before the others: a sequence that holds the graph's first output. onnxruntime-node
   * 1.30 does not convert sequences and stops there, so it does not copy outputs that it has written in place.
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

  /** Sets a value's name in the ONNX graph. */
  name(value: Value, name: string): string {
    this.#names.set(value.id, name);
    return name;
  }

  nameOf(value: Value): string {
    const name = this.#names.get(value.id);
    if (name === undefined) throw new GraphError(`value ${value.id} has no ONNX name`);
    return name;
  }

  /** Whether the value already has a name, that is, a node that outputs it. */
  has(value: Value): boolean {
    return this.#names.has(value.id);
  }

  /**
   * Names for the second and third output of a LayerNormalization, the mean and 1 / std of its rows, if the graph has
   * nodes for these values. Those nodes are then not emitted.
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

  /** Adds a node and returns the name of its (first) output. A missing optional input is "". */
  node(
    opType: string,
    input: readonly string[],
    options: {
      attributes?: OnnxAttributes;
      output?: string;
      domain?: string;
      /** The further outputs of an operator with several. */
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

  /** Adds a small tensor stored inside the model. */
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
   * A shape as an int64 vector for Reshape. If at most one dimension is named, it is a constant with -1 there.
   * Otherwise nodes compute it from the dimensions of the graph's inputs.
   */
  reshapeTarget(shape: Shape): string {
    const open = shape.filter((dim) => typeof dim !== "number");
    if (open.length <= 1) return this.int64Vector(shape.map((dim) => (typeof dim === "number" ? dim : -1)));
    // Computing a product such as B*T/I costs nodes, so Reshape infers that dimension.
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

  /** A dimension as a vector of length 1: read from an input, or computed from such by products, quotients and sums. */
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
          // Products come first: a quotient of dimensions is an integer only after everything is multiplied.
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

  /** The name that `make` returns, computed once per key, so that several nodes share it. */
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
