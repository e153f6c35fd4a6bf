// Writes a graph as an ONNX model. The weights stay in place as external data (byte ranges of files), or they are
// stored inside the model. See https://onnx.ai/onnx/intro/concepts.html, ONNX IR "external data".
import { create, toBinary } from "@bufbuild/protobuf";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  TensorProtoSchema,
  TensorProto_DataLocation as DataLocation,
  NodeProtoSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "./generated/onnx_pb.ts";
import { GraphError } from "../errors.ts";
import type { Graph, NamedValue, NodeOf, OpKind, Weight } from "../graph.ts";
import { formatDim } from "../types/dim.ts";
import { elementSize, sizeOf, type DType } from "../types/dtype.ts";
import { Emitter, microsoft, onnxDataType, type EmitOptions } from "./emitter.ts";
import { lowerings } from "./lowerings.ts";

/** The opset of ONNX's own operators that the lowerings use, and the version of the container. */
export const onnxOpset = 18;
const irVersion = 9n;

/** The place of a whole weight's bytes. `location` is ONNX's name of the file, relative to a folder. */
export interface WeightLocation {
  readonly location: string;
  readonly offset: number;
  /** The element type in the file. If it differs from the graph's, the values are cast when the model is loaded. */
  readonly dtype: DType;
}

/** A weight under its name in the model, without its bytes. */
interface NamedWeight {
  readonly stored: string;
  readonly weight: Weight;
  readonly dtype: DType;
}

/** A model and its graph, still without weights. */
interface Lowered {
  readonly model: ModelProto;
  readonly graph: GraphProto;
  readonly weights: readonly NamedWeight[];
}

function lowerGraph(graph: Graph, dtypeOf: (name: string) => DType, options: EmitOptions): Lowered {
  const emit = new Emitter(graph, options);
  for (const { name, value } of graph.inputs) emit.name(value, name);
  const weights = graph.weights.map((weight) => {
    const { value, name, rows } = weight;
    const stored = rows ? `${name}[${rows.start}:${rows.end}]` : name;
    const dtype = dtypeOf(name);
    // Integers have a meaning only with their scale: a cast would change the weights.
    if (dtype !== value.dtype && [dtype, value.dtype].some((type) => type === "int8" || type === "uint8"))
      throw new GraphError(`weight ${stored}: expected ${value.dtype}, got ${dtype} in the file`);
    if (dtype === value.dtype) emit.name(value, stored);
    else {
      const attributes = { to: BigInt(onnxDataType[value.dtype]) };
      emit.name(value, emit.node("Cast", [stored], { attributes, output: `${stored}:${value.dtype}` }));
    }
    return { stored, weight, dtype };
  });
  for (const { value, tensor } of graph.constants) emit.name(value, emit.constant(tensor));
  // A node writes its output directly under its public name; only a second name needs a copy.
  const named = new Map(graph.outputs.map(({ name, value }) => [value.id, name]));
  for (const node of graph.nodes) lower(emit, node, named.get(node.output.id));
  for (const { name, value } of graph.outputs)
    if (emit.nameOf(value) !== name) emit.node("Identity", [emit.nameOf(value)], { output: name });
  const nodes = options.leavesLast === true ? leavesLast(emit.nodes) : [...emit.nodes];
  const { sequenceFirst } = options;
  const [first] = graph.outputs;
  const outputs = graph.outputs.map(valueInfo);
  if (sequenceFirst !== undefined && first) {
    // The sequence goes after the leaves: if the first output is a loss, the walk starts with it, as without the
    // sequence.
    nodes.push(
      create(NodeProtoSchema, { opType: "SequenceConstruct", input: [first.name], output: [sequenceFirst] }),
    );
    outputs.unshift(sequenceInfo(sequenceFirst, first));
  }
  const contributed = nodes.some(({ domain }) => domain === microsoft);
  const lowered = create(GraphProtoSchema, {
    name: graph.name,
    node: nodes,
    initializer: emit.initializers,
    input: graph.inputs.map(valueInfo),
    output: outputs,
  });
  const model = create(ModelProtoSchema, {
    irVersion,
    producerName: "blip-ts",
    opsetImport: [
      { domain: "", version: BigInt(onnxOpset) },
      ...(contributed ? [{ domain: microsoft, version: 1n }] : []),
    ],
  });
  return { model, graph: lowered, weights };
}

/**
 * Serializes the model with external weights.
 * @param locate returns the place of a checkpoint's weight, by its path
 */
export function emitOnnx(
  graph: Graph,
  locate: (name: string) => WeightLocation,
  options: EmitOptions = {},
): Uint8Array<ArrayBuffer> {
  const { model, graph: lowered, weights } = lowerGraph(graph, (name) => locate(name).dtype, options);
  for (const { stored, weight } of weights)
    lowered.initializer.push(externalTensor(stored, weight, locate(weight.name)));
  model.graph = lowered;
  return toBinary(ModelProtoSchema, model);
}

/** The names of the contributed operators (domain com.microsoft) in the lowered graph. */
export function contributedOperators(graph: Graph, options: EmitOptions = {}): string[] {
  const types = new Map(graph.weights.map(({ name, value }) => [name, value.dtype]));
  const { node } = lowerGraph(graph, (name) => types.get(name) ?? "float32", options).graph;
  return [...new Set(node.flatMap(({ domain, opType }) => (domain === microsoft ? [opType] : [])))].sort();
}

/** A range of a checkpoint weight's bytes, which the writer of the model inserts. */
export interface WeightBytes {
  readonly name: string;
  /** The offset within the whole weight. */
  readonly offset: number;
  readonly length: number;
}

/** A part of a serialized model. Chunks are written in order. */
export type OnnxChunk = Uint8Array<ArrayBuffer> | WeightBytes;

/**
 * Serializes the model with its weights inside. The result is chunks, so that the weights need not be in memory
 * together.
 * @param dtypeOf the element type of each weight's bytes
 */
export function emitSelfContained(
  graph: Graph,
  dtypeOf: (name: string) => DType,
  options: EmitOptions = {},
): OnnxChunk[] {
  const { model, graph: lowered, weights } = lowerGraph(graph, dtypeOf, options);
  const { initializer } = GraphProtoSchema.field;
  const initializers = weights.flatMap(({ stored, weight, dtype }): OnnxChunk[] => {
    const { dims, offset, length } = rangeOf(weight, dtype);
    const head = toBinary(
      TensorProtoSchema,
      create(TensorProtoSchema, { name: stored, dims, dataType: onnxDataType[dtype] }),
    );
    const data = fieldHead(TensorProtoSchema.field.rawData.number, length);
    const tensor = [head, data, { name: weight.name, offset, length }];
    return [fieldHead(initializer.number, lengthOf(tensor)), ...tensor];
  });
  const whole = [toBinary(GraphProtoSchema, lowered), ...initializers];
  return [
    toBinary(ModelProtoSchema, model),
    fieldHead(ModelProtoSchema.field.graph.number, lengthOf(whole)),
    ...whole,
  ];
}

/** The total size of chunks in bytes. */
export const lengthOf = (chunks: readonly OnnxChunk[]): number =>
  chunks.reduce((sum, { length }) => sum + length, 0);

/**
 * The start of a length-delimited field: its number with wire type 2, and its length. See
 * protobuf.dev/programming-guides/encoding
 */
function fieldHead(number: number, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([...varint(number * 8 + 2), ...varint(length)]);
}

/** Seven bits per byte, lowest first. All bytes but the last have their highest bit set. */
function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

/** Moves nodes whose outputs no node reads to the end, in reverse order. */
function leavesLast(nodes: readonly NodeProto[]): NodeProto[] {
  const read = new Set(nodes.flatMap(({ input }) => input));
  const isRead = ({ output }: NodeProto) => output.some((name) => read.has(name));
  return [...nodes.filter(isRead), ...nodes.filter((node) => !isRead(node)).reverse()];
}

function lower<K extends OpKind>(emit: Emitter, node: NodeOf<K>, outputName: string | undefined): void {
  // A LayerNormalization has already output this statistic.
  if (emit.has(node.output)) return;
  const name = outputName ?? emit.fresh(node.scope === "" ? node.kind : `${node.scope}.${node.kind}`);
  const output = emit.name(node.output, name);
  lowerings[node.kind](emit, node, output);
}

/** The number of rows of a shape. A scalar has one row. */
const rowsOf = ([rows = 1]: readonly number[]): number => rows;

function rangeOf({ shape, rows }: Weight, dtype: DType) {
  const rowBytes = sizeOf(shape.slice(1)) * elementSize[dtype];
  const { start, end } = rows ?? { start: 0, end: rowsOf(shape) };
  const dims = (rows ? [end - start, ...shape.slice(1)] : shape).map(BigInt);
  return { dims, offset: start * rowBytes, length: (end - start) * rowBytes };
}

function externalTensor(
  name: string,
  weight: Weight,
  { location, offset: begin, dtype }: WeightLocation,
): TensorProto {
  const { dims, offset, length } = rangeOf(weight, dtype);
  const entries = { location, offset: begin + offset, length };
  return create(TensorProtoSchema, {
    name,
    dims,
    dataType: onnxDataType[dtype],
    dataLocation: DataLocation.EXTERNAL,
    externalData: Object.entries(entries).map(([key, value]) => ({ key, value: String(value) })),
  });
}

function sequenceInfo(name: string, { value }: NamedValue): ValueInfoProto {
  const elemType = create(TypeProtoSchema, {
    value: { case: "tensorType", value: { elemType: onnxDataType[value.dtype] } },
  });
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: "sequenceType", value: { elemType } } },
  });
}

function valueInfo({ name, value }: NamedValue): ValueInfoProto {
  const dim = value.shape.map((size) =>
    typeof size === "number"
      ? { value: { case: "dimValue" as const, value: BigInt(size) } }
      : { value: { case: "dimParam" as const, value: formatDim(size) } },
  );
  return create(ValueInfoProtoSchema, {
    name,
    type: {
      value: { case: "tensorType", value: { elemType: onnxDataType[value.dtype], shape: { dim } } },
    },
  });
}
