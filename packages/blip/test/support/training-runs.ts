// Computes an objective's loss and gradients with ONNX Runtime, as a trainer does.
import {
  differentiate,
  emitOnnx,
  optimizeForTraining,
  prepareForTraining,
  wholeGradient,
  type Recompute,
  type Tensor,
} from "@blip-ts/graph";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import type { TrainingGraph } from "../../src/train/objective.ts";

type Tensors = Readonly<Record<string, Tensor>>;

export interface TrainingRun {
  readonly outputs: Readonly<Record<string, { readonly data: ArrayLike<number | bigint> }>>;
  readonly gradients: ReadonlyMap<string, Float64Array>;
}

/** @param weightOf returns a weight by its name in the tied graph */
export async function runTraining(
  { graph, loss, ties = {}, momentum = {} }: TrainingGraph,
  inputs: Tensors,
  weightOf: (name: string, dims: readonly number[]) => Tensor,
  recompute?: Recompute,
): Promise<TrainingRun> {
  const given = new Set(graph.inputs.map(({ name }) => name));
  const lifted = prepareForTraining(graph, ties);
  const weights = lifted.inputs.filter(({ name }) => !given.has(name));
  const parameters = weights.map(({ name }) => name).filter((name) => momentum[name] === undefined);
  const found = differentiate(lifted, { parameters, of: [loss], ...(recompute && { recompute }) });
  const bytes = emitOnnx(
    optimizeForTraining(found.graph),
    () => {
      throw new Error("parameters are inputs");
    },
    { leavesLast: true },
  );
  const session = await InferenceSession.create(bytes, {
    ...{ graphOptimizationLevel: "basic", enableMemPattern: false, intraOpNumThreads: 1 },
  });
  const feeds = {
    ...inputs,
    ...Object.fromEntries(
      weights.map(({ name, value }) => [name, weightOf(name, value.shape.map(Number))] as const),
    ),
  };
  const wanted = new Set(session.inputNames);
  const run = await session.run(
    Object.fromEntries(
      Object.entries(feeds).flatMap(([name, { dtype, data, dims }]) =>
        wanted.has(name) ? [[name, new OrtTensor(dtype as "float32", data as Float32Array, dims)]] : [],
      ),
    ),
  );
  await session.release();
  const outputs = Object.fromEntries(
    Object.entries(run).map(([name, { data }]) => [name, { data: data as Float32Array }]),
  );
  return {
    outputs,
    gradients: new Map(
      found.gradients.map((one) => [one.name, wholeGradient(one, outputs, feeds[one.name]?.dims ?? [])]),
    ),
  };
}
