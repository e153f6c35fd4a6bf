// Tests gradients of whole networks as they are trained: each parameter against central differences in double
// precision, ONNX Runtime against the evaluator, and layers that are recomputed.
import {
  centralDifference,
  differentiate,
  emitOnnx,
  evaluatedGradients,
  evaluateInDoubles,
  floatTensor,
  int64Tensor,
  layerOf,
  optimizeForTraining,
  prepareForTraining,
  sizeOf,
  wholeGradient,
  type Differentiated,
  type Graph,
  type Recompute,
  type Tensor,
} from "@blip-ts/graph";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import type { BlipConfig } from "../../src/model/config.ts";
import { scoreGraph } from "../../src/model/decoder.ts";
import { imageGraph, multimodalGraph, textGraph } from "../../src/model/encoders.ts";
import { languageModelGraph, languageModelTies } from "../../src/model/language-model.ts";

const config: BlipConfig = {
  vision: {
    ...{ hiddenSize: 6, layers: 2, heads: 2, intermediateSize: 8 },
    ...{ imageSize: 8, patchSize: 4, layerNormEps: 1e-5 },
  },
  text: {
    ...{ hiddenSize: 8, layers: 2, heads: 2, intermediateSize: 12 },
    ...{ vocabSize: 11, maxPositions: 6, layerNormEps: 1e-12 },
  },
  jointEmbedding: 4,
};

/** Numbers of magnitude about 1 that do not repeat soon. */
const noise = (dims: readonly number[], seed: number, mean = 0, size = 1) =>
  floatTensor(
    dims,
    Array.from({ length: sizeOf(dims) }, (_, index) => mean + size * Math.sin((index + 1) * 12.9898 * seed)),
  );
/** Sizes for two texts, about one image each or both about the same image. */
const sizes = (images: number): Readonly<Record<string, number>> => ({
  ...{ B: 2, T: 3, N: 5, R: 2, Q: 4 },
  I: images,
});
const ids = (dims: readonly number[], below: number) =>
  int64Tensor(
    dims,
    // The first and the third id are equal, so that their gradients add up.
    Array.from({ length: sizeOf(dims) }, (_, index) => (index === 2 ? 0 : (index * 7) % below)),
  );
const counted = (dims: readonly number[]) =>
  int64Tensor(
    dims,
    Array.from({ length: sizeOf(dims) }, (_, index) => index % (dims.at(-1) ?? 1)),
  );

/** The value of an input, by its name. */
function given(name: string, dims: readonly number[], index: number): Tensor<"float32" | "int64"> {
  if (/positions|position_ids/.test(name)) return counted(dims);
  if (name === "attention_mask" || name === "encoder_attention_mask")
    return int64Tensor(
      dims,
      [...counted(dims).data].map((column) => (column === 2n ? 0 : 1)),
    );
  if (name === "rows") return ids(dims, 6);
  if (name === "input_ids" || name === "labels") return ids(dims, config.text.vocabSize);
  // Gains are near 1 and shifts near 0, as after training; matrices are large enough to matter.
  if (/(norm\d?|Norm)\.weight$/.test(name)) return noise(dims, 1 + index / 7, 1, 0.3);
  return noise(dims, 1 + index / 7, 0, 0.5);
}

const feedsOf = (graph: Graph, images: number) =>
  Object.fromEntries(
    graph.inputs.map(({ name, value }, index) => {
      const dims = value.shape.map((dim) => {
        const [letter = ""] = typeof dim === "number" ? [] : Object.keys(dim.terms[0]?.powers ?? {});
        return typeof dim === "number" ? dim : (sizes(images)[letter] ?? NaN);
      });
      return [name, given(name, dims, index)];
    }),
  );

interface Case {
  readonly graph: Graph;
  readonly of: readonly string[];
  /**
   * The forward graph's nodes. `raw` is the node count of the training graph with composed gradients and without
   * passes.
   */
  readonly nodes: number;
  readonly raw?: number;
  readonly ties?: Readonly<Record<string, string>>;
  /** Number of images for the two texts; 2 by default. */
  readonly images?: number;
}

const cases = {
  image: { graph: imageGraph(config, { head: "contrastive" }), of: ["image_features"], nodes: 37, raw: 522 },
  text: { graph: textGraph(config, "contrastive"), of: ["text_features"], nodes: 39, raw: 534 },
  match: { graph: multimodalGraph(config, "itm"), of: ["itm_score"], nodes: 56, raw: 781 },
  "match, folded": {
    ...{ graph: multimodalGraph(config, "itm", { form: "folded" }), of: ["itm_score"], nodes: 90, images: 1 },
  },
  "match, first states alone": {
    ...{ graph: multimodalGraph(config, "itm", { firstOnly: true }), of: ["itm_score"], nodes: 58 },
  },
  nlvr: {
    graph: multimodalGraph({ ...config, text: { ...config.text, firstMergeLayer: 1 } }, "nlvr"),
    ...{ of: ["nlvr_score"], nodes: 76, raw: 1000 },
  },
  score: {
    ...{ graph: scoreGraph(config), of: ["log_probability", "mean_log_probability"], nodes: 9 },
  },
  "language model": {
    graph: languageModelGraph(config, { width: config.vision.hiddenSize, encoderMask: true, smoothing: 0.1 }),
    ...{ of: ["loss"], nodes: 75, ties: languageModelTies, images: 1 },
  },
} satisfies Readonly<Record<string, Case>>;

function trained({ graph, of, ties = {}, images = 2 }: Case, recompute?: Recompute) {
  const lifted = prepareForTraining(graph, ties);
  // Image states are included, since their gradient flows on to the image encoder.
  const parameters = lifted.inputs.filter(({ value }) => value.dtype === "float32").map(({ name }) => name);
  const found = differentiate(lifted, { parameters, of, ...(recompute && { recompute }) });
  const raw = feedsOf(found.graph, images);
  const feeds = Object.fromEntries(Object.entries(raw).filter(([name]) => !name.startsWith("seed ")));
  const seeds = Object.fromEntries(Object.entries(raw).filter(([name]) => name.startsWith("seed ")));
  return { lifted, parameters, found, feeds, seeds };
}

async function onEngine(
  { graph, gradients }: Differentiated,
  feeds: Record<string, Tensor<"float32" | "int64">>,
) {
  const bytes = emitOnnx(
    graph,
    () => {
      throw new Error("parameters are inputs");
    },
    { leavesLast: true },
  );
  const session = await InferenceSession.create(bytes, {
    graphOptimizationLevel: "basic",
    enableMemPattern: false,
  });
  const outputs = await session.run(
    Object.fromEntries(
      Object.entries(feeds).map(([name, { dtype, data, dims }]) => [name, new OrtTensor(dtype, data, dims)]),
    ),
  );
  await session.release();
  const found = Object.fromEntries(
    Object.entries(outputs).map(([name, { data }]) => [name, { data: data as Float32Array | BigInt64Array }]),
  );
  return new Map(gradients.map((one) => [one.name, wholeGradient(one, found, feeds[one.name]?.dims ?? [])]));
}

const norm = (values: Float64Array) => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));

/** The names of the networks. */
export const networks = Object.keys(cases) as (keyof typeof cases)[];

/** @param names the networks to test */
export function gradientTests(names: readonly (keyof typeof cases)[]): void {
  describe.each(names)("%s", (name) => {
    const one: Case = cases[name];
    const { lifted, parameters, found, feeds, seeds } = trained(one);
    const gradients = evaluatedGradients(found, { ...feeds, ...seeds });

    test("the gradient of every parameter is what central differences say", () => {
      expect(one.graph.nodes).toHaveLength(one.nodes);
      for (const name of parameters) {
        const gradient = gradients.get(name) ?? new Float64Array();
        const largest = gradient.reduce((most, x) => Math.max(most, Math.abs(x)), 0.1);
        // Checks the largest number and the middle one.
        const strongest = gradient.findIndex((x) => Math.abs(x) === largest);
        const places = new Set([Math.max(strongest, 0), gradient.length >> 1]);
        for (const index of places) {
          const expected = centralDifference(lifted, feeds, { of: one.of, seeds }, name, index);
          // A step of 1e-5 costs 5 of 16 digits, and norms over rows of width 6 and 8 cost some more.
          expect(Math.abs((gradient[index] ?? NaN) - expected), `${name}[${index}]`).toBeLessThan(
            1e-6 * largest,
          );
        }
      }
    });

    test("no parameter that the output needs is without a gradient", () => {
      const silent = found.gradients.filter(({ dense, rows }) => dense === undefined && rows.length === 0);
      expect(silent.map(({ name }) => name)).toEqual([]);
      expect([...gradients].filter(([, values]) => norm(values) === 0)).toEqual([]);
    });

    test("ONNX Runtime computes the same", async () => {
      const graph = optimizeForTraining(found.graph);
      const run = await onEngine({ ...found, graph }, { ...feeds, ...seeds });
      const whole = Math.sqrt([...gradients.values()].reduce((sum, each) => sum + norm(each) ** 2, 0));
      for (const [name, expected] of gradients) {
        const difference = expected.map((x, index) => x - (run.get(name)?.[index] ?? NaN));
        // float32 through about twenty sums: at most 5e-7 of the whole gradient, and 3e-5 of a small one with much
        // cancellation.
        expect(norm(difference), name).toBeLessThan(2e-5 * Math.max(norm(expected), whole / 100));
      }
    });

    test("passes leave at most 60 % of the nodes, and change no number", () => {
      const graph = optimizeForTraining(found.graph);
      if (one.raw !== undefined) expect(graph.nodes.length).toBeLessThanOrEqual(0.6 * one.raw);
      const [before, after] = [found.graph, graph].map((each) =>
        evaluateInDoubles(each, { ...feeds, ...seeds }, () => floatTensor([0], [])),
      );
      expect(after).toEqual(before);
    });

    test.each(["gradient", "identity"] as const)(
      "layers computed again, kept apart by %s, give the same",
      (apart) => {
        const again = trained(one, { layerOf, apart });
        const barriers = again.found.graph.nodes.filter(({ kind }) => kind === "barrier");
        if (one.graph.name !== "score") expect(barriers.length).toBeGreaterThan(0);
        const graph = optimizeForTraining(again.found.graph);
        const recomputed = evaluatedGradients({ ...again.found, graph }, { ...feeds, ...seeds });
        expect(recomputed).toEqual(gradients);
      },
    );
  });
}
