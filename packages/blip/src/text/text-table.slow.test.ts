// The ids of 12,000 random texts against transformers' (oracle/hf/text_table.py), in every mode.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { must, UsageError } from "@blip-ts/base";
import { goldenJson } from "../../test/support/goldens.ts";
import type { Compat } from "../platform.ts";
import { TextProcessor } from "../processor/text-processor.ts";
import { BertTokenizer, type EncodedTexts } from "./word-piece.ts";

interface Golden {
  readonly texts: string;
  readonly count: number;
  readonly group: number;
  /** Texts of more than 35 tokens. */
  readonly cut: number;
  readonly modes: Readonly<Record<string, readonly string[]>>;
}

const words = (
  "a the dog Dogs cats red-haired woman's playing skateboarding Straße İstanbul café naïve don't it's two 384x384 3.5 ½ " +
  "U.S.A. x'y №5 ﬁsh ǅ ẞ ΟΔΟΣ ΣΟΦΌΣ Ὀδυσσεύς [MASK] [DEC] ##ing"
).split(" ");
const marks = Array.from(".,!?'\"()[]{}*#:;~-_/&%$@^`|<>=+·…«»、。“”’–—");
const separators = ["", " ", "  ", "\u00a0", " "];
const ranges: readonly (readonly (readonly [first: number, last: number])[])[] = [
  [[0x20, 0xd7ff], [0xe000, 0xfffd], [0x10000, 0x1fffd], [0x20000, 0x323af], [0xe0000, 0xe01ef], [0x10ff00, 0x10ffff]],
  [[0x21, 0x7e], [0xa1, 0x24f], [0x1e00, 0x1eff]],
  [[0x300, 0x36f], [0x483, 0x487], [0x591, 0x5bd], [0x1ab0, 0x1aff], [0x1dc0, 0x1dff], [0x20d0, 0x20f0], [0xfe20, 0xfe2f]],
  [[0x4e00, 0x9fff], [0x3400, 0x4dbf], [0xf900, 0xfaff], [0x20000, 0x2a6df], [0x2a700, 0x2ceaf], [0x3040, 0x30ff], [0xac00, 0xd7a3]],
  [[0x1f300, 0x1f64f], [0x1f900, 0x1faff], [0x2600, 0x27bf], [0xfe0f, 0xfe0f], [0x200d, 0x200d], [0x1f1e6, 0x1f1ff]],
  [[0x391, 0x3c9], [0x3a3, 0x3a3], [0x1f00, 0x1fff]],
  [[0x00, 0x20], [0x7f, 0xa0], [0x2000, 0x200f], [0x2028, 0x202f], [0x3000, 0x3000], [0xfeff, 0xfeff], [0xad, 0xad]],
]; // prettier-ignore

/** Generates a text by the oracle's rule. */
function drawn(seed: number): string {
  let state = seed;
  const below = (count: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % count;
  };
  const part = (): string => {
    const pool = below(ranges.length + 3);
    if (pool > ranges.length) return must(words, below(words.length));
    if (pool === ranges.length) return must(marks, below(marks.length));
    const own = must(ranges, pool);
    const [first, last] = must(own, below(own.length));
    return String.fromCodePoint(first + below(last - first + 1));
  };
  let text = "";
  for (let left = 1 + below(below(8) === 0 ? 60 : 9); left > 0; left--)
    text += part() + must(separators, below(separators.length));
  return text;
}

const golden = await goldenJson<Golden>("text-table");
const texts = Array.from({ length: golden.count }, (_, seed) => drawn(seed));
const tokenizer = BertTokenizer.fromVocabulary(
  await readFile(new URL("../../models/bert-base-uncased/vocab.txt", import.meta.url), "utf8"),
);

/** A mode's ids of each text; of a text without tokens, those of the empty text. */
function idsOf(compat: Compat, encode: (reader: TextProcessor, texts: readonly string[]) => EncodedTexts) {
  const reader = new TextProcessor(tokenizer, 10_000, compat);
  return texts.map((text) => {
    try {
      return Array.from(encode(reader, [text]).inputIds.data, Number);
    } catch (error) {
      if (!(error instanceof UsageError) || error.code !== "text/empty") throw error;
      return [tokenizer.clsId, tokenizer.sepId];
    }
  });
}

const hashesOf = (rows: readonly (readonly number[])[]) =>
  Array.from({ length: golden.count / golden.group }, (_, group) =>
    createHash("sha256")
      .update(JSON.stringify(rows.slice(group * golden.group, (group + 1) * golden.group)))
      .digest("hex")
      .slice(0, 12),
  );

const cutAt35 = (rows: readonly (readonly number[])[]) =>
  rows.map((row) => (row.length > 35 ? [...row.slice(0, 34), tokenizer.sepId] : row));

test("the texts are the oracle's, and many are cut", () => {
  expect(createHash("sha256").update(texts.join("\n")).digest("hex").slice(0, 12)).toBe(golden.texts);
  expect(golden.count).toBe(12_000);
  expect(golden.cut).toBeGreaterThan(500);
});

type Encode = (reader: TextProcessor, texts: readonly string[]) => EncodedTexts;
const match: Encode = (reader, some) => reader.encode(some);
const ask: Encode = (reader, some) => reader.encodeQuestions(some);
const compare: Encode = (reader, some) => reader.encodeStatements(some);
const embed: Encode = (reader, some) => reader.encodeFeatureTexts(some);
const uncut: Encode = (reader, some) => reader.encode(some, { maxLength: 10_000 });

/** Compares the hashes: without BLIP's limits as they are, with them against the same rows cut. */
test.each<[string, Encode, readonly Compat[], string]>([
  ["match, ask, compare, embed as given", match, ["hf"], "as given"],
  ["ask as given", ask, ["hf"], "as given"],
  ["compare as given", compare, ["hf", "demo"], "as given"],
  ["embed as given", embed, ["hf", "blip", "demo"], "as given"],
  ["match as given, uncut", uncut, ["demo"], "as given"],
  ["match, cleaned", uncut, ["blip", "lavis"], "pre_caption, 30 words"],
  ["compare, cleaned", compare, ["blip", "lavis"], "pre_caption, 40 words"],
])("%s: ids equal transformers'", (_, encode, modes, name) => {
  for (const compat of modes) expect(hashesOf(idsOf(compat, encode)), compat).toEqual(golden.modes[name]);
});

test("the cut is at 35 tokens, [SEP] included", () => {
  const given = cutAt35(idsOf("hf", match));
  expect(idsOf("demo", match)).toEqual(given);
  expect(idsOf("demo", ask)).toEqual(given);
  expect(idsOf("blip", match)).toEqual(cutAt35(idsOf("blip", uncut)));
  expect(idsOf("lavis", embed)).toEqual(idsOf("lavis", match));
});

test("questions, cleaned and cut: ids equal transformers'", () => {
  for (const compat of ["blip", "lavis"] as const)
    expect(hashesOf(idsOf(compat, ask)), compat).toEqual(golden.modes["pre_question, 50 words, 35 tokens"]);
});
