// Captions that lose sentences, and previews of batches.
import { expect, test } from "vitest";
import {
  captionsOf,
  epochOf,
  numbered,
  take,
  using,
  type Setup,
} from "../../../test/support/training-sets.ts";
import type { SkippedSample, TrainingPosition } from "./batch.ts";
import { itemsOf } from "./items.ts";
import { resolveOptions } from "./options.ts";
import { Random, streams } from "./random.ts";
import { sentencesOf, someOf } from "./sentences.ts";

test.each<[string, readonly string[]]>([
  ["A cat on a mat. It sleeps! Is it old?", ["A cat on a mat.", "It sleeps!", "Is it old?"]],
  ['A sign says "stop." Two dogs wait', ['A sign says "stop."', "Two dogs wait"]],
  ["first line\nsecond line\n\n third", ["first line", "second line", "third"]],
  ["一只猫。两只狗！树", ["一只猫。", "两只狗！", "树"]],
  ["", []],
])("the sentences of %j", (text, sentences) => {
  expect(sentencesOf(text)).toEqual(sentences);
});

test.each([
  "Mr. Smith at St. Mary vs. Germany in the U.S. Army, no. 5",
  "a bottle of approx. 5 litres, e.g. water ... and more. lower case goes on",
  "a black and white cat, a large, brown dog",
])("what may be one sentence is one: %s", (text) => {
  expect(sentencesOf(text)).toEqual([text]);
});

test("some of three sentences: one or two, in their order", () => {
  const counts = new Map<string, number>();
  for (let index = 0; index < 600; index++) {
    const text = someOf(["a", "b", "c"], new Random({ seed: 1, epoch: 0, index, stream: streams.text }));
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  expect([...counts.keys()].sort()).toEqual(["a", "a b", "a c", "b", "b c", "c"]);
  for (const count of counts.values()) expect(Math.abs(count - 100)).toBeLessThan(50);
});

const rows = Array.from({ length: 40 }, (_, index) => ({
  name: `${index}.png`,
  text: index % 2 === 0 ? `One ${index} here. Two ${index} there.` : `only ${index}`,
}));
const shortened = { rows, batchSize: 4, shorten: 0.5 } satisfies Setup;
const isShort = (text: string) => /^(one|two) \d+ (here|there)$/.test(text);

test("a share of captions loses sentences, anew in each epoch; a resume draws the same", async () => {
  const whole = await using(shortened, (data) => take(data.batches({ untilEpoch: 2 })));
  const first = captionsOf(whole.slice(0, 10));
  expect(first.filter((text) => text.startsWith("only"))).toHaveLength(20);
  const short = first.filter(isShort);
  expect(short.length).toBeGreaterThan(4);
  expect(short.length).toBeLessThan(16);
  expect(first.filter((text) => /^one \d+ here two \d+ there$/.test(text))).toHaveLength(20 - short.length);
  const second = captionsOf(whole.slice(10)).filter(isShort);
  expect([...second].sort()).not.toEqual([...short].sort());
  for (const at of [0, 4, 12]) {
    const position = JSON.parse(JSON.stringify(whole[at]?.position)) as TrainingPosition;
    const [next] = await using(shortened, (data) => take(data.batches({ from: position }), 1));
    expect(next).toEqual(whole[at + 1]);
  }
});

test("without it captions are whole; a share of 1 shortens each caption of several sentences", async () => {
  const all = (setup: Setup) => using(setup, async (data) => captionsOf(await epochOf(data)));
  expect((await all({ ...shortened, shorten: 0 })).filter(isShort)).toEqual([]);
  expect((await all({ ...shortened, shorten: 1 })).filter(isShort)).toHaveLength(20);
  // Words beyond the limit now fall within it.
  const bounded = await all({ ...shortened, shorten: 1, maxWords: 2 });
  expect(bounded.some((text) => /^two \d+$/.test(text))).toBe(true);
});

test("a sentence of which the clean-up leaves nothing is none", () => {
  const image = { kind: "path", root: "/images", path: "1.png" } as const;
  const example = { place: { file: "list.json", unit: "index", at: 0 }, image } as const;
  const texts = { maxWords: 30, prompt: "a picture of ", shorten: 1, falseCaptions: false };
  const sentences = (text: string) =>
    itemsOf("caption", { ...example, submissionId: 1, captions: [text] }, texts).map((item) =>
      "sentences" in item ? item.sentences : undefined,
    );
  expect(sentences("A cat sleeps.\n!!!")).toEqual([undefined]);
  expect(sentences("A cat sleeps.\nIt dreams")).toEqual([["A cat sleeps.", "It dreams"]]);
});

test("questions and statements are not shortened", () => {
  const options = { batchSize: 1, shorten: 0.5 };
  for (const task of ["vqa", "nlvr"] as const)
    expect(() => resolveOptions(task, options)).toThrow(`shorten: expected 0 for ${task}, got 0.5`);
  for (const task of ["match", "caption", "pretrain"] as const)
    expect(resolveOptions(task, options).shorten).toBe(0.5);
});

const bad = { name: "bad.png", text: "a cat" };

test.each<[string, Setup]>([
  ["a list", { rows: [...numbered(8), bad] }],
  ["shards", { shards: [numbered(5), [bad, ...numbered(3, 5)]] }],
])("a preview of %s gives the same batches, and is neither told nor counted", async (_, setup) => {
  const skipped: SkippedSample[] = [];
  const options = { ...setup, batchSize: 8, onSkip: (sample: SkippedSample) => skipped.push(sample) };
  await using(options, async (data) => {
    const seen = await take(data.batches({ preview: true }), 2);
    expect(data.stats()).toMatchObject({ batches: 0, samples: 0, skipped: 0, waitedSeconds: 0 });
    expect(skipped).toEqual([]);
    expect(await take(data.batches(), 2)).toEqual(seen);
    expect(data.stats()).toMatchObject({ batches: 2, samples: 16 });
    expect(skipped.length).toBeGreaterThanOrEqual(1);
    expect(data.stats().skipped).toBe(skipped.length);
  });
});
