// Tests shape rules, the checker, the printer and the passes through the package's entry point.
import {
  checkGraph,
  divideDims,
  evaluate,
  floatTensor,
  formatDim,
  formatShape,
  GraphBuilder,
  multiplyDims,
  namedDim,
  optimize,
  printGraph,
  sameDim,
  type Graph,
} from "@blip-ts/graph";
import { describe, expect, test } from "vitest";

/** A fused projection with three parts, two of which are used, and a branch that no output needs. */
function fused(): Graph {
  const b = GraphBuilder.create("fused");
  const x = b.input("x", "float32", ["B", 3]);
  const layer = b.at("layer.0");
  const qkv = layer.linear(x, "qkv", 6);
  const [q, k] = [layer.slice(qkv, 1, 0, 2), layer.slice(qkv, 1, 4, 6)];
  layer.gelu(x);
  b.output("sum", layer.add(q, k));
  return b.build();
}

const weights: Record<string, ReturnType<typeof floatTensor>> = {
  "layer.0.qkv.weight": floatTensor(
    [6, 3],
    Array.from({ length: 18 }, (_, index) => index / 7 - 1),
  ),
  "layer.0.qkv.bias": floatTensor([6], [1, 2, 3, 4, 5, 6]),
};
const weight = (name: string) => {
  const tensor = weights[name];
  if (!tensor) throw new Error(name);
  return tensor;
};

describe("dimensions", () => {
  const [B, T, I] = ["B", "T", "I"].map(namedDim) as [
    ReturnType<typeof namedDim>,
    ReturnType<typeof namedDim>,
    ReturnType<typeof namedDim>,
  ];

  test("multiply and divide by name", () => {
    const all = divideDims(multiplyDims(B, T), I);
    expect(formatDim(all)).toBe("B*I^-1*T");
    expect(sameDim(multiplyDims(all, I), multiplyDims(T, B))).toBe(true);
    expect(sameDim(B, T)).toBe(false);
    expect(formatShape([B, 577, multiplyDims(2, B)])).toBe("[B, 577, 2*B]");
  });
});

describe("the builder", () => {
  test("names weights by its scope, and returns the same weight for the same name", () => {
    const b = GraphBuilder.create("g");
    const at = b.at("encoder").at("layers.0");
    expect(at.weight("norm.weight", [4])).toBe(b.weight("encoder.layers.0.norm.weight", [4]));
    expect(() => at.weight("norm.weight", [5])).toThrow(/expected \[4\] as before, got \[5\]/);
  });

  test.each<[string, (b: GraphBuilder) => unknown, RegExp]>([
    [
      "columns that do not fit",
      (b) => b.matmul(b.input("x", "float32", [2, 3]), b.input("y", "float32", [4, 2])),
      /matmul\(float32 \[2, 3\], float32 \[4, 2\]\) at part: rows of b/,
    ],
    [
      "names that differ",
      (b) => b.add(b.input("x", "float32", ["B", 2]), b.input("y", "float32", ["T", 2])),
      /\[B, 2\] and \[T, 2\] do not broadcast/,
    ],
    [
      "other element types",
      (b) => b.add(b.input("x", "float32", [2]), b.input("y", "int64", [2])),
      /element types differ/,
    ],
    [
      "heads that do not divide the width",
      (b) => {
        const x = b.input("x", "float32", [1, 2, 6]);
        return b.attention(x, x, x, 4, 1);
      },
      /not divisible by 4 heads/,
    ],
    [
      "a lost element",
      (b) => b.reshape(b.input("x", "float32", ["B", 6]), ["B", 5]),
      /does not have as many elements/,
    ],
    [
      "a rank that is not what the letters say",
      (b) => b.dims(b.input("x", "float32", [2, 3]), "B N D"),
      /expected \[B, N, D\], got \[2, 3\]/,
    ],
  ])("refuses %s", (_what, build, message) => {
    expect(() => build(GraphBuilder.create("g").at("part"))).toThrow(message);
  });
});

describe("the checker", () => {
  test("finds a node whose shape differs from its rule", () => {
    const graph = fused();
    const nodes = graph.nodes.map((node) =>
      node.kind === "slice" ? { ...node, output: { ...node.output, shape: [namedDim("B"), 9] } } : node,
    );
    expect(() => checkGraph({ ...graph, nodes })).toThrow(
      /slice at layer\.0: expected float32 \[B, 2\], got float32 \[B, 9\]/,
    );
  });

  test("finds a value that is used before it is computed", () => {
    const graph = fused();
    expect(() => checkGraph({ ...graph, nodes: graph.nodes.toReversed() })).toThrow(/before it is made/);
  });
});

describe("passes", () => {
  test("turn a fused projection into row ranges, drop unused nodes, and change no number", () => {
    const [before, after] = [fused(), optimize(fused())];
    expect(printGraph(after)).toMatchInlineSnapshot(`
      "graph fused
        input x : float32 [B, 3]
        # layer.0.qkv
        %0 = linear(x, .weight[0:2], .bias[0:2]) : float32 [B, 2]
        %1 = linear(x, .weight[4:6], .bias[4:6]) : float32 [B, 2]
        # layer.0
        %2 = add(%0, %1) : float32 [B, 2]
        output sum = %2 : float32 [B, 2]
      "
    `);
    const x = floatTensor([2, 3], [1, -2, 0.5, 3, 0, -1]);
    const [a, b] = [before, after].map((graph) => evaluate(graph, { x }, weight).sum?.data);
    expect(b).toEqual(a);
  });

  test("compute chains of rows on matrices, with reshapes only at their ends, and change no number", () => {
    const b = GraphBuilder.create("chain");
    const x = b.input("x", "float32", ["B", "T", 3]);
    const layer = b.at("layer.0");
    const inner = layer.gelu(layer.linear(x, "qkv", 6));
    // A stack of one width and a scalar: elementwise.
    const doubled = layer.multiply(layer.add(inner, inner), layer.scalar(2));
    b.output("first", layer.slice(doubled, 1, 0, 1));
    b.output("swapped", layer.transpose(layer.reshape(doubled, ["B", "T", 2, 3].map(dim)), [0, 2, 1, 3]));
    const before = b.build();
    const after = optimize(before);
    expect(printGraph(after)).toMatchInlineSnapshot(`
      "graph chain
        input x : float32 [B, T, 3]
        # layer.0.qkv
        %0 = reshape(x, shape=[B*T, 3]) : float32 [B*T, 3]
        %1 = linear(%0, .weight, .bias) : float32 [B*T, 6]
        # layer.0
        %2 = gelu(%1) : float32 [B*T, 6]
        %3 = add(%2, %2) : float32 [B*T, 6]
        %4 = multiply(%3, 2) : float32 [B*T, 6]
        %5 = reshape(%4, shape=[B, T, 6]) : float32 [B, T, 6]
        %6 = slice(%5, axis=1, start=0, end=1) : float32 [B, 1, 6]
        %7 = reshape(%4, shape=[B, T, 2, 3]) : float32 [B, T, 2, 3]
        %8 = transpose(%7, permutation=[0, 2, 1, 3]) : float32 [B, 2, T, 3]
        output first = %6 : float32 [B, 1, 6]
        output swapped = %8 : float32 [B, 2, T, 3]
      "
    `);
    const feed = { x: floatTensor([2, 2, 3], [1, -2, 0.5, 3, 0, -1, 2, 2, -0.5, 1, 0, 0]) };
    expect(evaluate(after, feed, weight)).toEqual(evaluate(before, feed, weight));
  });

  test("leave stacks that are added to values of another shape", () => {
    const b = GraphBuilder.create("places");
    const x = b.input("x", "float32", ["B", 2, 3]);
    b.output("sum", b.add(x, b.constant(floatTensor([2, 1], [1, 2]))));
    const graph = b.build();
    expect(optimize(graph).nodes).toEqual(graph.nodes);
  });
});

const dim = (one: string | number) => (typeof one === "number" ? one : namedDim(one));
