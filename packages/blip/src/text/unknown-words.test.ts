// Words that a vocabulary lacks: almost none of English for BERT's, most for one of 297 words about drawings.
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import type { Warning } from "@blip-ts/base";
import { fixture, goldenJson } from "../../test/support/goldens.ts";
import { TextProcessor } from "../processor/text-processor.ts";
import { BertTokenizer } from "./word-piece.ts";
import { readsUnknownWords, unknownWords } from "./unknown-words.ts";

const vocabularyOf = async (path: string) => BertTokenizer.fromVocabulary(await readFile(path, "utf8"));
const bert = await vocabularyOf(fixture("../packages/blip/models/bert-base-uncased/vocab.txt"));
const small = await vocabularyOf(fixture("vocabularies/drawings/vocab.txt"));

const isWarned = (tokenizer: BertTokenizer, text: string) => readsUnknownWords(tokenizer.pieces(text));

describe("BERT's vocabulary", () => {
  test.each([
    "a woman sitting on the beach with her dog",
    "Three kangaroos and a wallaby skateboarding past the Eiffel Tower in Paris, 2017",
    "an ornithologist photographs a red-crested pochard; it's 7:45 a.m.",
    "a café in São Paulo, naïve paintings on its walls",
    "the MRI of a rhinoceros with hyperparathyroidism",
    "an NBA game, LAL vs. GSW (Oct 22nd)",
    "two labradoodles, a cockapoo and a goldendoodle",
  ])("has the words of: %s", (text) => {
    expect(isWarned(bert, text)).toBe(false);
  });

  test("has those of the English texts that have goldens", async () => {
    const { cleanup } = await goldenJson<{ cleanup: readonly { text: string }[] }>("tokenizer");
    const english = cleanup.map(({ text }) => text).filter((text) => /^[ -~]*[a-z]{3}[ -~]*$/.test(text));
    expect(english.length).toBeGreaterThan(3);
    expect(english.filter((text) => isWarned(bert, text))).toEqual([]);
  });

  test.each([
    ["a dog \u{1f436}", ["\u{1f436}"]],
    ["a sign that says zxqv", ["zxqv"]],
    ["\u{1780}\u{17d2}\u{1798}\u{17c2}\u{179a}", ["\u{1780}\u{17d2}\u{1798}\u{17c2}\u{179a}"]],
  ])("lacks some of: %s", (text, words) => {
    expect(isWarned(bert, text)).toBe(true);
    expect(unknownWords(bert, text)).toEqual(words);
  });
});

describe("a small vocabulary", () => {
  test.each([
    "a large red apple on a blue background",
    "how many sheep are there? 12",
    "Two dogs, left of a cat.",
  ])("has the words of: %s", (text) => {
    expect(isWarned(small, text)).toBe(false);
  });

  test.each([
    ["a woman sitting on the beach with her dog", ["woman", "sitting", "beach", "her"]],
    ["a Giraffe, on a skateboard!", ["Giraffe", "skateboard"]],
    ["a red car", ["car"]],
  ])("lacks words of: %s", (text, words) => {
    expect(isWarned(small, text)).toBe(true);
    expect(unknownWords(small, text)).toEqual(words);
  });
});

describe("the warning", () => {
  const reader = () => {
    const warnings: Warning[] = [];
    return {
      warnings,
      texts: new TextProcessor(small, 512, "blip", undefined, (one) => warnings.push(one)),
    };
  };

  test("names the words once for a list, as they were written", () => {
    const { warnings, texts } = reader();
    texts.encode(["a red apple", "A Giraffe, on a skateboard!", "a giraffe"]);
    expect(warnings.map(({ code }) => code)).toEqual(["text/unknown-words"]);
    expect(warnings[0]?.message).toMatch(
      /^the model's vocabulary lacks "Giraffe", "skateboard", in 2 of 3 texts: it reads them letter by letter/,
    );
    texts.encode(["a giraffe"]);
    texts.encodeQuestions(["is it a giraffe?"]);
    expect(warnings).toHaveLength(1);
  });

  test("comes for questions, statements and answers too, and not for texts that a model made", () => {
    for (const ask of ["encodeQuestions", "encodeStatements", "encodeFeatureTexts", "answerIds"] as const) {
      const { warnings, texts } = reader();
      texts[ask](["a giraffe"]);
      expect(warnings).toHaveLength(1);
    }
    const { warnings, texts } = reader();
    texts.encodeQuietly(["a giraffe"]);
    expect(warnings).toEqual([]);
  });

  test("comes five times at most, and names eight words of many", () => {
    const { warnings, texts } = reader();
    const words = Array.from({ length: 20 }, (_, index) => `wombat${"x".repeat(index)}`);
    texts.encode([words.join(" ")]);
    expect(warnings[0]?.message).toContain("and 12 more: it reads");
    for (const letter of "abcdefgh") texts.encode([`${letter}wombat`]);
    expect(warnings).toHaveLength(5);
    expect(warnings.map(({ message }) => message.includes("No more"))).toEqual([
      false,
      false,
      false,
      false,
      true,
    ]);
  });
});
