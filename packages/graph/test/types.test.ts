// Passes that change element types, and half precision stored as bits.
import {
  emitOnnx,
  evaluate,
  float16,
  floatTensor,
  fromHalf,
  GraphBuilder,
  int8,
  optimize,
  printGraph,
  toHalf,
  type Graph,
  type Tensor,
} from "@blip-ts/graph";
import { describe, expect, test } from "vitest";

/** A fused projection that is split, a product that stays, a mask and a norm. */
function network(): Graph {
  const b = GraphBuilder.create("network");
  const x = b.input("x", "float32", ["B", 4]);
  const ids = b.input("ids", "int64", ["B"]);
  const layer = b.at("layer");
  const normed = layer.layerNorm(x, "norm", 1e-5);
  const qkv = layer.linear(normed, "qkv", 8);
  const sum = layer.add(layer.slice(qkv, 1, 0, 4), layer.slice(qkv, 1, 4, 8));
  const masked = layer.multiply(b.cast(ids, "float32"), b.scalar(-3.4028234663852886e38));
  const hidden = layer.add(sum, layer.reshape(masked, ["B", 1]));
  b.output("past.0.key", hidden);
  b.output("score", b.linear(b.softmax(hidden), "head", 2));
  return b.build();
}

const numbers = (dims: readonly number[], seed: number) =>
  floatTensor(
    dims,
    Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, index) => Math.sin((index + 1) * seed)),
  );
const weights: Readonly<Record<string, Tensor>> = {
  "layer.norm.weight": numbers([4], 2),
  "layer.norm.bias": numbers([4], 3),
  "layer.qkv.weight": numbers([8, 4], 5),
  "layer.qkv.bias": numbers([8], 7),
  "head.weight": numbers([2, 4], 11),
  "head.bias": numbers([2], 13),
};
const weight = (name: string): Tensor => {
  const tensor = weights[name];
  if (!tensor) throw new Error(name);
  return tensor;
};

describe("int8", () => {
  const pass = int8(({ name }) => (name === "layer.qkv.weight" ? "row" : undefined));

  test("replaces chosen matrices, each range of rows with its own matrix and scales", () => {
    expect(printGraph(optimize(network(), [pass]))).toMatchInlineSnapshot(`
      "graph network
        input x : float32 [B, 4]
        input ids : int64 [B]
        # layer.norm
        %0 = layerNorm(x, .weight, .bias, epsilon=0.00001) : float32 [B, 4]
        # layer.qkv
        %1 = quantizedLinear(%0, .weight[0:4].int8, .weight[0:4].scale, .bias[0:4], activations=row) : float32 [B, 4]
        %2 = quantizedLinear(%0, .weight[4:8].int8, .weight[4:8].scale, .bias[4:8], activations=row) : float32 [B, 4]
        # layer
        %3 = add(%1, %2) : float32 [B, 4]
        # (top)
        %4 = cast(ids, to=float32) : float32 [B]
        # layer
        %5 = multiply(%4, -3.4028234663852886e+38) : float32 [B]
        %6 = reshape(%5, shape=[B, 1]) : float32 [B, 1]
        %7 = add(%3, %6) : float32 [B, 4]
        # (top)
        %8 = softmax(%7) : float32 [B, 4]
        # head
        %9 = linear(%8, .weight, .bias) : float32 [B, 2]
        output past.0.key = %7 : float32 [B, 4]
        output score = %9 : float32 [B, 2]
      "
    `);
  });

  test("reads the numbers under the new names", () => {
    // Each column of layer.qkv as 127 steps of its own scale.
    const quantized = (name: string): Tensor => {
      const match = /^layer\.qkv\.weight\[(\d+):(\d+)\]\.(int8|scale)$/.exec(name);
      if (!match) return weight(name);
      const [start, end] = [Number(match[1]), Number(match[2])];
      const rows = Array.from({ length: end - start }, (_, row) =>
        Array.from(weight("layer.qkv.weight").data.slice((start + row) * 4, (start + row + 1) * 4), Number),
      );
      const scales = rows.map((row) => Math.max(...row.map(Math.abs)) / 127);
      if (match[3] === "scale") return floatTensor([end - start], scales);
      const data = [0, 1, 2, 3].flatMap((column) =>
        rows.map((row, index) => Math.round((row[column] ?? 0) / (scales[index] ?? 1))),
      );
      return { dtype: "int8", dims: [4, end - start], data: Int8Array.from(data) };
    };
    const inputs = {
      x: numbers([3, 4], 17),
      ids: { dtype: "int64" as const, dims: [3], data: new BigInt64Array(3) },
    };
    const plain = evaluate(optimize(network()), inputs, weight)["past.0.key"]?.data ?? [];
    const rounded = evaluate(optimize(network(), [pass]), inputs, quantized)["past.0.key"]?.data ?? [];
    expect(rounded).toHaveLength(12);
    // Rounding changes weights and activations by at most 1/254 of their largest; four products of numbers up to 1.7.
    rounded.forEach((value, index) => expect(Math.abs(value - (plain[index] ?? NaN))).toBeLessThan(0.06));
    expect(rounded).not.toEqual(plain);
  });
});

describe("int8 in blocks", () => {
  const inBlocks = int8(({ name }) => (name === "layer.qkv.weight" ? { block: 2 } : undefined));

  test("has a scale for each block of a row", () => {
    const printed = printGraph(optimize(network(), [inBlocks]));
    expect(printed).toContain("blockLinear(%0, .weight[0:4].blocks, .weight[0:4].scale, .bias[0:4])");
    const shapes = optimize(network(), [inBlocks]).weights.flatMap(({ name, shape, value }) =>
      /blocks|scale/.test(name) ? [[name, value.dtype, ...shape]] : [],
    );
    expect(shapes.slice(0, 2)).toEqual([
      ["layer.qkv.weight[0:4].blocks", "uint8", 4, 2, 2],
      ["layer.qkv.weight[0:4].scale", "float32", 4, 2],
    ]);
  });

  test("is rejected if a node other than a linear reads the matrix", () => {
    const b = GraphBuilder.create("read");
    const matrix = b.at("layer").weight("weight", [4, 4]);
    b.output("product", b.matmul(b.input("x", "float32", ["B", 4]), matrix));
    expect(() => optimize(b.build(), [int8(() => ({ block: 2 }))])).toThrow(
      "layer.weight is read as a matrix: it cannot be of 8-bit blocks",
    );
  });
});

describe("int8, if a node other than a linear reads a matrix", () => {
  const b = GraphBuilder.create("folded");
  const x = b.input("x", "float32", ["B", 4]);
  const matrix = b.at("layer").weight("weight", [4, 4]);
  b.output("product", b.matmul(x, matrix));
  b.output("linear", b.op("linear", [x, matrix], {}));
  const graph = optimize(b.build(), [int8(() => "row")]);

  test("it has the values of its 8-bit numbers", () => {
    const scale = [0.5, 0.25, 2, 1];
    const whole = Array.from({ length: 16 }, (_, index) => (index * 7) % 23);
    const feeds = { x: floatTensor([1, 4], [1, 0, 0, 0]) };
    const { product } = evaluate(graph, feeds, (name) =>
      name === "layer.weight.scale"
        ? floatTensor([4], scale)
        : { dtype: "int8", dims: [4, 4], data: Int8Array.from(whole) },
    );
    // weight[o, i] = int8[i, o] * scale[o]: the first row of the weight is the first column of the 8-bit numbers.
    expect(Array.from(product?.data ?? [], Number)).toEqual(
      [0, 4, 8, 12].map((place) => (whole[place] ?? 0) / 2),
    );
  });

  test("its original is not read", () => {
    expect(graph.weights.map(({ name }) => name)).toEqual(["layer.weight.int8", "layer.weight.scale"]);
  });

  test("8-bit numbers are never read as floats", () => {
    const locate = () => ({ location: "file", offset: 0, dtype: "int8" as const });
    expect(() => emitOnnx(optimize(b.build()), locate)).toThrow(
      "weight layer.weight: expected float32, got int8 in the file",
    );
  });
});

describe("float16", () => {
  const pass = float16({ isHalfBorder: (name) => name.startsWith("past.") });

  test("computes norms and softmax in float32, keeps inputs and outputs, and makes the mask finite", () => {
    expect(printGraph(optimize(network(), [pass]))).toMatchInlineSnapshot(`
      "graph network
        input x : float32 [B, 4]
        input ids : int64 [B]
        # layer.norm
        %0 = layerNorm(x, .weight, .bias, epsilon=0.00001) : float32 [B, 4]
        # layer.qkv
        %1 = cast(%0, to=float16) : float16 [B, 4]
        %2 = linear(%1, .weight[0:4], .bias[0:4]) : float16 [B, 4]
        %3 = linear(%1, .weight[4:8], .bias[4:8]) : float16 [B, 4]
        # layer
        %4 = add(%2, %3) : float16 [B, 4]
        # (top)
        %5 = cast(ids, to=float16) : float16 [B]
        # layer
        %6 = multiply(%5, -65504) : float16 [B]
        %7 = reshape(%6, shape=[B, 1]) : float16 [B, 1]
        %8 = add(%4, %7) : float16 [B, 4]
        # (top)
        %9 = cast(%8, to=float32) : float32 [B, 4]
        %10 = softmax(%9) : float32 [B, 4]
        # head
        %11 = cast(%10, to=float16) : float16 [B, 4]
        %12 = linear(%11, .weight, .bias) : float16 [B, 2]
        # (top)
        %13 = cast(%12, to=float32) : float32 [B, 2]
        output past.0.key = %8 : float16 [B, 4]
        output score = %13 : float32 [B, 2]
      "
    `);
  });

  test("is the same function", () => {
    const inputs = {
      x: numbers([2, 4], 17),
      ids: { dtype: "int64" as const, dims: [2], data: new BigInt64Array(2) },
    };
    const [plain, half] = [[], [pass]].map(
      (passes) => evaluate(optimize(network(), passes), inputs, weight).score?.data,
    );
    // The evaluator does not round: it computes all types in doubles.
    half?.forEach((value, index) => expect(value).toBeCloseTo(plain?.[index] ?? NaN, 6));
  });
});

describe("half precision", () => {
  test("survives conversion to numbers and back, every value", () => {
    const all = Array.from({ length: 2 ** 16 }, (_, bits) => bits);
    expect(all.filter((bits) => Number.isFinite(fromHalf(bits)) && toHalf(fromHalf(bits)) !== bits)).toEqual(
      [],
    );
  });

  test.each([
    [1 + 2 ** -11, 0x3c00, "a tie to the even one below"],
    [1 + 3 * 2 ** -11, 0x3c02, "a tie to the even one above"],
    [2 ** -25, 0, "a tie below the smallest"],
    [2 ** -25 * 1.5, 1, "to the smallest"],
    [6.1e-5, 0x0400 - 1, "to the largest without a leading one"],
    [65519, 0x7bff, "to the largest"],
    [-3.4028234663852886e38, 0xfbff, "what is out of range to the lowest"],
    [Infinity, 0x7bff, "even infinity"],
    [-0, 0x8000, "minus zero"],
  ])("rounds %d to %i: %s", (value, bits) => {
    expect(toHalf(value)).toBe(bits);
  });

  test("keeps NaN", () => {
    expect(fromHalf(toHalf(NaN))).toBeNaN();
  });
});
