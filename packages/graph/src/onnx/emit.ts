// A graph as an ONNX model whose weights stay where they are: initializers are external data, byte ranges of the
// checkpoint's own files. https://onnx.ai/onnx/intro/concepts.html, ONNX IR "external data".
import { create, toBinary } from "@bufbuild/protobuf";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  TensorProtoSchema,
  TensorProto_DataLocation as DataLocation,
  ValueInfoProtoSchema,
  type TensorProto,
  type ValueInfoProto,
} from "onnx-buf";
import type { Graph, NamedValue, NodeOf, OpKind, Weight } from "../graph.ts";
import { formatDim } from "../types/dim.ts";
import { elementSize, sizeOf, type DType } from "../types/dtype.ts";
import { Emitter, microsoft, onnxDataType } from "./emitter.ts";
import { lowerings } from "./lowerings.ts";

/** The opset of ONNX's own operators that the lowerings speak, and the version of the container. */
export const onnxOpset = 18;
const irVersion = 9n;

/** Where the bytes of a whole weight lie: `location` is what ONNX calls the file, relative to a folder. */
export interface WeightLocation {
  readonly location: string;
  readonly offset: number;
  /** The type in the file; other types than the graph's are cast when the model is loaded. */
  readonly dtype: DType;
}

/**
 * The serialized model.
 * @param locate where each weight of the checkpoint lies, by its path.
 */
export function emitOnnx(graph: Graph, locate: (name: string) => WeightLocation): Uint8Array<ArrayBuffer> {
  const emit = new Emitter(graph);
  for (const { name, value } of graph.inputs) emit.name(value, name);
  for (const weight of graph.weights) {
    const { value, name, rows } = weight;
    const stored = rows ? `${name}[${rows.start}:${rows.end}]` : name;
    const location = locate(name);
    emit.initializers.push(externalTensor(stored, weight, location));
    if (location.dtype === value.dtype) emit.name(value, stored);
    else {
      const attributes = { to: BigInt(onnxDataType[value.dtype]) };
      emit.name(value, emit.node("Cast", [stored], { attributes, output: `${stored}:${value.dtype}` }));
    }
  }
  for (const { value, tensor } of graph.constants) emit.name(value, emit.constant(tensor));
  for (const node of graph.nodes) lower(emit, node);
  for (const { name, value } of graph.outputs) emit.node("Identity", [emit.nameOf(value)], { output: name });
  const model = create(ModelProtoSchema, {
    irVersion,
    producerName: "blip-ts",
    opsetImport: [
      { domain: "", version: BigInt(onnxOpset) },
      { domain: microsoft, version: 1n },
    ],
    graph: create(GraphProtoSchema, {
      name: graph.name,
      node: emit.nodes,
      initializer: emit.initializers,
      input: graph.inputs.map(valueInfo),
      output: graph.outputs.map(valueInfo),
    }),
  });
  return toBinary(ModelProtoSchema, model);
}

function lower<K extends OpKind>(emit: Emitter, node: NodeOf<K>): void {
  const output = emit.name(
    node.output,
    emit.fresh(node.scope === "" ? node.kind : `${node.scope}.${node.kind}`),
  );
  lowerings[node.kind](emit, node, output);
}

function externalTensor(
  name: string,
  weight: Weight,
  { location, offset, dtype }: WeightLocation,
): TensorProto {
  const rowBytes = sizeOf(weight.shape.slice(1)) * elementSize[dtype];
  const { start, end } = weight.rows ?? { start: 0, end: weight.shape[0] ?? 1 };
  const entries = { location, offset: offset + start * rowBytes, length: (end - start) * rowBytes };
  const dims = weight.rows ? [end - start, ...weight.shape.slice(1)] : weight.shape;
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: onnxDataType[dtype],
    dataLocation: DataLocation.EXTERNAL,
    externalData: Object.entries(entries).map(([key, value]) => ({ key, value: String(value) })),
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
