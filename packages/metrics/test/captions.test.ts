// Compares tokens and scores with pycocoevalcap's (oracle/metrics/captions_goldens.py).
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bleu, captionMetrics, ciderD, longestCaption, rougeL, tokenizeCaptions } from "../src/index.ts";
import { readFixture } from "./support/fixtures.ts";

describe("beside pycocoevalcap", () => {
  test("each line has the same tokens", () => {
    const lines = readFixture("tokens.json") as readonly (readonly [line: string, tokens: string])[];
    const found = tokenizeCaptions(lines.map(([line]) => line));
    for (const [index, [line, tokens]] of lines.entries()) expect(found[index]?.join(" "), line).toBe(tokens);
  });
});

describe("tokenizeCaptions", () => {
  test("lower-cases, cuts clitics, removes punctuation", () => {
    expect(tokenizeCaptions(["A man's dog, isn't it?", 'He said: "No -- never!"', "(a) [b]"])).toEqual([
      ["a", "man", "'s", "dog", "is", "n't", "it"],
      ["he", "said", "no", "never"],
      ["-lrb-", "a", "-rrb-", "-lsb-", "b", "-rsb-"],
    ]);
  });

  test("keeps each caption on one line, whatever breaks it contains", () => {
    const captions = ["a\nb", "c\r\nd", "", "  ", "e\u2028f", "g\u000bh", "\n"];
    const expected = [["a", "b"], ["c", "d"], [], [], ["e", "f"], ["g", "h"], []];
    expect(tokenizeCaptions(captions)).toEqual(expected);
    expect(tokenizeCaptions([])).toEqual([]);
  });

  test("the start of the next caption can decide about a full stop, as in pycocoevalcap", () => {
    const last = (captions: readonly string[]) => tokenizeCaptions(captions)[0]?.at(-1);
    expect(last(["in row A.", "the end"])).toBe("a.");
    expect(last(["in row A.", "The end"])).toBe("a");
    expect(last(["cat no.", "5 dogs"])).toBe("no.");
    expect(last(["cat no.", "five dogs"])).toBe("no");
  });

  test("any text: a list for each caption, tokens in small letters without spaces", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary", maxLength: 60 }), { maxLength: 5 }), (captions) => {
        const tokens = tokenizeCaptions(captions);
        // A tag's quotation mark may extend into the next caption, but no line is lost.
        expect(tokens).toHaveLength(captions.length);
        for (const token of tokens.flat()) {
          expect(token).not.toBe("");
          expect(token).not.toMatch(/[ \n]/);
          expect(token).toBe(token.toLowerCase());
        }
      }),
      { numRuns: 500 },
    );
  });

  test("words of only letters are tokens", () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[b-df-hj-np-tv-z]{3,9}$/), { minLength: 1 }), (words) => {
        expect(tokenizeCaptions([words.join(" ")])).toEqual([words]);
      }),
    );
  });

  test("rejects a caption that is too long", () => {
    expect(() => tokenizeCaptions(["a", "b".repeat(longestCaption + 1)])).toThrow(
      "captions[1]: expected at most 5000 characters, got 5001. Give one caption for each image.",
    );
  });
});

const words = fc.array(fc.constantFrom("a", "b", "c", "d", "e"), { minLength: 1, maxLength: 12 });
const several = fc.array(fc.tuple(words, fc.array(words, { minLength: 1, maxLength: 4 })), {
  minLength: 2,
  maxLength: 6,
});

describe("caption metrics", () => {
  test("a caption that is its only reference is perfect", () => {
    const captions = ["a man rides a red bike", "two dogs sleep on the big sofa"];
    const report = captionMetrics(
      captions,
      captions.map((one) => [one]),
    );
    for (const score of [report.bleu1, report.bleu4, report.rougeL]) expect(score).toBeCloseTo(1, 6);
    expect(report.ciderD).toBeCloseTo(10, 10);
  });

  test("captions without common words score 0", () => {
    const report = captionMetrics(["one two three four", "red"], [["five six seven eight"], ["blue"]]);
    expect(report.bleu4).toBeLessThan(1e-3);
    expect([report.rougeL, report.ciderD]).toEqual([0, 0]);
  });

  test("BLEU by hand: clipped counts and the brevity penalty", () => {
    // "the" counts twice, as often as in one reference; 7 words against 6 and 7: no penalty.
    const { each } = bleu(
      [["the", "the", "the", "the", "the", "the", "the"]],
      [
        [
          ["the", "cat", "is", "on", "the", "mat"],
          ["there", "is", "a", "cat", "on", "the", "mat"],
        ],
      ],
    );
    expect(each[0]?.[0]).toBeCloseTo(2 / 7, 8);
    const short = bleu([["the", "cat"]], [[["the", "cat", "sat", "down"]]]);
    expect(short.score[0]).toBeCloseTo(Math.exp(1 - 4 / 2), 8);
  });

  test("ROUGE-L by hand: recall weighs 1.2 times", () => {
    const { score } = rougeL([["a", "b", "c"]], [[["a", "x", "c", "y"]]]);
    const [precision, recall] = [2 / 3, 2 / 4];
    expect(score).toBeCloseTo((2.44 * precision * recall) / (recall + 1.44 * precision), 12);
    expect(rougeL([[], []], [[[]], [["a"]]]).each).toEqual([1, 0]);
  });

  test("CIDEr-D by hand: one word each, and the penalty of a longer caption", () => {
    // Two images, so the IDF of a word in one of them is ln 2. Unigrams agree, longer n-grams do not exist: 10 / 4.
    expect(ciderD([["a"], ["b"]], [[["a"]], [["b"]]]).each).toEqual([2.5, 2.5]);
    // "a" twice is clipped to once, but its norm stays 2: cosine 1/2. One more bigram: exp(-1 / 72).
    const { each } = ciderD([["a", "a"], ["b"]], [[["a"]], [["b"]]]);
    expect(each[0]).toBeCloseTo((10 / 4) * 0.5 * Math.exp(-1 / 72), 12);
    expect(ciderD([["a", "a"], ["b"]], [[["a"]], [["b"]]], { sigma: 1 }).each[0]).toBeCloseTo(
      1.25 * Math.exp(-0.5),
      12,
    );
    expect(ciderD([["a"]], [[["a"]]]).score).toBe(0);
  });

  test("scores stay in their range, and a caption among its references has a full ROUGE-L", () => {
    fc.assert(
      fc.property(several, (items) => {
        const captions = items.map(([caption]) => caption);
        const references = items.map(([, list]) => list);
        for (const score of bleu(captions, references).each.flat()) {
          expect(score).toBeGreaterThanOrEqual(0);
          expect(score).toBeLessThanOrEqual(1);
        }
        const rouge = rougeL(captions, references);
        const more = rougeL(
          captions,
          references.map((list, index) => [...list, captions[index] ?? []]),
        );
        for (const [index, score] of more.each.entries()) {
          expect(score).toBeCloseTo(1, 12);
          expect(rouge.each[index]).toBeLessThanOrEqual(1);
        }
        for (const score of ciderD(captions, references).each) {
          expect(score).toBeGreaterThanOrEqual(0);
          expect(score).toBeLessThanOrEqual(10 + 1e-9);
        }
      }),
    );
  });

  test("the order of references does not matter", () => {
    fc.assert(
      fc.property(several, (items) => {
        const captions = items.map(([caption]) => caption);
        const references = items.map(([, list]) => list);
        const turned = references.map((list) => list.toReversed());
        for (const metric of [rougeL, ciderD])
          expect(metric(captions, turned).score).toBeCloseTo(metric(captions, references).score, 10);
        expect(bleu(captions, turned)).toEqual(bleu(captions, references));
      }),
    );
  });

  test.each<[string, () => unknown, string]>([
    [
      "no caption",
      () => captionMetrics([], []),
      "captions: expected at least one caption, got none. Give at least one caption.",
    ],
    [
      "lists of another length",
      () => bleu([["a"], ["b"]], [[["a"]]]),
      "references: expected one for each of 2 captions, got 1. Give lists of equal length.",
    ],
    [
      "a caption without references",
      () => rougeL([["a"]], [[]]),
      "references[0]: expected at least one reference, got none.",
    ],
    [
      "no width",
      () => ciderD([["a"]], [[["a"]]], { sigma: 0 }),
      "sigma: expected a number above 0, got 0. Choose another sigma.",
    ],
  ])("refuses %s", (_what, call, message) => {
    expect(call).toThrow(message);
    expect(call).toThrow(expect.objectContaining({ code: "usage/bad-option" }) as Error);
  });
});
