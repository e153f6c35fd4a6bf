// The length limit of texts, and the cost of the longest.
import { describe, expect, test } from "vitest";
import { failureOf } from "@blip-ts/testing";
import { readFile } from "node:fs/promises";
import { fixture, goldenJson } from "../../test/support/goldens.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import type { Compat } from "../platform.ts";
import { Embedder } from "../verbs/embed.ts";
import { preCaption, preQuestion } from "../text/pre-caption.ts";
import { BertTokenizer } from "../text/word-piece.ts";
import { checkMaxTextLength, TextProcessor } from "./text-processor.ts";

const words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "-", "dog"];
const tokenizer = BertTokenizer.fromVocabulary(words.join("\n"));
const processor = (maxLength?: number, compat: "hf" | "blip" = "hf") =>
  new TextProcessor(tokenizer, 512, compat, maxLength);

type Encode = (reader: TextProcessor, texts: readonly string[]) => unknown;
const ways: readonly (readonly [string, Encode])[] = [
  ["texts", (reader, texts) => reader.encode(texts, { truncation: true })],
  ["questions", (reader, texts) => reader.encodeQuestions(texts)],
  ["statements", (reader, texts) => reader.encodeStatements(texts)],
  ["answers", (reader, texts) => reader.answerIds(texts)],
];

describe.each(ways)("%s", (_, encode) => {
  test("above the bound are rejected before they are looked at, and the option is named", async () => {
    const failure = await failureOf(() => encode(processor(), ["a dog", "a".repeat(10_001)]));
    expect(failure.code).toBe("text/too-long");
    expect(failure.message).toContain("text 2: expected at most 10000 characters, got 10001");
    expect(failure.message).toContain("raise maxTextLength");
    expect(await failureOf(() => encode(processor(4), ["a dog"]))).toMatchObject({ code: "text/too-long" });
  });

  test("at the bound are read", () => {
    encode(processor(), ["a".repeat(10_000)]);
    encode(processor(20_000, "blip"), ["a".repeat(20_000)]);
  });
});

test.each(["a dog", "[PAD]", "...", "\u200b", "\u00ad\u200d", " ", "a".repeat(20), "a".repeat(21)])(
  "%j is legible if it can be encoded",
  async (text) => {
    for (const compat of ["hf", "blip"] as const) {
      const reader = processor(20, compat);
      const failure = await failureOf(() => reader.encode([text])).catch(() => undefined);
      expect(reader.isLegible(text)).toBe(failure === undefined);
    }
  },
);

test.each([0, -1, 0.5, NaN, Infinity, "9" as unknown as number])(
  "a bound of %s is refused",
  async (length) => {
    expect(await failureOf(() => checkMaxTextLength(length))).toMatchObject({ code: "usage/bad-option" });
    expect(await failureOf(() => processor(length))).toMatchObject({ code: "usage/bad-option" });
  },
);

test.each<[string, string]>([
  ["spaces before the end", `a${" ".repeat(1_000_000)}a`],
  ["line ends before the end", `a${"\n".repeat(1_000_000)}a`],
  ["spaces at the end", `a${" ".repeat(1_000_000)}`],
  ["mixed spaces", "\t \n".repeat(300_000)],
])("a million %s take no more than their length", (_, text) => {
  const started = process.cpuUsage();
  preQuestion(text);
  preCaption(text);
  // A quadratic algorithm would take minutes.
  expect(process.cpuUsage(started).user / 1e6).toBeLessThan(2);
});

test("is cleaned up as before", () => {
  expect(preCaption(" A Dog.\n\n")).toBe("a dog");
  expect(preCaption("  a   dog \n")).toBe("a dog");
  expect(preQuestion("Is it  a dog?  ")).toBe("is it  a dog?");
});

describe("texts whose features are wanted", async () => {
  const golden = await goldenJson<{ texts: readonly { text: string; ids: readonly number[] }[] }>(
    "tokenizer",
  );
  const vocabulary = await readFile(
    new URL("../../models/bert-base-uncased/vocab.txt", import.meta.url),
    "utf8",
  );
  const bert = BertTokenizer.fromVocabulary(vocabulary);
  const idsOf = (compat: Compat, text: string) =>
    Array.from(new TextProcessor(bert, 1_000, compat).encodeFeatureTexts([text]).inputIds.data, Number);

  test("are read as they are under blip, which is BLIP_Base's call of its tokenizer", () => {
    for (const { text, ids } of golden.texts) expect(idsOf("blip", text)).toEqual(ids);
    expect(idsOf("blip", "A cat, close up!")).toHaveLength(8);
    expect(golden.texts.some(({ ids }) => ids.length > 35)).toBe(true);
  });

  test("of the demo too, which cuts others at 35 tokens and cleans none", () => {
    expect(idsOf("demo", "A cat, close up!")).toHaveLength(8);
    expect(idsOf("demo", "word ".repeat(60))).toHaveLength(62);
    const demo = new TextProcessor(bert, 1_000, "demo");
    const lengthOf = ({ inputIds }: { inputIds: { data: BigInt64Array } }) => inputIds.data.length;
    const long = ["Word! ".repeat(60)];
    expect(
      [demo.encode(long), demo.encodeQuestions(long), demo.encodeStatements(long)].map(lengthOf),
    ).toEqual([35, 35, 122]);
    expect(lengthOf(demo.encode(["A cat, close up!"]))).toBe(8);
    expect(lengthOf(demo.encodeQuestions(["(Is) it a cat?"]))).toBe(9);
  });

  test("are read as they are under hf, and cleaned and cut under lavis", () => {
    expect(idsOf("hf", "A cat, close up!")).toHaveLength(8);
    expect(idsOf("lavis", "A cat, close up!")).toHaveLength(7);
    expect(idsOf("lavis", "word ".repeat(60))).toHaveLength(32);
  });
});

test("the verb embed has a state for each token of the text as it is, under blip", async () => {
  const statesOf = async (compat: Compat) => {
    await using embedder = await Embedder.load(nodePlatform, fixture("tiny/match"), { compat });
    const rows: unknown[] = [];
    for await (const row of embedder.embedTexts(["two red cars, a dog!"], { states: true })) rows.push(row);
    return rows;
  };
  const blip = await statesOf("blip");
  expect(blip).toEqual(await statesOf("hf"));
  expect(blip).not.toEqual(await statesOf("lavis"));
});
