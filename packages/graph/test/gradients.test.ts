// Tests each operation's gradient against central differences in double precision, and ONNX Runtime's gradients against
// the evaluator's, for all samples in the table.
import {
  centralDifference,
  differentiate,
  evaluate,
  evaluatedGradients,
  evaluateInDoubles,
  GraphBuilder,
  gradientRules,
  opKinds,
  optimizeForTraining,
  type Graph,
  type OpKind,
  type Tensor,
} from "@blip-ts/graph";
import { describe, expect, test } from "vitest";
import { runOnnx } from "./run-onnx.ts";
import { graphOf, noise, noWeights, samples, some, type Sample } from "./samples.ts";

const ruleOf = (kind: OpKind) => gradientRules[kind] as "stop" | object;
const refuses = (kind: OpKind) => ruleOf(kind) !== "stop" && "refuse" in (ruleOf(kind) as object);
const of = ["out"];
const isFloat = ({ dtype }: Tensor) => dtype === "float32";

/** A sample with the gradients of all its float inputs, and a seed whose elements all differ. */
function differentiated(sample: Sample) {
  const graph = graphOf(sample);
  const inputs = sample.smooth ?? sample.inputs;
  const parameters = Object.keys(inputs).filter((name) => isFloat(some(inputs[name])));
  const found = differentiate(graph, { parameters, of });
  const { dims } = some(evaluate(graph, inputs, noWeights).out);
  const seeds = { ...(dims.length > 0 && { "seed out": noise(dims, 7) }) };
  return { graph, found, inputs, parameters, seeds };
}

const smooth = opKinds.filter((kind) => ruleOf(kind) !== "stop" && !refuses(kind));
const cases = smooth.flatMap((kind) => samples[kind].map((sample, index) => [kind, index, sample] as const));

describe("a gradient", () => {
  test.each(cases)("of %s (%i) agrees with central differences", (_kind, _index, sample) => {
    const { graph, found, inputs, parameters, seeds } = differentiated(sample);
    const gradients = evaluatedGradients(found, { ...inputs, ...seeds });
    for (const name of parameters) {
      const gradient = some(gradients.get(name));
      const largest = gradient.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
      gradient.forEach((value, index) => {
        const expected = centralDifference(graph, inputs, { of, seeds }, name, index);
        // Doubles have 16 digits; steps of 1e-5 leave about 10; the curvature of layerNorm's flat rows costs 3 more.
        expect(Math.abs(value - expected), `${name}[${index}]`).toBeLessThan(1e-7 * largest);
      });
    }
  });

  test.each(cases)("of %s (%i) is the same on ONNX Runtime", async (_kind, _index, sample) => {
    const { found, inputs, seeds } = differentiated(sample);
    const feeds = { ...inputs, ...seeds };
    const graph = optimizeForTraining(found.graph);
    const expected = evaluateInDoubles(graph, feeds, noWeights);
    const run = await runOnnx(graph, feeds, { leavesLast: true });
    expect(Object.keys(run).toSorted()).toEqual(Object.keys(expected).toSorted());
    for (const [name, { dims, data }] of Object.entries(expected)) {
      expect(some(run[name]).dims).toEqual(dims);
      const largest = data.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
      // float32, as in the forward pass: a row of low variance leaves four digits.
      data.forEach((value, index) =>
        expect(Math.abs(Number(some(run[name]).data[index]) - value), name).toBeLessThan(2e-5 * largest),
      );
    }
  });

  test.each(opKinds.filter(refuses))("of %s is rejected with a remedy", (kind) => {
    const [sample] = samples[kind];
    const { inputs } = sample;
    const b = GraphBuilder.create("refused");
    const values = Object.fromEntries(
      Object.entries(inputs).map(([name, { dtype, dims }]) => [name, b.input(name, dtype, dims)]),
    );
    // The scale depends on a parameter.
    const scale = b.input("parameter", "float32", some(inputs.s).dims);
    b.output("out", sample.build(b.at("part"), { ...values, s: b.multiply(some(values.s), scale) }));
    expect(() => differentiate(b.build(), { parameters: ["parameter"], of })).toThrow(
      `${kind} at part: 8-bit numbers have no gradient. Train the model in float32, and quantize it afterwards`,
    );
  });

  test("has every kind of rule: some refuse, some stop, all others differentiate", () => {
    expect(opKinds.filter(refuses)).toEqual(["quantizedLinear", "blockLinear", "dequantize"]);
    expect(opKinds.filter((kind) => ruleOf(kind) === "stop")).toEqual(["positive", "detach"]);
  });
});

describe("gradients stop", () => {
  const graph = (build: (b: GraphBuilder) => void): Graph => {
    const b = GraphBuilder.create("g");
    build(b);
    return b.build();
  };

  test("at casts to integers and back, and at steps", () => {
    const stopped = graph((b) => {
      const x = b.input("x", "float32", [3]);
      const whole = b.cast(b.cast(x, "int64"), "float32");
      b.output("out", b.add(whole, b.positive(x)));
    });
    const { graph: found, gradients } = differentiate(stopped, { parameters: ["x"], of });
    expect(gradients).toEqual([{ name: "x", rows: [] }]);
    expect(found.outputs.map(({ name }) => name)).toEqual(["out"]);
  });

  test("at detached values: only the other factor has a gradient", () => {
    const squared = graph((b) => {
      const x = b.input("x", "float32", [3]);
      b.output("out", b.multiply(x, b.detach(x)));
    });
    const x = noise([3]);
    const seed = noise([3], 5);
    const found = evaluatedGradients(differentiate(squared, { parameters: ["x"], of }), {
      x,
      "seed out": seed,
    });
    expect([...some(found.get("x"))]).toEqual([...x.data].map((one, index) => one * some(seed.data[index])));
  });

  test("at steps, behind which values may have no gradient", () => {
    const stopped = graph((b) => {
      const x = b.input("x", "float32", [2, 3]);
      const weight = b.input("w", "int8", [3, 4]);
      const scale = b.input("s", "float32", [4]);
      b.output("out", b.op("quantizedLinear", [b.positive(x), weight, scale], { activations: "row" }));
    });
    expect(differentiate(stopped, { parameters: ["x"], of }).gradients).toEqual([{ name: "x", rows: [] }]);
    expect(() => differentiate(stopped, { parameters: ["s"], of })).toThrow("8-bit numbers have no gradient");
  });

  test("at a mean over a dimension that has only a name, with an error", () => {
    const named = graph((b) => {
      b.output("out", b.mean(b.input("x", "float32", ["B", "T"])));
    });
    expect(() => differentiate(named, { parameters: ["x"], of })).toThrow(
      "the gradient of mean at the top: expected a number as the last dimension, got T. Give the graph a number there",
    );
  });

  test("at names that the graph does not have", () => {
    const b = GraphBuilder.create("g");
    b.output("out", b.input("x", "float32", [2]));
    expect(() => differentiate(b.build(), { parameters: ["y"], of })).toThrow(
      "differentiate: expected an input y, got x",
    );
    expect(() => differentiate(b.build(), { parameters: ["x"], of: ["loss"] })).toThrow(
      "differentiate: expected an output loss, got out",
    );
  });
});
