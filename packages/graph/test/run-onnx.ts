// Runs a graph without weights on ONNX Runtime.
import { emitOnnx, type EmitOptions, type Graph, type Tensor } from "@blip-ts/graph";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { noWeights } from "./samples.ts";

export async function runOnnx(
  graph: Graph,
  inputs: Readonly<Record<string, Tensor<"float32" | "int64" | "int8" | "uint8">>>,
  options: EmitOptions,
  session: InferenceSession.SessionOptions = {},
) {
  const opened = await InferenceSession.create(emitOnnx(graph, noWeights, options), session);
  const read = new Set(graph.inputs.map(({ name }) => name));
  const feeds = Object.fromEntries(
    Object.entries(inputs).flatMap(([name, { dtype, data, dims }]) =>
      read.has(name) ? [[name, new OrtTensor(dtype, data, dims)]] : [],
    ),
  );
  return opened.run(feeds);
}
