// Draws by weight, on ONNX Runtime, against the inverse of the cumulative sum in doubles, and for rows without weights.
import { emitOnnx, floatTensor, GraphBuilder } from "@blip-ts/graph";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { beforeAll, describe, expect, test } from "vitest";
import { drawRows } from "./hard-negatives.ts";
import { wrongPairs } from "./matching.ts";
import { streamOf, uniforms } from "./random.ts";

const columns = 5;
let session: InferenceSession;

beforeAll(async () => {
  const b = GraphBuilder.create("draw");
  const weights = b.input("weights", "float32", ["B", columns]);
  const { choice, exists } = drawRows(b, weights, b.input("draws", "float32", ["B"]));
  b.output("choice", choice);
  b.output("exists", exists);
  const none = () => {
    throw new Error("there are no weights");
  };
  session = await InferenceSession.create(emitOnnx(b.build(), none), { intraOpNumThreads: 1 });
});

async function draw(weights: readonly (readonly number[])[], draws: ArrayLike<number>) {
  const rows = weights.length;
  const run = await session.run({
    weights: new OrtTensor("float32", Float32Array.from(weights.flat()), [rows, columns]),
    draws: new OrtTensor("float32", Float32Array.from(draws), [rows]),
  });
  const choice = run.choice?.data as Float32Array;
  return {
    chosen: weights.map((_, row) => {
      const one = [...choice.subarray(row * columns, (row + 1) * columns)];
      expect(one.filter((x) => x !== 0 && x !== 1)).toEqual([]);
      expect(one.filter((x) => x === 1).length).toBeLessThanOrEqual(1);
      return one.indexOf(1);
    }),
    exists: [...(run.exists?.data as Float32Array)],
  };
}

describe("a draw", () => {
  test("is the first column whose cumulative weight is above the number", async () => {
    const weights = [0.1, 0.2, 0, 0.3, 0.4];
    const numbers = [0, 0.05, 0.15, 0.29, 0.31, 0.59, 0.61, 0.99];
    const { chosen, exists } = await draw(
      numbers.map(() => weights),
      numbers,
    );
    expect(chosen).toEqual([0, 0, 1, 1, 3, 3, 4, 4]);
    expect(exists).toEqual(numbers.map(() => 1));
  });

  test("comes as often as its weight, and never where the weight is 0", async () => {
    const weights = [3, 0, 1, 0, 6];
    const count = 4000;
    const numbers = uniforms(count, streamOf(11, "draws"));
    const { chosen } = await draw(
      Array.from({ length: count }, () => weights),
      numbers,
    );
    const shares = weights.map((_, column) => chosen.filter((one) => one === column).length / count);
    // For a share of one half in 4,000 draws, four standard deviations are 0.03.
    weights.forEach((weight, column) =>
      expect(Math.abs((shares[column] ?? 1) - weight / 10)).toBeLessThan(0.03),
    );
    expect([shares[1], shares[3]]).toEqual([0, 0]);
  });

  test("finds nothing where no column has a weight", async () => {
    const { chosen, exists } = await draw(
      [
        [0, 0, 0, 0, 0],
        [0, 0, 1, 0, 0],
      ],
      [0.5, 0.999999],
    );
    expect(chosen).toEqual([-1, 2]);
    expect(exists).toEqual([0, 1]);
  });

  test("is never a column of no weight, at any border", async () => {
    const weights = [0, 1e-30, 0, 1, 0];
    const numbers = [0, 1e-31, 0.5, 1 - 2 ** -24];
    const { chosen, exists } = await draw(
      numbers.map(() => weights),
      numbers,
    );
    chosen.forEach((column, row) => {
      if (exists[row] === 1) expect([1, 3]).toContain(column);
    });
    expect(exists.slice(2)).toEqual([1, 1]);
  });
});

test("wrong pairs are those of different images", () => {
  expect(wrongPairs([7, 3, 7])).toEqual(floatTensor([3, 3], [0, 1, 0, 1, 0, 1, 0, 1, 0]));
});

test("numbers are below 1 in float32 too, and follow from seed and name", () => {
  const numbers = uniforms(1000, streamOf(3, "a"));
  expect(Math.max(...numbers)).toBeLessThan(1);
  expect(uniforms(1000, streamOf(3, "a"))).toEqual(numbers);
  expect(uniforms(1000, streamOf(3, "b"))).not.toEqual(numbers);
  expect(uniforms(1000, streamOf(4, "a"))).not.toEqual(numbers);
});
