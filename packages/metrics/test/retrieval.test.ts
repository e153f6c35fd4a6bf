// Compares recalls with BLIP's itm_eval, in LAVIS's version (oracle/metrics/retrieval_goldens.py).
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { retrievalMetrics, retrievalReport, type RankReport } from "../src/index.ts";
import { readFixture } from "./support/fixtures.ts";
import { ranking } from "./support/generate.ts";

interface Goldens {
  readonly levels: number;
  /** Queries with a hit in the first 1, 5, 10: texts for images, then images for texts. */
  readonly plain: readonly (readonly number[])[];
  readonly tied: readonly (readonly number[])[];
}

const goldens = readFixture("retrieval.json") as Goldens;

function hits(seed: number, levels?: number): number[] {
  const { imageToText, textToImage, textsOfImage } = ranking(seed, levels);
  const report = retrievalReport(imageToText, textToImage, textsOfImage);
  const counts = ({ r1, r5, r10 }: RankReport, queries: number) =>
    [r1, r5, r10].map((one) => (one * queries) / 100);
  return [
    ...counts(report.imageToText, imageToText.length),
    ...counts(report.textToImage, textToImage.length),
  ].map((count) => Math.round(count * 1e9) / 1e9);
}

describe("beside BLIP's itm_eval", () => {
  test("1,000 rankings without ties have the same recalls", () => {
    for (const [seed, expected] of goldens.plain.entries())
      expect(hits(seed), `seed ${seed}`).toEqual(expected);
  });

  test("1,000 rankings with ties have those of a stable argsort, reversed", () => {
    for (const [seed, expected] of goldens.tied.entries())
      expect(hits(seed, goldens.levels), `seed ${seed}`).toEqual(expected);
  });
});

describe("retrievalReport", () => {
  test("reports how much ties can change R@k", () => {
    const scores = [
      [1, 1, 0],
      [0, 0, 2],
    ];
    const { imageToText, textToImage, rMean } = retrievalReport(
      scores,
      [
        [3, 0],
        [3, 0],
        [0, 3],
      ],
      [[0, 1], [2]],
    );
    // Both texts that tie for image 0 are relevant.
    expect(imageToText).toMatchObject({ r1: 100, bounds: { r1: { lowest: 100, highest: 100 } } });
    expect(textToImage.r1).toBe(100);
    expect(rMean).toBe(100);
    const tied = retrievalReport([[1, 1]], [[0], [0]], [[0, 1]]);
    expect(tied.imageToText.r1).toBe(100);
    const block = Array.from({ length: 12 }, () => -100);
    const all = retrievalReport(
      block.map(() => block),
      block.map(() => block),
      block.map((_, index) => [index]),
    );
    // In reversed order the last of the block is first: of 12 relevant candidates, one, five and ten are in the top k.
    expect(all.imageToText).toMatchObject({
      r1: 100 / 12,
      r5: 500 / 12,
      r10: 1000 / 12,
      medianRank: 6.5,
      meanRank: 6.5,
      bounds: {
        r1: { lowest: 0, highest: 100 },
        r5: { lowest: 0, highest: 100 },
        r10: { lowest: 0, highest: 100 },
      },
    });
  });

  const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });

  test("bounds contain the recall; without ties they coincide", () => {
    fc.assert(
      fc.property(seeds, fc.option(fc.integer({ min: 1, max: 5 })), (seed, levels) => {
        const { imageToText, textToImage, textsOfImage } = ranking(seed, levels ?? undefined);
        const report = retrievalReport(imageToText, textToImage, textsOfImage);
        for (const one of [report.imageToText, report.textToImage])
          for (const k of ["r1", "r5", "r10"] as const) {
            const { lowest, highest } = one.bounds[k];
            expect(lowest).toBeLessThanOrEqual(one[k]);
            expect(one[k]).toBeLessThanOrEqual(highest);
            if (levels === null) expect(lowest).toBe(highest);
          }
      }),
    );
  });

  test("bounds are the recalls of the best and the worst order of ties", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const { imageToText, textToImage, textsOfImage } = ranking(seed, 3);
        const report = retrievalReport(imageToText, textToImage, textsOfImage);
        for (const sign of [1, -1]) {
          // A tiny bonus or penalty for relevant items breaks every tie one way.
          const broken = imageToText.map((row, image) =>
            row.map(
              (score, text) => score + (textsOfImage[image]?.includes(text) === true ? sign * 1e-6 : 0),
            ),
          );
          const { r1, r5, r10 } = retrievalMetrics(broken, textsOfImage);
          const side = sign === 1 ? "highest" : "lowest";
          const { bounds } = report.imageToText;
          expect([r1, r5, r10]).toEqual([bounds.r1[side], bounds.r5[side], bounds.r10[side]]);
        }
      }),
    );
  });

  test.each<[string, () => unknown, string]>([
    ["no image", () => retrievalReport([], [], []), "scores: expected at least one query, got none."],
    [
      "an image without texts",
      () => retrievalReport([[1]], [[1]], [[]]),
      "relevant[0]: expected at least one right candidate, got none.",
    ],
    [
      "a text that is not there",
      () => retrievalReport([[1, 2]], [[1]], [[0, 1]]),
      "textsOfImage[0]: expected texts from 0 to 0, got 1.",
    ],
    [
      "a text of two images",
      () => retrievalReport([[1], [1]], [[1, 1]], [[0], [0]]),
      "textsOfImage: expected each text with exactly one image, got 2 images for text 0. Use retrievalMetrics",
    ],
    ["a text of no image", () => retrievalReport([[1, 1]], [[1], [1]], [[0]]), "got 0 images for text 1."],
    ["NaN", () => retrievalMetrics([[NaN, 1]], [[1]]), "scores[0][0]: expected a finite number, got NaN."],
  ])("refuses %s", (_what, call, message) => {
    expect(call).toThrow(message);
  });
});
