// Low-rank updates beside products with weights: they compute the same function as the product with W + scale B A.
import {
  addLowRank,
  checkGraph,
  evaluateInDoubles,
  floatTensor,
  GraphBuilder,
  optimize,
  type Graph,
  type LowRank,
  type Tensor,
} from "@blip-ts/graph";
import { describe, expect, test } from "vitest";
import { noise, some } from "./samples.ts";

const [OUT, IN, R] = [5, 4, 2];
const update: LowRank = { rank: R, scale: 1.5, down: "fc.lora_A.weight", up: "fc.lora_B.weight" };
const ofFc = (more: Partial<LowRank> = {}) =>
  addLowRank(({ name }) => (name === "fc.weight" ? { ...update, ...more } : undefined));

/** y = fc(fc2(x)) + fc(x). The graph reads fc twice. */
function network(): Graph {
  const b = GraphBuilder.create("g");
  const x = b.input("x", "float32", [3, IN]);
  const part = b.at("");
  const inner = part.linear(part.linear(x, "fc2", IN), "fc", OUT);
  b.output("y", b.add(inner, part.linear(x, "fc", OUT)));
  return b.build();
}

const tensors: Readonly<Record<string, Tensor<"float32">>> = {
  x: noise([3, IN], 3),
  "fc.weight": noise([OUT, IN], 5),
  "fc.bias": noise([OUT], 7),
  "fc2.weight": noise([IN, IN], 11),
  "fc2.bias": noise([IN], 13),
  "fc.lora_A.weight": noise([R, IN], 17),
  "fc.lora_B.weight": noise([OUT, R], 19),
};
const run = (graph: Graph, weights: typeof tensors = tensors) =>
  Array.from(
    some(evaluateInDoubles(graph, { x: some(weights.x) }, (name) => some(weights[name])).y).data,
    Number,
  );

/** W + scale B A, computed directly. */
function merged(scale: number): typeof tensors {
  const [w, a, b] = ["fc.weight", "fc.lora_A.weight", "fc.lora_B.weight"].map((name) => some(tensors[name]));
  const sums = Array.from({ length: OUT * IN }, (_, at) => {
    const [row, column] = [Math.floor(at / IN), at % IN];
    let sum = some(w).data[at] ?? NaN;
    for (let r = 0; r < R; r++)
      sum += scale * (some(b).data[row * R + r] ?? NaN) * (some(a).data[r * IN + column] ?? NaN);
    return sum;
  });
  return { ...tensors, "fc.weight": floatTensor([OUT, IN], sums) };
}

const apart = (found: readonly number[], expected: readonly number[]) =>
  Math.max(...found.map((value, index) => Math.abs(value - (expected[index] ?? NaN))));

describe("an update of low rank", () => {
  test.each([1.5, 1])("equals the merged weight in each use (scale %d)", (scale) => {
    const graph = checkGraph(ofFc({ scale })(network()));
    expect(apart(run(graph), run(network(), merged(scale)))).toBeLessThan(1e-6);
    expect(apart(run(graph), run(network()))).toBeGreaterThan(0.1);
    expect(graph.weights.map(({ name }) => name).filter((name) => name.includes("lora"))).toEqual([
      "fc.lora_A.weight",
      "fc.lora_B.weight",
    ]);
    const count = graph.nodes.filter(({ kind }) => kind === "multiply").length;
    expect(count).toBe(scale === 1 ? 0 : 2);
  });

  test("leaves products without one, and the graph itself, unchanged", () => {
    const graph = network();
    expect(addLowRank(() => undefined)(graph)).toEqual(graph);
    ofFc()(graph);
    expect(graph).toEqual(network());
  });

  test("reads each product's regularized input; the product itself does not", () => {
    const regularize: LowRank["regularize"] = (b, x) => b.multiply(x, b.scalar(0));
    expect(apart(run(ofFc({ regularize })(network())), run(network()))).toBeLessThan(1e-9);
  });

  test("needs the whole weight", () => {
    const b = GraphBuilder.create("g");
    const qkv = b.linear(b.input("x", "float32", [3, IN]), "fc", 6);
    b.output("y", b.add(b.slice(qkv, 1, 0, 3), b.slice(qkv, 1, 3, 6)));
    expect(() => ofFc()(optimize(b.build()))).toThrow("rows 0 to 3");
  });
});
