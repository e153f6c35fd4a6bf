// Compares accuracies with LAVIS's vqa_eval.py (oracle/metrics/vqa_goldens.py, which checks that its answers reach
// every rule).
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normalizeVqaAnswer, vqaAccuracy } from "../src/index.ts";
import { pieces, readFixture } from "./support/fixtures.ts";
import { question } from "./support/generate.ts";

interface Goldens {
  readonly questions: number;
  readonly accuracy: {
    readonly overall: number;
    readonly perAnswerType: Readonly<Record<string, number>>;
    readonly perQuestionType: Readonly<Record<string, number>>;
  };
  readonly each: readonly number[];
  readonly normalized: readonly string[];
}

const goldens = readFixture("vqa.json") as Goldens;
const questions = Array.from({ length: goldens.questions }, (_, seed) => question(pieces, seed));

describe("beside LAVIS", () => {
  test("2,000 answers are normalized alike", () => {
    for (const [index, { answer }] of questions.entries())
      expect(normalizeVqaAnswer(answer), JSON.stringify(answer)).toBe(goldens.normalized[index]);
  });

  test("and have the same accuracy, each, by type and overall", () => {
    const found = vqaAccuracy(questions);
    for (const [index, accuracy] of found.each.entries())
      expect(accuracy, `question ${index}`).toBeCloseTo(goldens.each[index] ?? NaN, 8);
    expect(found.overall).toBeCloseTo(goldens.accuracy.overall, 8);
    for (const [types, expected] of [
      [found.byAnswerType, goldens.accuracy.perAnswerType],
      [found.byQuestionType, goldens.accuracy.perQuestionType],
    ] as const) {
      expect(Object.keys(types).sort()).toEqual(Object.keys(expected).sort());
      for (const [type, accuracy] of Object.entries(types))
        expect(accuracy).toBeCloseTo(expected[type] ?? NaN, 8);
    }
  });
});

describe("normalizeVqaAnswer", () => {
  test.each([
    ["The Red Bus", "red bus"],
    ["none", "0"],
    ["Ten", "10"],
    ["dont", "don't"],
    ["1,000", "1000"],
    ["black/white", "black white"],
    ["black / white", "black white"],
    ["black / white/red", "black whitered"],
    ["t-shirt", "t shirt"],
    ["5 p.m.", "5 pm"],
    ["3.5", "3.5"],
    ["somebody'd", "somebodyd"],
    ["constructor", "constructor"],
    ["\n yes\t", "yes"],
    // A space at either end does not count as a space beside the hyphen.
    [" -x-y", "x y"],
    ["x-y-\u3000", "x y"],
    [`${"a.".repeat(40)}b`, `${"a".repeat(32)}${"a.".repeat(8)}b`],
  ])("%j is %j", (answer, expected) => {
    expect(normalizeVqaAnswer(answer)).toBe(expected);
  });
});

describe("vqaAccuracy", () => {
  const asked = (answer: string, agree: number) => ({
    answer,
    answers: [
      ...Array.from({ length: agree }, () => answer),
      ...Array.from({ length: 10 - agree }, (_, n) => `no ${n}`),
    ],
  });

  test("is the share of groups of nine people in which three agree", () => {
    // If k of ten agree, k leave-one-out votes see k - 1 others, and the rest see k.
    const expected = [0, 30, 60, 90, 100, 100];
    expect(vqaAccuracy([0, 1, 2, 3, 4, 10].map((agree) => asked("red", agree))).each).toEqual(
      expected.map((value) => expect.closeTo(value, 10) as number),
    );
  });

  test("people's answers keep their capitals, and their punctuation if all are alike", () => {
    const answers = (text: string) => Array.from({ length: 10 }, () => text);
    expect(vqaAccuracy([{ answer: "Yes", answers: answers("Yes") }]).overall).toBe(0);
    expect(vqaAccuracy([{ answer: "t-shirt", answers: answers("t-shirt") }]).overall).toBe(0);
    expect(vqaAccuracy([{ answer: "t-shirt", answers: [...answers("t-shirt"), "hat"] }]).overall).toBe(100);
  });

  test("exact matches are counted by questions, after normalization of both sides", () => {
    const questions = [
      { answer: "Two", answers: ["2"] },
      { answer: "a red t-shirt", answers: ["hat", "red t shirt"] },
      { answer: "dog", answers: ["cat", "dogs"] },
      { answer: "no", answers: ["yes"] },
    ];
    expect(vqaAccuracy(questions).exactMatch).toBe(50);
  });

  test("types may have any name, and questions none", () => {
    const types = ["__proto__", "constructor", undefined];
    const found = vqaAccuracy(
      types.map((type) => ({ ...asked("a dog", 0), ...(type === undefined ? {} : { answerType: type }) })),
    );
    expect(Object.keys(found.byAnswerType).sort()).toEqual(["__proto__", "constructor"]);
    expect(found.byQuestionType).toEqual({});
  });

  test("is between 0 and 100 and does not depend on the order of people", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("a", "b", "no"),
        fc.array(fc.constantFrom("a", "b", "no", "the b"), { minLength: 1, maxLength: 10 }),
        (answer, answers) => {
          const { overall } = vqaAccuracy([{ answer, answers }]);
          expect(overall).toBeGreaterThanOrEqual(0);
          expect(overall).toBeLessThanOrEqual(100);
          expect(vqaAccuracy([{ answer, answers: answers.toReversed() }]).overall).toBeCloseTo(overall, 10);
        },
      ),
    );
  });

  test.each<[string, () => unknown, string]>([
    ["no question", () => vqaAccuracy([]), "questions: expected at least one question, got none."],
    [
      "a question that nobody answered",
      () => vqaAccuracy([{ answer: "a", answers: [] }]),
      "questions[0].answers: expected at least one answer, got none. Give at least one answer.",
    ],
  ])("refuses %s", (_what, call, message) => {
    expect(call).toThrow(message);
  });
});
