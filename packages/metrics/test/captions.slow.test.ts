// Compares a thousand generated sets with pycocoevalcap's tokens and scores (oracle/metrics/captions_goldens.py), and
// times captions that are built to be slow.
import { describe, expect, test } from "vitest";
import { captionMetrics, type CaptionMetrics, longestCaption, tokenizeCaptions } from "../src/index.ts";
import { pieces, readFixture } from "./support/fixtures.ts";
import { captionSet, fingerprint } from "./support/generate.ts";

interface Goldens {
  readonly sets: number;
  readonly score: readonly number[];
  readonly each: readonly (readonly number[])[];
  readonly tokens: string;
}

const goldens = readFixture("captions.json") as Goldens;
const sets = Array.from({ length: goldens.sets }, (_, seed) => captionSet(pieces, seed));
const inOrder = (of: CaptionMetrics) => [of.bleu1, of.bleu2, of.bleu3, of.bleu4, of.rougeL, of.ciderD];

describe("beside pycocoevalcap", () => {
  test("1,000 generated sets of a caption and five references have the same tokens", () => {
    const captions = tokenizeCaptions(sets.map(({ caption }) => caption));
    const references = tokenizeCaptions(sets.flatMap((one) => one.references));
    const found = captions.map((caption, index) =>
      [caption, ...references.slice(5 * index, 5 * index + 5)].map((tokens) => tokens.join(" ")).join("\n"),
    );
    expect(found.map((text) => fingerprint(text).toString(36))).toEqual(goldens.tokens.split(" "));
  });

  test("and the same scores, together and each, to 1e-6", () => {
    const report = captionMetrics(
      sets.map(({ caption }) => caption),
      sets.map(({ references }) => references),
    );
    for (const [index, score] of inOrder(report).entries())
      expect(Math.abs(score - (goldens.score[index] ?? NaN)), `metric ${index}`).toBeLessThan(1e-6);
    for (const [set, each] of report.each.entries())
      for (const [index, score] of inOrder(each).entries()) {
        const expected = goldens.each[index]?.[set] ?? NaN;
        // The golden numbers have nine digits.
        expect(Math.abs(score - expected), `set ${set}, metric ${index}`).toBeLessThan(1e-6);
      }
  });
});

describe("tokenizeCaptions", () => {
  test("an adversarial caption of the longest length takes seconds of processor time at most", () => {
    const long = (piece: string) =>
      piece.repeat(Math.ceil(longestCaption / piece.length)).slice(0, longestCaption);
    const started = process.cpuUsage();
    for (const piece of [
      "a,",
      "a.",
      "<a ",
      '<a b="',
      "a-",
      "1,",
      "+",
      "www.a",
      "&a;",
      "a@",
      "'a",
      "a'",
      "é+",
      "1 ",
      "U.S. ",
    ])
      tokenizeCaptions([long(piece)]);
    expect(process.cpuUsage(started).user / 1e6).toBeLessThan(15);
  });
});
