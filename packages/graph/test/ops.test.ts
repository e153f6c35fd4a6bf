// Tests each operation on ONNX Runtime against the reference evaluator, for all samples in the table.
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import {
  contributedOperators,
  emitSelfContained,
  evaluate,
  GraphBuilder,
  opKinds,
  optimize,
  type Tensor,
} from "@blip-ts/graph";
import { describe, expect, test } from "vitest";
import { runOnnx } from "./run-onnx.ts";
import { graphOf, noise, noWeights, samples, some } from "./samples.ts";

describe.each([
  ["with ONNX Runtime's contributed operators", false],
  ["with ONNX's own operators alone", true],
])("an operation on ONNX Runtime, %s", (_name, standardOperators) => {
  test.each(opKinds.flatMap((kind) => samples[kind].map((sample, index) => [kind, index, sample] as const)))(
    "%s (%i) agrees with the reference evaluator",
    async (_kind, _index, sample) => {
      const graph = optimize(graphOf(sample));
      const { out } = evaluate(graph, sample.inputs, noWeights);
      // An exported file may not use operators that some devices lack.
      const options = { standardOperators, plainLogSoftmax: standardOperators };
      if (standardOperators) expect(contributedOperators(graph, options)).toEqual([]);
      const found = some((await runOnnx(graph, sample.inputs, options)).out);
      expect(found.dims).toEqual(some(out).dims);
      // float32: sums of at most 12 numbers of about 1, and differences of 0.001 between numbers near 1 (layerNorm's
      // row of low variance), which keep four digits.
      some(out).data.forEach((value, index) =>
        expect(Math.abs(Number(found.data[index]) - value)).toBeLessThan(1e-5 * Math.max(1, Math.abs(value))),
      );
    },
  );
});

describe("a self-contained model", () => {
  test("carries its weights, a fused one in the parts that are used", async () => {
    const b = GraphBuilder.create("fused");
    const x = b.input("x", "float32", ["B", 3]);
    const both = b.linear(x, "qkv", 4);
    b.output("out", b.subtract(b.slice(both, 1, 0, 2), b.slice(both, 1, 2, 4)));
    const graph = optimize(b.build());
    const weights: Readonly<Record<string, Tensor<"float32">>> = {
      "qkv.weight": noise([4, 3]),
      "qkv.bias": noise([4], 2),
    };
    const bytes = emitSelfContained(graph, () => "float32").flatMap((piece) =>
      piece instanceof Uint8Array
        ? [...piece]
        : [...new Uint8Array(some(weights[piece.name]).data.buffer, piece.offset, piece.length)],
    );
    const session = await InferenceSession.create(Uint8Array.from(bytes));
    const feeds = { x: noise([2, 3], 3) };
    const found = some((await session.run({ x: new OrtTensor("float32", feeds.x.data, [2, 3]) })).out);
    const { out } = evaluate(graph, feeds, (name) => some(weights[name]));
    // Sums of three products of numbers below 1.
    some(out).data.forEach((value, index) => expect(Number(found.data[index])).toBeCloseTo(value, 5));
  });

  test("encodes the length of a weight of more than 127 bytes", () => {
    const b = GraphBuilder.create("long");
    b.output("out", b.linear(b.input("x", "float32", ["B", 50]), "dense", 10));
    const graph = b.build();
    const pieces = emitSelfContained(graph, () => "float16");
    const weights = pieces.filter((piece) => !(piece instanceof Uint8Array));
    expect(weights).toEqual([
      { name: "dense.weight", offset: 0, length: 1000 },
      { name: "dense.bias", offset: 0, length: 20 },
    ]);
    // Field 9 (raw_data), wire type 2, then 1000 = 7 * 128 + 104.
    expect(pieces[pieces.indexOf(some(weights[0])) - 1]).toEqual(Uint8Array.from([74, 128 + 104, 7]));
  });
});

describe("a product in blocks whose weights are the model's own", () => {
  test("differs by at most half a step of each block of x", async () => {
    const [out, blocks, block] = [8, 3, 32];
    const b = GraphBuilder.create("blocks");
    const x = b.input("x", "float32", ["B", blocks * block]);
    const w = {
      dtype: "uint8",
      dims: [out, blocks, block],
      data: Uint8Array.from({ length: out * blocks * block }, (_, index) => 1 + ((index * 61) % 255)),
    } as const;
    const scale = noise([out, blocks], 6);
    b.output("out", b.op("blockLinear", [x, b.constant(w), b.constant(scale)], {}));
    const graph = b.build();
    const feeds = { x: noise([5, blocks * block], 7) };
    // The middle block is a hundred times larger, so its step is larger than the others'.
    feeds.x.data.forEach((value, index) => {
      if (Math.floor(index / block) % blocks === 1) feeds.x.data[index] = 100 * value;
    });
    const found = some((await runOnnx(graph, feeds, {})).out);
    const { out: exact } = evaluate(graph, feeds, noWeights);
    some(exact).data.forEach((value, index) => {
      const [row, column] = [Math.floor(index / out), index % out];
      let bound = 1e-3;
      for (let place = 0; place < blocks; place++) {
        const from = (row * blocks + place) * block;
        const step = Math.max(...feeds.x.data.slice(from, from + block).map(Math.abs)) / 127;
        const numbers = w.data.slice(
          (column * blocks + place) * block,
          (column * blocks + place + 1) * block,
        );
        const size = numbers.reduce((sum, number) => sum + Math.abs(number - 128), 0);
        bound += (step / 2) * size * Math.abs(scale.data[column * blocks + place] ?? NaN);
      }
      expect(Math.abs(Number(found.data[index]) - value)).toBeLessThanOrEqual(bound);
    });
  });
});
