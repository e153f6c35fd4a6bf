// tokenizer.json is untrusted: BERT's components are read, and everything else is refused before any of it runs.
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { failureOf } from "@blip-ts/testing";
import { fixture } from "../../test/support/goldens.ts";
import { ModelError } from "@blip-ts/base";
import { nodePlatform } from "../platform/node/node-platform.ts";
import { loadProcessor } from "../processor/processor.ts";
import { BertTokenizer } from "./word-piece.ts";

interface File {
  [field: string]: unknown;
  added_tokens: Record<string, unknown>[];
  model: Record<string, unknown> & { vocab: Record<string, unknown> };
}

const small = fixture("vocabularies/drawings");
const text = await readFile(join(small, "tokenizer.json"), "utf8");
const original = (): File => JSON.parse(text) as File;
/** The word table has as many rows as tokens; here it has two more. */
const tokens = 297;
const rows = tokens + 2;
const read = (file: unknown) => BertTokenizer.fromJson(file, {}, "m/tokenizer.json", rows);
const sentence = "A small sheep, on a purple background?";
const ids = read(original()).ids(sentence);

/** The file with a change. */
function changed(change: (file: File) => void): File {
  const file = original();
  change(file);
  return file;
}

describe("a tokenizer.json that transformers saved", () => {
  test.each([small, fixture("tiny/match")])("of %s is read", async (folder) => {
    const file: unknown = JSON.parse(await readFile(join(folder, "tokenizer.json"), "utf8"));
    const plain = BertTokenizer.fromVocabulary(await readFile(join(folder, "vocab.txt"), "utf8"));
    const tokenizer = BertTokenizer.fromJson(file);
    expect(tokenizer.ids(sentence)).toEqual(plain.ids(sentence));
    expect([...tokenizer.vocabulary]).toEqual([...plain.vocabulary]);
  });

  const bert = { type: "BertProcessing", sep: ["[SEP]", 3], cls: ["[CLS]", 2] };
  const added = (id: number, content: string) => ({ id, content, special: true, normalized: false });

  test.each<[string, (file: File) => void]>([
    ["with BertProcessing instead of a template", (file) => (file.post_processor = bert)],
    ["of 2019, without the type of its model", (file) => delete file.model.type],
    ["without a decoder", (file) => delete file.decoder],
    ["with truncation and padding", (file) => Object.assign(file, { truncation: {}, padding: {} })],
    ["with more tokens added", (file) => file.added_tokens.push(added(297, "[BOS]"), added(298, "[IMG]"))],
    ["with ids between that no token has", (file) => file.added_tokens.push(added(298, "[IMG]"))],
    ["with fields of a later version", (file) => Object.assign(file, { version: "2.0", more: [1] })],
  ])("%s is read", (_, change) => {
    expect(read(changed(change)).ids(sentence)).toEqual(ids);
  });

  test("gives added tokens their ids, and skips the holes between", () => {
    const tokenizer = read(changed((file) => file.added_tokens.push(added(298, "[IMG]"))));
    expect(tokenizer.ids("[IMG] sheep")).toContain(298);
    expect(tokenizer.vocabulary.size).toBe(298);
    expect([...tokenizer.vocabulary.keys()].every((token) => typeof token === "string")).toBe(true);
    expect(tokenizer.decode([298, 297])).toBe("");
    expect(tokenizer.toVocabulary().split("\n")[297]).toBe("[unused-297]");
  });
});

const split = { type: "Split", pattern: { Regex: "(a+)+b" }, behavior: "Removed", invert: false };
const replace = { type: "Replace", pattern: { Regex: "(a+)+b" }, content: "" };
const single = (...names: string[]) => names.map((id) => ({ SpecialToken: { id, type_id: 0 } }));

describe("a tokenizer.json that asks for more", () => {
  test.each<[string, string, (file: File) => void]>([
    [
      "a pre-tokenizer with an expression of its own",
      "pre_tokenizer",
      (file) => (file.pre_tokenizer = split),
    ],
    [
      "pieces of length 0",
      "pre_tokenizer",
      (file) => (file.pre_tokenizer = { type: "FixedLength", length: 0 }),
    ],
    [
      "a sequence",
      "pre_tokenizer",
      (file) => (file.pre_tokenizer = { type: "Sequence", pretokenizers: [split] }),
    ],
    ["no pre-tokenizer", "pre_tokenizer", (file) => (file.pre_tokenizer = null)],
    ["an expression before it", "normalizer", (file) => (file.normalizer = replace)],
    [
      "expressions before it",
      "normalizer",
      (file) => (file.normalizer = { type: "Sequence", normalizers: [{ type: "BertNormalizer" }, replace] }),
    ],
    ["an expression behind it", "decoder", (file) => (file.decoder = replace)],
    ["another model", "model", (file) => Object.assign(file.model, { type: "BPE", merges: [] })],
    ["a type that is no text", "model", (file) => (file.model.type = { toString: 1, valueOf: 1 })],
    ["no vocabulary", "model.vocab", (file) => Object.assign(file.model, { vocab: [] })],
    [
      "another frame",
      "post_processor.single",
      (file) =>
        (file.post_processor = {
          type: "TemplateProcessing",
          single: single(..."[CLS] [CLS] [SEP]".split(" ")),
        }),
    ],
    ["no frame", "post_processor", (file) => (file.post_processor = null)],
    [
      "accents that are no switch",
      "normalizer.strip_accents",
      (file) => (file.normalizer = { type: "BertNormalizer", strip_accents: "yes" }),
    ],
    ["added tokens that are none", "added_tokens[0]", (file) => (file.added_tokens = [7 as unknown as File])],
    [
      "an added token without letters",
      "added_tokens[5].content",
      (file) => file.added_tokens.push({ id: 5, content: "" }),
    ],
  ])("%s is refused, and the field named", (_, field, change) => {
    const call = () => read(changed(change));
    expect(call).toThrow(ModelError);
    expect(call).toThrow(`m/tokenizer.json: ${field}: expected `);
    expect(call).toThrow(expect.objectContaining({ code: "tokenizer/unsupported-component" }) as Error);
  });

  test.each<[string, (file: File) => void]>([
    ["2^31", (file) => (file.model.vocab.x = 2 ** 31)],
    ["that is the number of rows", (file) => (file.model.vocab.x = rows)],
    ["below 0", (file) => (file.model.vocab.x = -1)],
    ["0.5", (file) => (file.model.vocab.x = 0.5)],
    ["null", (file) => (file.model.vocab.x = null)],
    ["that is text", (file) => (file.model.vocab.x = "298")],
    ["that another token has", (file) => (file.model.vocab.x = 17)],
    ["of an added token that another token has", (file) => file.added_tokens.push({ id: 17, content: "x" })],
    ["of an added token, 2^31", (file) => file.added_tokens.push({ id: 2 ** 31, content: "x" })],
    ["of a token that has another one", (file) => file.added_tokens.push({ id: 298, content: "[CLS]" })],
    [
      "of [CLS] that is not the vocabulary's",
      (file) => (file.post_processor = { type: "BertProcessing", sep: ["[SEP]", 3], cls: ["[CLS]", 4] }),
    ],
    ["of an unknown token that is none", (file) => (file.model.unk_token = "<unk>")],
  ])("an id %s is refused", (_, change) => {
    const call = () => read(changed(change));
    expect(call).toThrow(expect.objectContaining({ code: "tokenizer/bad-id" }) as Error);
    expect(call).toThrow(
      /^m\/tokenizer\.json: (?:model|added_tokens\[\d\]|post_processor)\..*expected .*, got/,
    );
  });

  test.each<[string, (file: File) => void]>([
    ["a long token", (file) => (file.model.vocab["x".repeat(600)] = 298)],
    [
      "long added tokens",
      (file) => {
        file.model.vocab = {};
        file.added_tokens = Array.from({ length: 250 }, (_, id) => ({
          id,
          content: `${"x".repeat(500)}${id}`,
        }));
      },
    ],
    [
      "many added tokens",
      (file) => (file.added_tokens = Array.from({ length: 10_001 }, () => ({ id: 0, content: "[PAD]" }))),
    ],
    ["long words", (file) => (file.model.max_input_chars_per_word = 1e9)],
    ["a long prefix", (file) => (file.model.continuing_subword_prefix = "#".repeat(100))],
  ])("%s are refused", (_, change) => {
    expect(() => read(changed(change))).toThrow(
      expect.objectContaining({ code: "tokenizer/limit" }) as Error,
    );
  });

  test("never fails but on purpose, whatever stands in it", () => {
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom<unknown>(2 ** 31, -1, 0.5, split, replace, "__proto__", { toString: 1 }, "[CLS]", 17),
    );
    const place = fc.array(fc.nat(400), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(place, value, (steps, put) => {
        const file = original();
        let parent: Record<string, unknown> = file;
        let key = "";
        for (const step of steps) {
          const inside = key === "" ? parent : parent[key];
          if (typeof inside !== "object" || inside === null || Object.keys(inside).length === 0) break;
          parent = inside as Record<string, unknown>;
          const keys = Object.keys(parent);
          key = keys[step % keys.length] ?? "";
        }
        parent[key] = put;
        try {
          const tokenizer = read(file);
          for (const id of tokenizer.ids(sentence)) expect(id >= 0 && id < rows).toBe(true);
          tokenizer.decode([1, 2, 298]);
        } catch (error) {
          expect(error).toBeInstanceOf(ModelError);
        }
      }),
      { numRuns: 2_000 },
    );
  }, 60_000);

  test("is refused at once where a model is loaded, before any text is read", async () => {
    const folder = await mkdtemp(join(tmpdir(), "blip-tokenizer-"));
    try {
      const tiny = fixture("tiny/match");
      await cp(tiny, folder, { recursive: true });
      await rm(join(folder, "vocab.txt"));
      const own = JSON.parse(await readFile(join(tiny, "tokenizer.json"), "utf8")) as File;
      const last = Object.keys(own.model.vocab).length - 1;
      const put = (change: (file: File) => void) => {
        const file = structuredClone(own);
        change(file);
        return writeFile(join(folder, "tokenizer.json"), JSON.stringify(file));
      };
      await put((file) => (file.model.vocab.x = 2 ** 31));
      const failure = await failureOf(() => loadProcessor(nodePlatform, folder));
      expect(failure).toMatchObject({ code: "tokenizer/bad-id" });
      expect(failure.message).toContain(`${folder}/tokenizer.json: model.vocab, the token "x"`);
      // One row beyond the table: it has two more than tokens.
      await put((file) => (file.model.vocab.x = last + 3));
      expect(await failureOf(() => loadProcessor(nodePlatform, folder))).toMatchObject({
        code: "tokenizer/bad-id",
      });
      await put((file) => {
        file.model.vocab = Object.fromEntries(
          Object.entries(file.model.vocab).filter(([, id]) => id !== last),
        );
      });
      const plain = BertTokenizer.fromJson(own);
      expect((await loadProcessor(nodePlatform, folder)).tokenizer.ids(sentence)).toEqual(
        plain.ids(sentence),
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  }, 10_000);
});
