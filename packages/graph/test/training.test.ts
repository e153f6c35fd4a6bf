// Graphs on the way to a training step: lifted and tied weights, passes, and the form written for ONNX Runtime, whose
// order must not keep gradients longer than needed.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ModelProtoSchema } from "@blip-ts/graph/onnx-messages";
import {
  differentiate,
  emitOnnx,
  evaluate,
  evaluatedGradients,
  floatTensor,
  GraphBuilder,
  layerOf,
  liftParameters,
  optimize,
  optimizeForTraining,
  prepareForTraining,
  printGraph,
  tieWeights,
  type EmitOptions,
  type Graph,
  type Recompute,
  type Value,
} from "@blip-ts/graph";
import { fromBinary } from "@bufbuild/protobuf";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { noise, noWeights, some } from "./samples.ts";

function built(build: (b: GraphBuilder, x: Value) => void, shape: readonly (number | string)[] = [2, 4]) {
  const b = GraphBuilder.create("g");
  build(b, b.input("x", "float32", shape));
  return b.build();
}
const kinds = ({ nodes }: Graph) => nodes.map(({ kind }) => kind);
const onnxOf = (graph: Graph, options: EmitOptions = {}) =>
  some(fromBinary(ModelProtoSchema, emitOnnx(graph, noWeights, options)).graph);

describe("a builder continues a graph", () => {
  const graph = built((b, x) => b.output("y", b.linear(x, "dense", 3)));

  test("over its values and weights, and leaves the graph unchanged", () => {
    const b = GraphBuilder.from(graph);
    const y = some(graph.outputs[0]).value;
    expect(b.weight("dense.weight", [3, 4])).toBe(some(graph.weights[0]).value);
    b.output("loss", b.sum(b.multiply(y, y), [0, 1]));
    expect(kinds(b.build())).toEqual(["linear", "multiply", "sum"]);
    expect(new Set(b.build().nodes.map(({ output }) => output.id)).size).toBe(3);
    expect(kinds(graph)).toEqual(["linear"]);
    expect(graph.outputs).toHaveLength(1);
  });
});

describe("parameters", () => {
  const tied = () =>
    built((b, x) => {
      b.output("y", b.matmul(b.linear(x, "head", 4), b.weight("table", [4, 4])));
    });

  test("are inputs with their names, after the existing ones; others stay weights", () => {
    const graph = liftParameters(({ name }) => name !== "head.bias")(tied());
    expect(graph.inputs.map(({ name }) => name)).toEqual(["x", "head.weight", "table"]);
    expect(graph.weights.map(({ name }) => name)).toEqual(["head.bias"]);
  });

  test("are products of matrices: stacks of rows are flattened first", () => {
    const graph = prepareForTraining(
      built((b, x) => b.output("y", b.linear(x, "dense", 3)), ["B", "T", 4]),
      { "dense.weight": "shared.weight" },
      ({ name }) => name !== "dense.bias",
    );
    expect(graph.inputs.map(({ name }) => name)).toEqual(["x", "shared.weight"]);
    expect(kinds(graph)).toEqual(["reshape", "linear", "reshape"]);
    const parameters = ["shared.weight"];
    const found = optimizeForTraining(differentiate(graph, { parameters, of: ["y"] }).graph);
    const product = some(found.nodes.find(({ kind }) => kind === "matmul"));
    expect(product.inputs.map(({ shape }) => shape.length)).toEqual([2, 2]);
    // The rows of x are flattened once for both passes.
    expect(kinds(found).filter((kind) => kind === "reshape")).toHaveLength(3);
  });

  test("are whole: those of a split projection are not lifted", () => {
    const split = optimize(
      built((b, x) => {
        const both = b.linear(x, "both", 4);
        b.output("y", b.add(b.slice(both, 1, 0, 2), b.slice(both, 1, 2, 4)));
      }),
    );
    expect(() => liftParameters()(split)).toThrow(
      "lift both.weight: expected the whole weight, got rows 0 to 2. Lift before projections are split",
    );
  });

  test("that are tied are one, and the gradients of all uses add up", () => {
    const ties = { "head.weight": "table" };
    const one = liftParameters()(tieWeights(ties)(tied()));
    expect(one.inputs.map(({ name }) => name)).toEqual(["x", "head.bias", "table"]);
    const apart = liftParameters()(tied());
    const feeds = { x: noise([2, 4]), table: noise([4, 4], 2), "head.bias": noise([4], 3) };
    const seed = { "seed y": noise([2, 4], 5) };
    const of = ["y"];
    const together = evaluatedGradients(differentiate(one, { parameters: ["table"], of }), {
      ...feeds,
      ...seed,
    });
    const both = evaluatedGradients(differentiate(apart, { parameters: ["table", "head.weight"], of }), {
      ...{ ...feeds, ...seed, "head.weight": feeds.table },
    });
    const sum = some(both.get("table")).map((x, index) => x + some(both.get("head.weight")?.[index]));
    some(together.get("table")).forEach((x, index) => expect(x).toBeCloseTo(some(sum[index]), 12));
  });

  test("are tied to a name that the graph lacks by renaming", () => {
    const graph = tieWeights({ "head.weight": "elsewhere", nothing: "table" })(tied());
    expect(graph.weights.map(({ name }) => name).toSorted()).toEqual(["elsewhere", "head.bias", "table"]);
  });

  test("of different shapes are not tied", () => {
    expect(() => tieWeights({ "head.bias": "table" })(tied())).toThrow(
      "tie to table: expected [4, 4], got [4]",
    );
  });
});

describe("training passes", () => {
  test("merge equal constants and equal nodes, even if equality shows late", () => {
    const graph = built((b, x) => {
      const first = b.multiply(b.reshape(x, [8]), b.scalar(2));
      const second = b.multiply(b.reshape(b.reshape(x, [4, 2]), [8]), b.scalar(2));
      b.output("y", b.add(first, second));
    });
    expect(kinds(optimizeForTraining(graph))).toEqual(["reshape", "multiply", "add"]);
    expect(optimizeForTraining(graph).constants).toHaveLength(1);
  });

  test.each<[string, (b: GraphBuilder, x: Value) => void, number]>([
    ["other attributes", (b, x) => b.output("y", b.add(b.sum(x, [0], true), b.sum(x, [1], true))), 3],
    [
      "inputs in another order",
      (b, x) => both(b, b.subtract(x, b.sum(x, [0])), b.subtract(b.sum(x, [0]), x)),
      6,
    ],
    ["barriers", (b, x) => both(b, b.exp(b.barrier(x)), b.exp(b.barrier(x))), 7],
    [
      "constants of other shapes",
      (b, x) =>
        both(b, b.add(x, b.constant(floatTensor([1], [1]))), b.add(x, b.constant(floatTensor([1, 1], [1])))),
      5,
    ],
    [
      "outputs, each under its name",
      (b, x) => {
        b.output("y", b.exp(x));
        b.output("z", b.tanh(x));
      },
      2,
    ],
    ["reshapes that are transpositions", (b, x) => both(b, b.reshape(x, [4, 2]), b.transpose(x, [1, 0])), 4],
  ])("leave apart: %s", (_what, build, count) => {
    const graph = built(build);
    expect(optimizeForTraining(graph).nodes).toHaveLength(count);
  });

  test("drop nodes that change nothing, and keep outputs that were equal", () => {
    const graph = built((b, x) => {
      const same = b.expand(b.transpose(b.reshape(x, [2, 4]), [0, 1]), [2, 4]);
      b.output("y", b.exp(same));
      b.output("z", b.exp(x));
      b.output("copy", same);
    });
    const found = optimizeForTraining(graph);
    expect(kinds(found)).toEqual(["exp"]);
    expect(
      found.outputs.map(({ name, value }) => [name, value.id === some(found.inputs[0]).value.id]),
    ).toEqual([
      ["y", false],
      ["z", false],
      ["copy", true],
    ]);
    const x = noise([2, 4]);
    expect(evaluate(found, { x }, noWeights)).toEqual(evaluate(graph, { x }, noWeights));
  });
});

function both(b: GraphBuilder, x: Value, y: Value): void {
  b.output("y", b.add(b.reshape(x, [8]), b.reshape(y, [8])));
}

describe("gradients of slices", () => {
  const backward = (build: (b: GraphBuilder, x: Value) => void) => {
    const graph = built(build);
    return optimizeForTraining(differentiate(graph, { parameters: ["x"], of: ["y"] }).graph);
  };

  test("are concatenated if they do not overlap, with zeros between", () => {
    const found = backward((b, x) => {
      // The backward pass meets the last slice first; the parts are sorted.
      b.output("y", b.add(b.exp(b.slice(x, 1, 0, 1)), b.tanh(b.slice(x, 1, 3, 4))));
    });
    const concats = found.nodes.filter(({ kind }) => kind === "concat");
    expect(concats).toHaveLength(1);
    expect(some(concats[0]).inputs.map(({ shape }) => shape[1])).toEqual([1, 2, 1]);
    expect(printGraph(found)).toContain("expand(0, shape=[2, 2])");
  });

  test("are added if they are along different axes", () => {
    const found = backward((b, x) => {
      const [row, column] = [b.slice(x, 0, 0, 1), b.slice(x, 1, 1, 2)];
      b.output("y", b.add(b.exp(row), b.tanh(column)));
    });
    expect(found.nodes.filter(({ kind }) => kind === "concat").map(({ inputs }) => inputs.length)).toEqual([
      3, 2,
    ]);
  });

  test("are added if they overlap", () => {
    const found = backward((b, x) => {
      b.output("y", b.add(b.exp(b.slice(x, 1, 0, 3)), b.tanh(b.slice(x, 1, 1, 4))));
    });
    expect(found.nodes.filter(({ kind }) => kind === "concat")).toHaveLength(2);
  });
});

describe("on the way to ONNX", () => {
  const opTypes = (graph: Graph, options?: EmitOptions) =>
    onnxOf(graph, options).node.map(({ opType }) => opType);

  test("LayerNormalization returns the mean and 1 / std for the backward pass", () => {
    const graph = liftParameters()(built((b, x) => b.output("y", b.layerNorm(x, "norm", 1e-5))));
    const parameters = ["x", "norm.weight", "norm.bias"];
    const found = optimizeForTraining(differentiate(graph, { parameters, of: ["y"] }).graph);
    const { node } = onnxOf(found);
    const norms = node.filter(({ opType }) => opType === "LayerNormalization");
    expect(norms).toHaveLength(1);
    const [, mean, inverse] = some(norms[0]).output;
    const readers = (name = "") => node.filter(({ input }) => input.includes(name)).length;
    expect([mean, inverse].map(readers)).toEqual([1, 2]);
    expect(node.filter(({ opType }) => opType === "Sqrt" || opType === "Reciprocal")).toEqual([]);
  });

  test("statistics with another epsilon, or of another value, have separate nodes", () => {
    const graph = liftParameters()(
      built((b, x) => {
        const y = b.layerNorm(x, "norm", 1e-5);
        b.output("y", b.multiply(y, b.op("rowInverseStd", [x], { epsilon: 1e-6 })));
        b.output("z", b.rowMean(y));
      }),
    );
    const { node } = onnxOf(graph);
    expect(some(node.find(({ opType }) => opType === "LayerNormalization")).output).toHaveLength(1);
    expect(node.filter(({ opType }) => opType === "ReduceMean")).toHaveLength(3);
  });

  test("a matrix's gradient is Transpose and MatMul, and a bias's a product with ones", () => {
    const graph = liftParameters()(built((b, x) => b.output("y", b.linear(x, "dense", 3))));
    const parameters = ["dense.weight", "dense.bias"];
    const found = optimizeForTraining(differentiate(graph, { parameters, of: ["y"] }).graph);
    expect(opTypes(found)).toEqual(["Gemm", "Transpose", "MatMul", "MatMul", "Reshape"]);
    expect(opTypes(found)).not.toContain("ReduceSum");
  });

  test("leaves are written last, the first of them at the very end", () => {
    const graph = built((b, x) => {
      b.output("first", b.exp(x));
      const middle = b.tanh(x);
      b.output("second", b.sqrt(middle));
      b.output("third", b.erf(middle));
    });
    expect(opTypes(graph)).toEqual(["Exp", "Tanh", "Sqrt", "Erf"]);
    expect(opTypes(graph, { leavesLast: true })).toEqual(["Tanh", "Erf", "Sqrt", "Exp"]);
  });
});

/** Three layers x + tanh((x + shift) W^T + c), as trained. */
function layers(recompute?: Recompute) {
  const graph = liftParameters()(
    built((b, x) => {
      let state = x;
      // It depends on no parameter.
      const shift = b.exp(x);
      for (let layer = 0; layer < 3; layer++) {
        const at = b.at(`encoder.layers.${layer}`);
        state = at.add(state, at.tanh(at.linear(at.add(state, shift), "dense", 4)));
      }
      b.output("loss", b.sum(b.multiply(state, state), [0, 1]));
    }),
  );
  const parameters = graph.inputs.map(({ name }) => name).filter((name) => name !== "x");
  const found = differentiate(graph, { parameters, of: ["loss"], ...(recompute && { recompute }) });
  return { raw: found.graph, graph: optimizeForTraining(found.graph) };
}

describe("recomputed layers", () => {
  test("begin with a barrier, only for values that depend on a parameter", () => {
    const { raw, graph } = layers({ layerOf });
    expect(raw.nodes.filter(({ scope }) => scope.startsWith("again.encoder.layers.0"))).toEqual([]);
    const barriers = graph.nodes.filter(({ kind }) => kind === "barrier");
    // The first layer reads only an input, which stays in memory, so it is not recomputed.
    expect(barriers.map(({ scope }) => scope)).toEqual(
      [2, 1].map((layer) => `again.encoder.layers.${layer}`),
    );
    expect(graph.nodes.filter(({ kind }) => kind === "linear")).toHaveLength(5);
    expect(graph.nodes.filter(({ kind }) => kind === "tanh")).toHaveLength(5);
  });

  test.each([
    ["vision_model.encoder.layers.3.mlp.fc1", "vision_model.encoder.layers.3"],
    ["text_encoder.encoder.layer.11.attention.self", "text_encoder.encoder.layer.11"],
    ["layer.0", "layer.0"],
    ["text_encoder.embeddings", undefined],
    ["player.0", undefined],
    ["encoder.layers.x", undefined],
  ])("%s belongs to %s", (scope, layer) => {
    expect(layerOf(scope)).toBe(layer);
  });
});

describe("ONNX Runtime's order", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "graph-training-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** The names of the executed nodes, in order. */
  async function orderOf(graph: Graph, options: EmitOptions, session: InferenceSession.SessionOptions = {}) {
    const prefix = join(folder, `profile-${(await readdir(folder)).length}`);
    const opened = await InferenceSession.create(emitOnnx(graph, noWeights, options), {
      ...{ graphOptimizationLevel: "basic", enableProfiling: true, profileFilePrefix: prefix },
      ...session,
    });
    await opened.run(
      Object.fromEntries(
        graph.inputs.map(({ name, value }, index) => {
          const dims = value.shape.map(Number);
          return [name, new OrtTensor("float32", noise(dims, index + 1).data, dims)];
        }),
      ),
    );
    opened.endProfiling();
    const file = some((await readdir(folder)).find((name) => join(folder, name).startsWith(prefix)));
    const events = JSON.parse(await readFile(join(folder, file), "utf8")) as readonly {
      readonly name: string;
    }[];
    return events.flatMap(({ name }) => (name.endsWith("_kernel_time") ? [name.slice(0, -12)] : []));
  }
  const places = (order: readonly string[], pattern: RegExp) =>
    order.flatMap((name, index) => (pattern.test(name) ? [index] : []));
  const gradientOf = (order: readonly string[], layer: number) =>
    places(order, new RegExp(`^grad encoder\\.layers\\.${layer}\\.dense\\.weight$`))[0] ?? NaN;
  const backwardOf = (order: readonly string[], layer: number) =>
    places(order, new RegExp(`gradient\\.encoder\\.layers\\.${layer}\\.`));

  test("computes a matrix's gradient before the backward pass continues with the layer below", async () => {
    const { graph } = layers();
    const order = await orderOf(graph, { leavesLast: true });
    expect(gradientOf(order, 2)).toBeLessThan(Math.min(...backwardOf(order, 1)));
    expect(gradientOf(order, 1)).toBeLessThan(Math.min(...backwardOf(order, 0)));
  });

  test("computes them all at the end if leaves stay in place", async () => {
    const order = await orderOf(layers().graph, {});
    expect(gradientOf(order, 2)).toBeGreaterThan(Math.max(...backwardOf(order, 1)));
  });

  test.each<["gradient" | "identity", InferenceSession.SessionOptions]>([
    ["gradient", {}],
    [
      "identity",
      { extra: { optimization: { disable_specified_optimizers: "CommonSubexpressionElimination" } } },
    ],
  ])(
    "computes a layer again after the way back through the one above, kept apart by %s",
    async (apart, session) => {
      const order = await orderOf(layers({ layerOf, apart }).graph, { leavesLast: true }, session);
      const again = places(order, /^again\.encoder\.layers\.1\.tanh/);
      expect(again).toHaveLength(1);
      if (apart === "gradient") expect(some(again[0])).toBeGreaterThan(Math.min(...backwardOf(order, 2)));
      expect(places(order, /^encoder\.layers\.1\.tanh/)).toHaveLength(1);
    },
  );

  test("merges nodes that only Identity separates, unless this is disabled", async () => {
    const order = await orderOf(layers({ layerOf, apart: "identity" }).graph, { leavesLast: true });
    expect(places(order, /^again\.encoder\.layers\.1\.tanh/)).toEqual([]);
  });
});
