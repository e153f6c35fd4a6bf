// Operators that ONNX Runtime has for several of ours together: where they are used, and that they change no number.
import {
  contributedOperators,
  emitOnnx,
  evaluate,
  GraphBuilder,
  optimize,
  type Graph,
  type Value,
} from "@blip-ts/graph";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { noise } from "./support/noise.ts";

type Layer = (b: GraphBuilder, x: Value) => Value;

/** A product with a matrix and a bias of the model's own. */
const product: (seed: number) => Layer = (seed) => (b, x) =>
  b.op("linear", [x, b.constant(noise([4, 4], seed)), b.constant(noise([4], seed + 1))], {});
const norm: Layer = (b, x) =>
  b.op("layerNorm", [x, b.constant(noise([4], 21)), b.constant(noise([4], 22))], { epsilon: 1e-5 });

const graphOf = (layer: Layer): Graph => {
  const b = GraphBuilder.create("layer");
  b.output("out", layer(b, b.input("x", "float32", ["B", "T", 4])));
  return optimize(b.build());
};

const noWeights = (): never => {
  throw new Error("there are no weights");
};

async function run(graph: Graph, fuse: boolean, data: Float32Array): Promise<Record<string, OrtTensor>> {
  const session = await InferenceSession.create(emitOnnx(graph, noWeights, { fuse }));
  return session.run({ x: new OrtTensor("float32", data, [2, 3, 4]) });
}

const both = ["BiasGelu", "SkipLayerNormalization"];

describe("fused operators", () => {
  test.each<[string, Layer, readonly string[]]>([
    ["a bias before Gelu", (b, x) => b.gelu(product(1)(b, x)), ["BiasGelu"]],
    ["Gelu of what has no bias", (b, x) => b.gelu(x), ["Gelu"]],
    ["post-norm", (b, x) => norm(b, b.add(product(3)(b, x), x)), ["SkipLayerNormalization"]],
    [
      "post-norm, the product second",
      (b, x) => norm(b, b.add(x, product(3)(b, x))),
      ["SkipLayerNormalization"],
    ],
    [
      "two products, of which one leaves its bias",
      (b, x) => norm(b, b.add(product(3)(b, x), product(5)(b, x))),
      ["SkipLayerNormalization"],
    ],
    [
      "pre-norm, whose sum goes on",
      (b, x) => {
        const sum = b.add(x, product(7)(b, x));
        return b.add(sum, product(9)(b, b.gelu(product(11)(b, norm(b, sum)))));
      },
      both,
    ],
    [
      "a product that two read keeps its bias",
      (b, x) => {
        const y = product(13)(b, x);
        return b.add(b.gelu(y), y);
      },
      ["Gelu"],
    ],
    ["a sum with a vector", (b, x) => norm(b, b.add(x, b.constant(noise([4], 15)))), []],
  ])("%s: the same numbers", async (_what, layer, operators) => {
    const graph = graphOf(layer);
    expect(contributedOperators(graph, { fuse: true })).toEqual(operators);
    const x = noise([2, 3, 4], 17);
    const { out: exact } = evaluate(graph, { x }, noWeights);
    for (const fuse of [true, false]) {
      const { out } = await run(graph, fuse, x.data);
      // Sums of at most five numbers below 4.
      exact?.data.forEach((value, index) => expect(Number(out?.data[index])).toBeCloseTo(value, 5));
    }
  });

  test("what the outside asks for is whole: a product, a sum", async () => {
    const b = GraphBuilder.create("outputs");
    const x = b.input("x", "float32", ["B", "T", 4]);
    const y = product(1)(b, x);
    const sum = b.add(y, x);
    b.output("product", y);
    b.output("sum", sum);
    b.output("norm", norm(b, sum));
    const graph = optimize(b.build());
    const feed = noise([2, 3, 4], 5);
    const exact = evaluate(graph, { x: feed }, noWeights);
    const found = await run(graph, true, feed.data);
    for (const name of ["product", "sum", "norm"])
      exact[name]?.data.forEach((value, index) =>
        expect(Number(found[name]?.data[index]), name).toBeCloseTo(value, 5),
      );
  });
});
