// Compares binary metrics with scikit-learn's (oracle/metrics/match_goldens.py); tests Winoground's scores and NLVR2's
// consistency.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { matchMetrics, nlvrMetrics, pairRanking, rocAuc, winoground } from "../src/index.ts";
import { readFixture } from "./support/fixtures.ts";
import { labelledPairs } from "./support/generate.ts";

const goldens = readFixture("match.json") as { levels: number; lists: readonly (readonly number[])[] };

describe("beside scikit-learn", () => {
  test("300 lists of pairs, half of them with ties, have the same metrics", () => {
    for (const [seed, expected] of goldens.lists.entries()) {
      const { scores, labels } = labelledPairs(seed, seed % 2 === 1 ? goldens.levels : undefined);
      const { accuracy, precision, recall, f1 } = matchMetrics(scores, labels);
      for (const [index, value] of [accuracy, precision, recall, f1, rocAuc(scores, labels)].entries())
        expect(value, `list ${seed}, metric ${index}`).toBeCloseTo(expected[index] ?? NaN, 10);
    }
  });
});

const finite = fc.double({ min: -5, max: 5, noNaN: true });
const pairs = fc
  .array(fc.tuple(fc.oneof(finite, fc.integer({ min: -2, max: 2 })), fc.boolean()), {
    minLength: 2,
    maxLength: 30,
  })
  .filter((list) => new Set(list.map(([, label]) => label)).size === 2)
  .map((list) => ({ scores: list.map(([score]) => score), labels: list.map(([, label]) => label) }));

describe("rocAuc", () => {
  test("is the share of pairs in order, ties half", () => {
    fc.assert(
      fc.property(pairs, ({ scores, labels }) => {
        const of = (wanted: boolean) => scores.filter((_, index) => labels[index] === wanted);
        const [right, wrong] = [of(true), of(false)];
        let won = 0;
        for (const one of right) for (const other of wrong) won += one > other ? 1 : one === other ? 0.5 : 0;
        expect(rocAuc(scores, labels)).toBeCloseTo(won / (right.length * wrong.length), 10);
      }),
    );
  });

  test("is reversed with the scores", () => {
    fc.assert(
      fc.property(pairs, ({ scores, labels }) => {
        const turned = scores.map((score) => -score);
        expect(rocAuc(scores, labels) + rocAuc(turned, labels)).toBeCloseTo(1, 10);
      }),
    );
  });
});

describe("matchMetrics", () => {
  test("counts a score at the threshold as a match", () => {
    const all = { accuracy: 1, precision: 1, recall: 1, f1: 1 };
    expect(matchMetrics([0.5, 0.49], [true, false])).toEqual(all);
    expect(matchMetrics([2, 1], [true, false], { threshold: 1.5 })).toEqual(all);
    expect(matchMetrics([0.1, 0.2], [true, true])).toEqual({ accuracy: 0, precision: 0, recall: 0, f1: 0 });
  });
});

describe("pairRanking", () => {
  test("requires the true text strictly above the false one", () => {
    expect(pairRanking([0.9, 0.5, 0.1, 1], [0.1, 0.5, 0.9, 0])).toEqual({ accuracy: 0.5, ties: 0.25 });
    expect(pairRanking(Float32Array.of(1), Float32Array.of(0))).toEqual({ accuracy: 1, ties: 0 });
  });
});

describe("winoground", () => {
  test("distinguishes text, image and group", () => {
    const items = [
      [
        [0.9, 0.1],
        [0.2, 0.8],
      ],
      // Text 0 beats text 1 on its image and text 1 on its own, but image 1 wins with both texts.
      [
        [0.5, 0.6],
        [0.4, 0.9],
      ],
      // Each text finds its image, but text 0 wins on both images.
      [
        [0.9, 0.7],
        [0.1, 0.6],
      ],
      // Each image finds its text, but image 0 wins with both texts.
      [
        [0.9, 0.1],
        [0.8, 0.2],
      ],
      // Each text finds its image, but text 1 wins on both images.
      [
        [0.3, 0.1],
        [0.5, 0.6],
      ],
      // All scores are equal: ties are wrong.
      [
        [0.5, 0.5],
        [0.5, 0.5],
      ],
    ] as const;
    expect(winoground(items)).toEqual({ text: 3 / 6, image: 3 / 6, group: 1 / 6 });
  });

  test("group is never above text or image", () => {
    const row = fc.tuple(finite, finite);
    fc.assert(
      fc.property(fc.array(fc.tuple(row, row), { minLength: 1 }), (items) => {
        const { text, image, group } = winoground(items);
        expect(group).toBeLessThanOrEqual(Math.min(text, image));
        expect(group).toBeGreaterThanOrEqual(text + image - 1 - 1e-12);
      }),
    );
  });
});

describe("nlvrMetrics", () => {
  const example = (identifier: string | undefined, right: boolean, sentence = "same") => ({
    prediction: right,
    label: true,
    sentence,
    ...(identifier === undefined ? {} : { identifier }),
  });

  test("consistency requires all pairs of a sentence to be right", () => {
    const examples = [
      example("dev-850-0-0", true),
      example("dev-850-1-0", true),
      example("dev-850-0-1", true),
      example("dev-850-1-1", false),
      example("dev-851-0-0", false),
    ];
    expect(nlvrMetrics(examples)).toEqual({ accuracy: 3 / 5, consistency: 1 / 3, sentences: 3 });
  });

  test("without identifiers equal sentences count as one", () => {
    const examples = [
      example(undefined, true, "a"),
      example(undefined, false, "a"),
      example(undefined, true, "b"),
    ];
    expect(nlvrMetrics(examples)).toEqual({ accuracy: 2 / 3, consistency: 1 / 2, sentences: 2 });
  });

  test("consistency is never above the accuracy of a data set with as many pairs for each sentence", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.boolean()), { minLength: 1 }), (sentences) => {
        const examples = sentences.flatMap(([one, other], index) => [
          example(`test1-${index}-0-0`, one),
          example(`test1-${index}-1-0`, other),
        ]);
        const { accuracy, consistency } = nlvrMetrics(examples);
        expect(consistency).toBeLessThanOrEqual(accuracy);
      }),
    );
  });

  test.each<[string, () => unknown, string]>([
    ["no example", () => nlvrMetrics([]), "examples: expected at least one example, got none."],
    [
      "another identifier",
      () => nlvrMetrics([example("a-b", true)]),
      'examples[0].identifier: expected "split-set-pair-sentence"',
    ],
    ["no pair", () => matchMetrics([], []), "scores: expected at least one pair, got none."],
    [
      "lists of another length",
      () => rocAuc([1], [true, false]),
      "labels: expected one for each of 1 scores, got 2.",
    ],
    ["NaN", () => matchMetrics([NaN], [true]), "scores[0]: expected a finite number, got NaN."],
    [
      "no threshold",
      () => matchMetrics([1], [true], { threshold: NaN }),
      "threshold: expected a finite number, got NaN.",
    ],
    [
      "labels that are alike",
      () => rocAuc([1, 2], [true, true]),
      "labels: expected true and false ones, got only true.",
    ],
    [
      "pairs without a partner",
      () => pairRanking([1], []),
      "wrong: expected one for each of 1 true texts, got 0.",
    ],
    ["no pairs", () => pairRanking([], []), "right: expected at least one pair, got none."],
    ["no item", () => winoground([]), "items: expected at least one item, got none."],
    [
      "an item without a score",
      () =>
        winoground([
          [
            [0, 1],
            [Infinity, 0],
          ],
        ]),
      "items[0][1][0]: expected a finite number, got Infinity.",
    ],
  ])("refuses %s", (_what, call, message) => {
    expect(call).toThrow(message);
  });
});
