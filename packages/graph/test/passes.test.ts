// Graphs that each pass must leave unchanged, since its condition does not hold.
import {
  float16,
  floatTensor,
  GraphBuilder,
  int8,
  opKinds,
  optimize,
  printGraph,
  type Graph,
  type Pass,
  type Value,
} from "@blip-ts/graph";
import { describe, expect, test } from "vitest";
import { graphOf, samples } from "./samples.ts";

function written(build: (b: GraphBuilder, x: Value) => void, shape: readonly (number | string)[] = ["B", 4]) {
  const b = GraphBuilder.create("g");
  build(b.at("part"), b.input("x", "float32", shape));
  return b.build();
}
const kinds = ({ nodes }: Graph) => nodes.map(({ kind }) => kind);
const untouched = (graph: Graph, types: readonly Pass[] = []) => {
  expect(printGraph(optimize(graph, types))).toBe(printGraph(graph));
};

describe("a fused projection stays whole", () => {
  const slices = (b: GraphBuilder, qkv: Value, axis = 1) => {
    const [first, second] = [b.slice(qkv, axis, 0, 2), b.slice(qkv, axis, 2, 4)];
    b.output("sum", b.add(first, second));
  };

  test("if only one slice reads it", () => {
    untouched(written((b, x) => b.output("out", b.slice(b.linear(x, "qkv", 6), 1, 0, 2))));
  });

  test("if the whole is an output", () => {
    untouched(
      written((b, x) => {
        const qkv = b.linear(x, "qkv", 4);
        b.output("whole", qkv);
        slices(b, qkv);
      }),
    );
  });

  test("if another node reads the whole", () => {
    untouched(
      written((b, x) => {
        const qkv = b.linear(x, "qkv", 4);
        b.output("gelu", b.gelu(qkv));
        slices(b, qkv);
      }),
    );
  });

  test("if it is sliced along an axis other than its columns", () => {
    untouched(written((b, x) => slices(b, b.linear(x, "qkv", 4), 0), [4, 4]));
  });

  test("if it is not a product", () => {
    untouched(written((b, x) => slices(b, b.gelu(x))));
  });

  test("if its matrix is not a weight of the checkpoint", () => {
    untouched(
      written((b, x) => {
        const matrix = b.input("matrix", "float32", [4, 4]);
        slices(b, b.op("linear", [x, matrix], {}));
      }),
    );
  });

  test("if its matrix is already a range of rows", () => {
    const once = optimize(written((b, x) => slices(b, b.linear(x, "qkv", 4))));
    const [range] = once.weights;
    const [first] = once.nodes;
    if (!range || !first) throw new Error("nothing was split");
    expect(range.rows).toEqual({ start: 0, end: 2 });
    const b = GraphBuilder.create("again");
    slices(b, b.op("linear", [b.input("x", "float32", ["B", 4]), b.weight("w", [4, 4])], {}));
    const graph = b.build();
    const rows = graph.weights.map((weight) => ({ ...weight, shape: [8, 4], rows: { start: 4, end: 8 } }));
    untouched({ ...graph, weights: rows });
  });

  test("and other users of its matrix keep the whole matrix", () => {
    const graph = optimize(
      written((b, x) => {
        slices(b, b.linear(x, "qkv", 4));
        b.output("again", b.linear(x, "qkv", 4));
      }),
    );
    const names = graph.weights.map(({ name, rows }) => `${name}${rows ? ` from ${rows.start}` : ""}`);
    expect(names).toContain("part.qkv.weight");
    expect(names).toContain("part.qkv.weight from 2");
  });
});

describe("nodes that no output needs are removed", () => {
  test("nodes, weights and constants; inputs and needed nodes stay", () => {
    const b = GraphBuilder.create("g");
    const x = b.input("x", "float32", ["B", 4]);
    b.input("unread", "float32", ["B", 4]);
    b.gelu(b.linear(x, "unneeded", 4));
    b.add(x, b.scalar(7));
    b.output("out", b.add(b.linear(x, "needed", 4), b.scalar(3)));
    const graph = optimize(b.build());
    expect(graph.inputs.map(({ name }) => name)).toEqual(["x", "unread"]);
    expect(graph.weights.map(({ name }) => name)).toEqual(["needed.weight", "needed.bias"]);
    expect(graph.constants.map(({ tensor }) => [...tensor.data])).toEqual([[3]]);
    expect(kinds(graph)).toEqual(["linear", "add"]);
  });
});

describe("stacks stay stacks", () => {
  const stack = ["B", "T", 4] as const;

  test.each<[string, (b: GraphBuilder, x: Value) => Value, readonly (number | string)[]]>([
    ["of matrices already", (b, x) => b.linear(x, "dense", 4), ["B", 4]],
    ["of four axes", (b, x) => b.linear(x, "dense", 4), ["B", "H", "T", 4]],
    ["where rows are not alone: softmax", (b, x) => b.softmax(x), stack],
    ["where rows are not alone: a transposition", (b, x) => b.transpose(x, [0, 2, 1]), stack],
    [
      "where another matrix is added to each of the stack",
      (b, x) => b.add(x, b.weight("places", [1, 1, 4])),
      stack,
    ],
    ["where it is added to a matrix for each row", (b, x) => b.add(x, b.weight("rows", [2, 4])), ["B", 2, 4]],
  ])("%s", (_what, build, shape) => {
    untouched(written((b, x) => b.output("out", build(b, x)), shape));
  });

  test("if they were stacks before: no reshape goes there and back", () => {
    const graph = optimize(
      written((b, x) => b.output("out", b.softmax(x)), stack),
      [],
    );
    expect(kinds(graph)).toEqual(["softmax"]);
  });
});

describe("half precision keeps", () => {
  test("sums of many numbers in float32, and nothing else", () => {
    const wide = opKinds.filter((kind) => {
      const [sample] = samples[kind];
      // A cast has its own type, either one.
      if (kind === "cast") return false;
      if (Object.values(sample.inputs).some(({ dtype }) => dtype === "int8" || dtype === "uint8"))
        return false;
      const nodes = optimize(graphOf(sample), [float16()]).nodes.filter((node) => node.kind === kind);
      return nodes.some(({ output }) => output.dtype === "float32");
    });
    expect(wide.toSorted()).toEqual([
      ...["crossEntropy", "l2Normalize", "layerNorm", "logSoftmax", "mean"],
      ...["rowInverseStd", "rowMean", "scatterAdd", "softmax", "sum"],
    ]);
  });

  test("integers and their readers", () => {
    const b = GraphBuilder.create("g");
    const ids = b.input("ids", "int64", ["B"]);
    b.output("out", b.reshape(ids, ["B", 1]));
    untouched(b.build(), [float16()]);
  });

  test("weights that only wide operations read", () => {
    const graph = optimize(
      written((b, x) => b.output("out", b.layerNorm(x, "norm", 1e-5))),
      [float16()],
    );
    expect(graph.weights.map(({ value }) => value.dtype)).toEqual(["float32", "float32"]);
    expect(kinds(graph)).toEqual(["layerNorm"]);
  });

  test("constants that are not floats", () => {
    const b = GraphBuilder.create("g");
    const table = b.input("table", "float32", [3, 4]);
    const ids = b.constant({ dtype: "int64", dims: [2], data: BigInt64Array.of(0n, 2n) });
    b.output("out", b.gather(table, ids));
    const [constant] = optimize(b.build(), [float16()]).constants;
    expect(constant?.tensor.dtype).toBe("int64");
  });
});

describe("8 bits keep", () => {
  const all = int8(() => "row");

  test("weights that are not planned", () => {
    untouched(
      written((b, x) => b.output("out", b.linear(x, "dense", 4))),
      [int8(() => undefined)],
    );
  });

  test("linears whose matrix is not a weight, and products that are not linears", () => {
    untouched(
      written((b, x) => {
        const matrix = b.constant(floatTensor([4, 4], Array.from({ length: 16 }, Math.sin)));
        b.output("out", b.matmul(b.op("linear", [x, matrix], {}), matrix));
      }),
      [all],
    );
  });

  test("the bias unchanged", () => {
    const graph = optimize(
      written((b, x) => b.output("out", b.linear(x, "dense", 4))),
      [int8(({ name }) => (name.endsWith(".weight") ? "row" : undefined))],
    );
    expect(graph.weights.map(({ name, value }) => [name, value.dtype])).toEqual([
      ["part.dense.bias", "float32"],
      ["part.dense.weight.int8", "int8"],
      ["part.dense.weight.scale", "float32"],
    ]);
  });
});
