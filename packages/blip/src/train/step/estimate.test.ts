// The estimate of memory, whose order of a step is ONNX Runtime's.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { emitOnnx, type Graph } from "@blip-ts/graph";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { captioner, type Captioner } from "../../../test/support/captioner.ts";
import { batchOf } from "../../../test/support/trainers.ts";
import { bindingOf, estimateMemory, runOrder, simulatedActivations } from "./estimate.ts";
import { planTraining, type TrainingPlan } from "./plan.ts";

let tiny: Captioner;
let feeds: Awaited<ReturnType<Captioner["objective"]["inputs"]>> = {};
let folder = "";
beforeAll(async () => {
  tiny = await captioner(true);
  feeds = await tiny.objective.inputs(batchOf(tiny, 0), {
    step: 0,
    part: 0,
    seed: 0,
    run: () => Promise.resolve({}),
  });
  folder = await mkdtemp(join(tmpdir(), "estimate-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The outputs that ONNX Runtime computes, in its order. */
async function ranOutputs({ graph, parameters }: TrainingPlan): Promise<string[]> {
  const weights = (name: string): never => {
    throw new Error(`${name} is in the graph`);
  };
  const session = await InferenceSession.create(emitOnnx(graph, weights, { leavesLast: true }), {
    ...{ graphOptimizationLevel: "basic", enableMemPattern: false, enableProfiling: true },
    profileFilePrefix: join(folder, "profile"),
  });
  const inputs: Record<string, OrtTensor> = {};
  for (const { name, dims } of parameters)
    inputs[name] = new OrtTensor(
      "float32",
      new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(0.5),
      dims,
    );
  for (const [name, { dtype, data, dims }] of Object.entries(feeds))
    inputs[name] = new OrtTensor(dtype as "float32", data as Float32Array, dims);
  const read = new Set(graph.inputs.map(({ name }) => name));
  await session.run(Object.fromEntries(Object.entries(inputs).filter(([name]) => read.has(name))));
  session.endProfiling();
  const [file = ""] = await readdir(folder);
  const events = JSON.parse(await readFile(join(folder, file), "utf8")) as readonly {
    readonly name: string;
  }[];
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  return events.flatMap(({ name }) => {
    const node = name.endsWith("_kernel_time") ? name.slice(0, -12) : "";
    return outputs.has(node) ? [node] : [];
  });
}

const outputsInOrder = (graph: Graph) => {
  const names = new Map(graph.outputs.map(({ name, value }) => [value.id, name]));
  return runOrder(graph).flatMap(({ output }) => names.get(output.id) ?? []);
};

test("the simulated order is the one in which ONNX Runtime makes the loss and the gradients", async () => {
  const plan = planTraining(tiny.objective);
  // The outputs of embeddings' gradients have a second name or are inputs, so they are copies.
  const isNode = (name: string) => !/ (ids|rows) \d+$/.test(name);
  const ran = (await ranOutputs(plan)).filter(isNode);
  const expected = outputsInOrder(plan.graph).filter(isNode);
  expect(ran.length).toBeGreaterThan(50);
  expect(expected).toEqual(ran);
  expect(runOrder(plan.graph)).toHaveLength(plan.graph.nodes.length);
});

describe("activations", () => {
  const bytes = (recompute: boolean) => {
    const { graph, gradients } = planTraining(tiny.objective, { recompute });
    const dense = new Set(gradients.flatMap((one) => one.dense ?? []));
    return simulatedActivations(graph, bindingOf(graph, feeds), dense);
  };

  test("are fewer if layers are computed again", () => {
    expect(bytes(true)).toBeLessThan(0.9 * bytes(false));
  });

  test("grow with the batch", () => {
    const { graph } = planTraining(tiny.objective);
    const of = (size: number) => {
      const binding = bindingOf(graph, feeds);
      return simulatedActivations(graph, new Map([...binding, ["B", size], ["I", size]]), new Set());
    };
    expect(of(16) / of(8)).toBeGreaterThan(1.5);
  });
});

test("weights, gradients and moments are counted exactly", () => {
  const plan = planTraining(tiny.objective);
  const numbers = (kind: string) =>
    plan.parameters.reduce(
      (sum, { role, dims }) =>
        role.kind === kind ? sum + Math.ceil(dims.reduce((a, b) => a * b, 1) / 4) * 4 : sum,
      0,
    );
  const [trained, followers] = [numbers("trained"), numbers("follower")];
  expect(followers).toBe(trained);
  const found = estimateMemory(plan, feeds);
  // There is a little space between blocks.
  expect(found.gradients).toBeGreaterThanOrEqual(4 * trained);
  expect(found.gradients).toBeLessThan(4 * trained + 4096);
  expect(found).toMatchObject({ weights: found.gradients + 4 * followers, moments: 2 * found.gradients });
  expect(found.total).toBe(4 * found.gradients + 4 * followers + found.activations);
  expect(estimateMemory(plan, feeds, true).moments).toBe(3 * found.gradients);
  // Frozen weights have neither gradients nor moments.
  const frozen = planTraining(
    { ...tiny.objective, graph: { ...tiny.objective.graph, momentum: {} } },
    { frozen: ({ name }) => !name.includes("crossattention") },
  );
  const half = estimateMemory(frozen, feeds);
  expect(half.gradients).toBeLessThan(trained * 3);
  expect(half.weights).toBeGreaterThan(3.9 * trained);
  expect(half.activations).toBeLessThan(found.activations);
});
