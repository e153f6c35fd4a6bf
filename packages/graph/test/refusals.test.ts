// Invalid graphs are refused by the check made for them: shape rules, the builder, the checker, the emitter, the
// evaluator. If a check is removed, a test in this file fails.
import {
  checkGraph,
  divideDims,
  emitOnnx,
  evaluate,
  evaluateDim,
  floatTensor,
  formatShape,
  GraphBuilder,
  GraphError,
  inferType,
  namedDim,
  opKinds,
  type Graph,
  type OpAttributes,
  type OpKind,
  type Value,
  type ValueType,
} from "@blip-ts/graph";
import { describe, expect, test } from "vitest";
import { refusals } from "./refusals.ts";

const cases = opKinds.flatMap((kind) =>
  (refusals[kind] as readonly (readonly [readonly ValueType[], OpAttributes[OpKind], string])[]).map(
    ([inputs, attributes, message]) => [kind, message, inputs, attributes] as const,
  ),
);

describe("a shape rule", () => {
  test.each(cases)("of %s: %s", (kind, message, inputs, attributes) => {
    const infer = () => inferType<OpKind>(kind, inputs, attributes, "part");
    expect(infer).toThrow(GraphError);
    const types = inputs.map(({ dtype, shape }) => `${dtype} ${formatShape(shape)}`).join(", ");
    expect(infer).toThrow(new GraphError(`${kind}(${types}) at part: ${message}`));
  });
});

/** x -> x w + c with a constant c, applied twice. */
function network(): Graph {
  const b = GraphBuilder.create("network");
  const x = b.input("x", "float32", ["B", 2]);
  const layer = b.at("layer");
  const y = layer.add(layer.linear(x, "dense", 2), layer.constant(floatTensor([2], [1, 2])));
  b.output("out", layer.add(y, y));
  return b.build();
}

const first = <T>(list: readonly T[]): T => {
  const [one] = list;
  if (one === undefined) throw new Error("there is none");
  return one;
};
const graph = network();
const [input, weight, constant, node, output] = [
  first(graph.inputs),
  first(graph.weights),
  first(graph.constants),
  first(graph.nodes),
  first(graph.outputs),
];
const last = (found: Graph) => first(found.nodes.toReversed());

describe("the checker", () => {
  test("accepts the builder's graphs", () => {
    expect(checkGraph(graph)).toBe(graph);
  });

  test.each<[string, Graph]>([
    ["input x: value 0 is made twice", { ...graph, inputs: [input, input] }],
    ["weight layer.dense.weight: value 1 is made twice", { ...graph, weights: [weight, weight] }],
    ["constant: value 4 is made twice", { ...graph, constants: [constant, constant] }],
    ["linear at layer.dense: value 3 is made twice", { ...graph, nodes: [node, node] }],
    [
      "weight layer.dense.weight: expected [2, 2], got [3, 2]",
      { ...graph, weights: [{ ...weight, value: { ...weight.value, shape: [3, 2] } }] },
    ],
    [
      "weight layer.dense.weight: expected [1, 2], got [2, 2]",
      { ...graph, weights: [{ ...weight, rows: { start: 1, end: 2 } }] },
    ],
    [
      "constant 4: expected float32 [1], got float32 [2]",
      { ...graph, constants: [{ ...constant, value: { ...constant.value, shape: [1] } }] },
    ],
    [
      "constant 4: expected float16 [2], got float32 [2]",
      { ...graph, constants: [{ ...constant, value: { ...constant.value, dtype: "float16" } }] },
    ],
    ["linear at layer.dense: uses value 0 before it is made", { ...graph, inputs: [] }],
    [
      "linear at layer.dense: uses value 0 before it is made",
      { ...graph, inputs: [{ ...input, value: { ...input.value } }] },
    ],
    ["output out: uses value 6 before it is made", { ...graph, nodes: graph.nodes.slice(0, -1) }],
    ["add at layer: expected float32 [B, 2], got float32 [B, 3]", withLast({ shape: [namedDim("B"), 3] })],
    ["add at layer: expected float32 [B, 2], got float16 [B, 2]", withLast({ dtype: "float16" })],
    [
      "two inputs have the name x",
      { ...graph, inputs: [input, { name: "x", value: { id: 99, dtype: "int64", shape: [] } }] },
    ],
    ["two outputs have the name out", { ...graph, outputs: [output, output] }],
    [
      "two weights have the name layer.dense.weight",
      {
        ...graph,
        weights: [...graph.weights, { ...weight, value: { id: 99, dtype: "float32", shape: [2, 2] } }],
      },
    ],
    [
      "two weights have the name layer.dense.weight[0:1]",
      {
        ...graph,
        weights: [
          ...graph.weights,
          ...[98, 99].map((id) => ({
            ...weight,
            rows: { start: 0, end: 1 },
            value: { id, dtype: "float32", shape: [1, 2] } as const,
          })),
        ],
      },
    ],
  ])("refuses: %s", (message, wrong) => {
    expect(() => checkGraph(wrong)).toThrow(GraphError);
    expect(() => checkGraph(wrong)).toThrow(message);
  });

  test("accepts two ranges of one weight", () => {
    const parts = [0, 1].map((start) => ({
      ...weight,
      rows: { start, end: start + 1 },
      value: { id: 98 + start, dtype: "float32", shape: [1, 2] } as const,
    }));
    expect(() => checkGraph({ ...graph, weights: [...graph.weights, ...parts] })).not.toThrow();
  });
});

function withLast(type: Partial<ValueType>): Graph {
  const changed = { ...last(graph), output: { ...last(graph).output, ...type } };
  return { ...graph, nodes: [...graph.nodes.slice(0, -1), changed] };
}

describe("the builder", () => {
  test.each<[string, (b: GraphBuilder) => unknown]>([
    ["expected [B, N, D], got [2, 3]", (b) => b.dims(b.input("x", "float32", [2, 3]), "B N D")],
    ["weight part.w: expected [4] as before, got [5]", (b) => [b.weight("w", [4]), b.weight("w", [5])]],
    [
      "at part.norm: the last dimension of [2, D] must be a number",
      (b) => b.layerNorm(b.input("x", "float32", [2, "D"]), "norm", 1),
    ],
    [
      "at part.patches: the channels must be a number",
      (b) => b.patchConvolution(b.input("x", "float32", ["B", "C", 4, 4]), "patches", 2, 5),
    ],
  ])("refuses: %s", (message, build) => {
    expect(() => build(GraphBuilder.create("g").at("part"))).toThrow(message);
  });
});

const locate = (dtype: "float32" | "int8" | "uint8") => () => ({ location: "file", offset: 0, dtype });
const built = (build: (b: GraphBuilder) => Value): Graph => {
  const b = GraphBuilder.create("g");
  b.output("out", build(b.at("part")));
  return b.build();
};

describe("the emitter", () => {
  test.each<[string, Graph, "float32" | "int8" | "uint8"]>([
    ["weight layer.dense.weight: expected float32, got int8 in the file", graph, "int8"],
    ["weight layer.dense.weight: expected float32, got uint8 in the file", graph, "uint8"],
    ["value 0 has no ONNX name", { ...graph, inputs: [] }, "float32"],
    [
      "linear at part: the weight's shape must be numbers",
      built((b) =>
        b.op("linear", [b.input("x", "float32", [1, 2, "D"]), b.input("w", "float32", [3, "D"])], {}),
      ),
      "float32",
    ],
    [
      "blockLinear at part: the weight's shape must be numbers",
      built((b) =>
        b.op(
          "blockLinear",
          [
            b.input("x", "float32", [2, 6]),
            b.input("w", "uint8", ["O", 3, 2]),
            b.input("s", "float32", ["O", 3]),
          ],
          {},
        ),
      ),
      "float32",
    ],
    [
      "dequantize at part: the scale's shape must be numbers",
      built((b) => b.op("dequantize", [b.input("x", "int8", ["O", 3]), b.input("s", "float32", ["O"])], {})),
      "float32",
    ],
    [
      "the dimension T is not that of an input",
      built((b) => b.expand(b.input("x", "float32", [1, 1]), ["T", 2])),
      "float32",
    ],
  ])("refuses: %s", (message, wrong, dtype) => {
    expect(() => emitOnnx(wrong, locate(dtype))).toThrow(GraphError);
    expect(() => emitOnnx(wrong, locate(dtype))).toThrow(message);
  });
});

describe("the evaluator", () => {
  const add = built((b) => b.add(b.input("x", "float32", ["B", 2]), b.input("y", "float32", ["B", 1])));
  const weights = () => floatTensor([1], [1]);
  test.each<[string, Graph, Record<string, ReturnType<typeof floatTensor>>]>([
    ["input y is missing", add, { x: floatTensor([1, 2], [1, 2]) }],
    ["input x: expected [1, 2], got [1, 3]", add, { x: floatTensor([1, 3], [1, 2, 3]) }],
    [
      "input y: expected B = 1 as in another input, got 2",
      add,
      { x: floatTensor([1, 2], [1, 2]), y: floatTensor([2, 1], [1, 2]) },
    ],
    ["weight layer.dense.weight: expected [2, 2], got [1]", graph, { x: floatTensor([1, 2], [1, 2]) }],
  ])("refuses: %s", (message, wrong, inputs) => {
    expect(() => evaluate(wrong, inputs, weights)).toThrow(message);
  });
});

describe("dimensions", () => {
  const [B, T] = [namedDim("B"), namedDim("T")];
  test("are divided by a single term only", () => {
    expect(() => divideDims(T, 0)).toThrow("cannot divide the dimension T by 0");
    const sum = { terms: [B, T].flatMap((dim) => (typeof dim === "number" ? [] : dim.terms)) };
    expect(() => divideDims(T, sum)).toThrow("cannot divide the dimension T by B+T");
  });

  test("have a value if every name has one", () => {
    expect(() => evaluateDim(T, new Map([["B", 2]]))).toThrow("the dimension T has no value");
  });
});
