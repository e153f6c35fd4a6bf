// How long texts may be, and what the longest cost.
import { describe, expect, test } from "vitest";
import { failureOf } from "@blip-ts/testing";
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
  test("above the bound are refused before they are looked at, and the option is named", async () => {
    const failure = await failureOf(() => encode(processor(), ["a dog", "a".repeat(10_001)]));
    expect(failure.code).toBe("text/too-long");
    expect(failure.message).toContain("text 2: expected at most 10000 characters, found 10001");
    expect(failure.message).toContain("maxTextLength (--max-text-length)");
    expect(await failureOf(() => encode(processor(4), ["a dog"]))).toMatchObject({ code: "text/too-long" });
  });

  test("at the bound are read", () => {
    encode(processor(), ["a".repeat(10_000)]);
    encode(processor(20_000, "blip"), ["a".repeat(20_000)]);
  });
});

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
  // The square of it would be minutes.
  expect(process.cpuUsage(started).user / 1e6).toBeLessThan(2);
});

test("is cleaned up as before", () => {
  expect(preCaption(" A Dog.\n\n")).toBe("a dog");
  expect(preCaption("  a   dog \n")).toBe("a dog");
  expect(preQuestion("Is it  a dog?  ")).toBe("is it  a dog?");
});
