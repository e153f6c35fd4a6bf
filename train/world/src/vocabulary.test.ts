import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { bertRows, longWords, piecesOf, vocabulary, wordsIn } from "./vocabulary.ts";

const rows = readFileSync(new URL("../vocab.txt", import.meta.url), "utf8")
  .trimEnd()
  .split("\n");

describe("vocab.txt", () => {
  test("matches the script's output", () => {
    expect(rows).toEqual(vocabulary());
  });

  test("has 1,536 to 2,048 rows of bert-base-uncased, each once, and few others", () => {
    expect(rows.length).toBeGreaterThanOrEqual(1536);
    expect(rows.length).toBeLessThanOrEqual(2048);
    expect(new Set(rows).size).toBe(rows.length);
    const bert = new Set(bertRows());
    expect(rows.filter((row) => !bert.has(row))).toMatchInlineSnapshot(`
      [
        "cacti",
        "doughnuts",
        "giraffe",
        "giraffes",
        "koalas",
        "ladybug",
        "ladybugs",
        "pineapples",
        "sunflowers",
        "tulips",
        "watermelon",
        "watermelons",
        "[DEC]",
        "[ENC]",
      ]
    `);
    expect(rows.slice(0, 5)).toEqual(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]);
  });

  test("no word of any template takes more than two rows", () => {
    expect(longWords(rows)).toEqual([]);
  });

  test("any text has pieces", () => {
    const known = new Set(rows);
    for (const word of wordsIn("Zebras' IMG_2043.jpg, naïve? qwxyz (50%)"))
      expect(piecesOf(word, known), word).toBeDefined();
  });
});
