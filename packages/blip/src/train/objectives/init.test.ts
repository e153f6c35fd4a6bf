// Initial weights against those of the original classes before training.
import { readFile } from "node:fs/promises";
import { must } from "@blip-ts/base";
import { describe, expect, test } from "vitest";
import { fixture } from "../../../test/support/goldens.ts";
import { initialWeights } from "./init.ts";

type Statistics = readonly [shape: readonly number[], mean: number, deviation: number, largest: number];
const { weights } = JSON.parse(await readFile(fixture("train/init.json"), "utf8")) as {
  readonly weights: Readonly<Record<string, Statistics>>;
};
const shapes = Object.entries(weights).map(([name, [shape]]) => ({ name, shape }));
const made = initialWeights(shapes, 5);

function statisticsOf(data: Float32Array) {
  const mean = data.reduce((sum, x) => sum + x, 0) / data.length;
  const variance = data.reduce((sum, x) => sum + (x - mean) ** 2, 0) / data.length;
  const largest = data.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return { mean, deviation: Math.sqrt(variance), largest };
}

describe("weights to begin with", () => {
  test.each(Object.entries(weights))(
    "%s is distributed as the reference's",
    (name, [shape, mean, deviation, largest]) => {
      const { dims, data } = must(
        [made.get(name)].flatMap((one) => one ?? []),
        0,
      );
      const found = statisticsOf(data);
      const count = data.length;
      expect(dims).toEqual(shape);
      if (deviation === 0) {
        // A constant, or a single number: equal on both sides.
        expect([found.deviation, found.mean]).toEqual([0, Math.fround(mean)]);
        return;
      }
      // Both sides are samples: five standard errors of a mean, and of a deviation, for the difference of two.
      expect(Math.abs(found.mean - mean)).toBeLessThan((7 * deviation) / Math.sqrt(count));
      expect(Math.abs(found.deviation / deviation - 1)).toBeLessThan(7 / Math.sqrt(2 * count));
      // A uniform distribution ends at 1.73 deviations; a normal one with this many numbers extends beyond 3.
      if (count > 2000) expect(found.largest > 2.5 * found.deviation).toBe(largest > 2.5 * deviation);
    },
  );

  test("heads and the patch convolution stay within 1 / sqrt(fan-in), and reach it", () => {
    for (const [name, fanIn] of [
      ["vision_proj.weight", 96],
      ["vision_model.embeddings.patch_embedding.weight", 3 * 8 * 8],
    ] as const) {
      const { largest } = statisticsOf(made.get(name)?.data ?? new Float32Array());
      expect(largest).toBeLessThanOrEqual(1 / Math.sqrt(fanIn));
      expect(largest).toBeGreaterThan(0.99 / Math.sqrt(fanIn));
    }
    expect(made.get("temp")?.data).toEqual(Float32Array.of(0.07));
  });

  test("follow from the seed and the name alone", () => {
    const name = "text_encoder.embeddings.word_embeddings.weight";
    const shape = must(
      must(
        [weights[name]].flatMap((one) => (one ? [one] : [])),
        0,
      ),
      0,
    ) as readonly number[];
    const alone = initialWeights([{ name, shape }], 5).get(name);
    expect(alone).toEqual(made.get(name));
    expect(initialWeights([{ name, shape }], 6).get(name)).not.toEqual(alone);
  });

  test("of what follows another one are that one's", () => {
    const shape = [64, 64];
    const [online, momentum] = ["text_proj.weight", "text_proj_m.weight"];
    const both = initialWeights(
      [
        { name: online, shape },
        { name: momentum, shape },
      ],
      5,
      { [momentum]: online },
    );
    expect(both.get(momentum)?.data).toEqual(both.get(online)?.data);
  });

  test("of a head's bias need its matrix beside it", () => {
    expect(() => initialWeights([{ name: "itm_head.bias", shape: [2] }], 1)).toThrow(
      "weights to begin with, itm_head.bias: expected a bias with its matrix, got a bias alone.",
    );
  });
});
