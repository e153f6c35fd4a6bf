// Token ids, identical to transformers' (oracle/hf/text_goldens.py).
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { preCaption, preQuestion } from "./pre-caption.ts";
import { BertTokenizer } from "./word-piece.ts";

interface Golden {
  readonly texts: readonly { text: string; ids: number[]; ids35: number[]; decoded: string }[];
  readonly cleanup: readonly { text: string; maxWords: number; caption: string; question: string }[];
}

interface Nasty {
  readonly texts: readonly { readonly text: string; readonly ids: readonly number[] }[];
  readonly characters: readonly (readonly [code: number, ids: readonly number[]])[];
}

const root = new URL("../../../../", import.meta.url);
const golden = JSON.parse(await readFile(new URL("fixtures/goldens/tokenizer.json", root), "utf8")) as Golden;
const nasty = JSON.parse(
  await readFile(new URL("fixtures/goldens/tokenizer-nasty.json", root), "utf8"),
) as Nasty;
const vocabulary = await readFile(new URL("packages/blip/models/bert-base-uncased/vocab.txt", root), "utf8");
const tokenizer = BertTokenizer.fromVocabulary(vocabulary);

describe("the bundled vocabulary", () => {
  test("is bert-base-uncased's, byte for byte", () => {
    expect(Buffer.byteLength(vocabulary)).toBe(231_508);
    expect(createHash("sha256").update(vocabulary).digest("hex")).toBe(
      "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    );
    expect([tokenizer.padId, tokenizer.clsId, tokenizer.sepId]).toEqual([0, 101, 102]);
  });
});

describe("BertTokenizer", () => {
  test.each(golden.texts)("gives transformers' ids of $text", ({ text, ids }) => {
    expect(tokenizer.ids(text)).toEqual(ids);
  });

  test("pads and cuts as transformers does", () => {
    for (const { text, ids35 } of golden.texts.filter(({ text }) => text.trim() !== "")) {
      const { inputIds, attentionMask } = tokenizer.encode([text], 512, {
        padding: "max_length",
        truncation: true,
        maxLength: 35,
      });
      expect([...inputIds.data].map(Number)).toEqual(ids35);
      // Only tokens after the text's [SEP] are padding. A text may contain [PAD] itself.
      const length = Math.min(tokenizer.ids(text).length, 35);
      expect([...attentionMask.data].map(Number)).toEqual(ids35.map((_, index) => (index < length ? 1 : 0)));
    }
  });

  test("pads a batch to its longest text", () => {
    const { inputIds, attentionMask } = tokenizer.encode(["a dog", "a dog on the beach"], 512);
    expect(inputIds.dims).toEqual([2, 7]);
    expect([...attentionMask.data].map(Number)).toEqual([1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1]);
  });

  test("decodes without special tokens and ids outside of the vocabulary", () => {
    expect(tokenizer.decode([30522, 1037, 2450, 3564, 102, 30523])).toBe("a woman sitting");
  });

  test("refuses an empty text and one that is longer than the position table", () => {
    expect(() => tokenizer.encode(["a", "  "], 512)).toThrow(/text 2 is empty/);
    expect(() => tokenizer.encode(["word ".repeat(600)], 512)).toThrow(
      /at most 512 tokens \(the model's positions\), got 602\. Give a shorter text; .*truncation: true/,
    );
  });

  test("reads tokenizer.json as it reads vocab.txt", async () => {
    const folder = new URL("fixtures/vocabularies/drawings/", root);
    const json = JSON.parse(await readFile(new URL("tokenizer.json", folder), "utf8")) as unknown;
    const [a, b] = [
      BertTokenizer.fromJson(json),
      BertTokenizer.fromVocabulary(await readFile(new URL("vocab.txt", folder), "utf8")),
    ];
    for (const text of ["a small sheep on a purple background", "Three BICYCLES, zebra?"])
      expect(a.ids(text)).toEqual(b.ids(text));
  });

  test.each([
    ["a line twice", "[PAD]\n[PAD]\n", /line 2: expected a new token, got "\[PAD\]" again/],
    ["no [CLS]", "[PAD]\n[UNK]\n[SEP]\n", /expected \[CLS\], .* got none/],
  ])("refuses a vocabulary with %s", (_what, text, message) => {
    expect(() => BertTokenizer.fromVocabulary(text)).toThrow(message);
  });

  test("refuses a tokenizer.json of another kind", () => {
    expect(() => BertTokenizer.fromJson({ model: { type: "BPE" } })).toThrow(
      /tokenizer\.json: model: expected WordPiece, got {"type":"BPE"}/,
    );
    expect(() => BertTokenizer.fromJson([])).toThrow(/an object with a model, got none/);
  });
});

describe("nasty texts (oracle/hf/nasty_text_goldens.py)", () => {
  test("have transformers' ids: Greek, CJK above U+FFFF, characters newer than its tables", () => {
    const different = nasty.texts.filter(({ text, ids }) => tokenizer.ids(text).join() !== ids.join());
    expect(different.map(({ text }) => text)).toEqual([]);
    expect(nasty.texts).toHaveLength(411);
  });

  test("have them wherever characters begin to be kept, parted or dropped", () => {
    const idsOf = (code: number) => tokenizer.ids(`a${String.fromCodePoint(code)}b`).slice(1, -1);
    const different = nasty.characters.filter(([code, ids]) => idsOf(code).join() !== ids.join());
    expect(different.map(([code]) => code.toString(16))).toEqual([]);
    expect(nasty.characters.length).toBeGreaterThan(1_000);
  });

  test("a vocabulary that keeps capitals keeps its sigma", () => {
    const json = tokenizerJson({ lowercase: false }, "ΟΣ");
    expect(BertTokenizer.fromJson(json, { do_lower_case: false }).ids("ΟΣ")).toEqual([2, 4, 3]);
  });
});

/** A tokenizer.json of a few words. */
function tokenizerJson(normalizer: object, ...words: readonly string[]): object {
  return {
    added_tokens: [],
    normalizer: { type: "BertNormalizer", ...normalizer },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: { type: "BertProcessing", cls: ["[CLS]", 2], sep: ["[SEP]", 3] },
    model: {
      type: "WordPiece",
      vocab: Object.fromEntries(["[PAD]", "[UNK]", "[CLS]", "[SEP]", ...words].map((word, id) => [word, id])),
    },
  };
}

// oracle/hf/side_files.py compares the same for real files.
describe("tokenizer_config.json decides how texts are read, as in transformers", () => {
  const words = ["dog", "Dog", "É", "é", "e", "中", "中文"];
  const read = (normalizer: object, config?: object) => {
    const tokenizer = BertTokenizer.fromJson(tokenizerJson(normalizer, ...words), config);
    return { ids: tokenizer.ids("Dog É 中文").slice(1, -1), warnings: tokenizer.warnings };
  };
  const lower = [4, 8, 9, 1];
  const cased = [5, 6, 9, 1];

  test.each<[string, object, object | undefined, number[], number]>([
    ["nothing said", {}, undefined, lower, 0],
    ["capitals", {}, { do_lower_case: false }, cased, 1],
    ["the same in both", { lowercase: false }, { do_lower_case: false }, cased, 0],
    ["capitals in tokenizer.json alone", { lowercase: false }, undefined, lower, 1],
    ["accents", {}, { strip_accents: false }, [4, 7, 9, 1], 1],
    ["Chinese in words", {}, { tokenize_chinese_chars: false }, [4, 8, 10], 1],
    ["a general class", { lowercase: false }, { tokenizer_class: "TokenizersBackend" }, cased, 0],
  ])("%s", (_, normalizer, config, ids, warnings) => {
    const found = read(normalizer, config);
    expect(found.ids).toEqual(ids);
    expect(found.warnings).toHaveLength(warnings);
  });

  test("a difference is said with both files' fields", () => {
    const [warning] = read({ lowercase: false, strip_accents: false }, { do_lower_case: true }).warnings;
    expect(warning).toMatchObject({ code: "tokenizer/rules-differ" });
    expect(warning?.message).toContain(
      "got lowercase false, strip_accents false in its normalizer and do_lower_case true, strip_accents true from",
    );
  });

  test("of a vocab.txt too, and what is written says the same", () => {
    const lines = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", ...words].join("\n");
    const config = { do_lower_case: false, strip_accents: true };
    const tokenizer = BertTokenizer.fromVocabulary(lines, "vocab.txt", config);
    expect(tokenizer.ids("Dog É e").slice(1, -1)).toEqual([5, 1, 8]);
    const written = BertTokenizer.fromJson(tokenizer.toJson(), config);
    expect([written.ids("Dog É e"), written.warnings]).toEqual([tokenizer.ids("Dog É e"), []]);
  });

  test("model_max_length is where texts are cut if the call does not say", () => {
    const json = tokenizerJson({}, ...words);
    const lengthOf = (most: number, options: object) =>
      BertTokenizer.fromJson(json, { model_max_length: most }).encode(["dog ".repeat(30)], 64, options)
        .inputIds.data.length;
    expect(lengthOf(16, { truncation: true })).toBe(16);
    expect(lengthOf(16, { truncation: true, maxLength: 20 })).toBe(20);
    expect(lengthOf(1e30, { truncation: true })).toBe(32);
    expect(lengthOf(16, {})).toBe(32);
  });
});

describe("BLIP's clean-up", () => {
  test.each(golden.cleanup)("of $text, $maxWords words", ({ text, maxWords, caption, question }) => {
    expect(preCaption(text, maxWords)).toBe(caption);
    expect(preQuestion(text, maxWords)).toBe(question);
  });
});
