// Rows of tokens and the labels of a decoder. Each expected label is written out.
import { describe, expect, test } from "vitest";
import { encodeCaptions } from "./encode.ts";
import { language } from "./language.ts";
import { decoderRows, rowsOf, weighted } from "./token-rows.ts";

const [CLS, SEP, DEC] = [1, 2, 21];
const padding = 0;
const captions = [
  [CLS, 5, 6, 7, 8, SEP],
  [CLS, 5, 6, 9, SEP],
];
const image = { size: 2, imageSize: 8, pixels: new Float32Array(0) };
const part = language({ rows: { padding }, tokens: { decoder: DEC } });
const context = { step: 0, seed: 0 };

test("a caption's batch knows how much of it is the prompt", () => {
  const encode = (text: string) => [CLS, ...text.split(" ").map((word) => word.length + 4), SEP];
  const batch = encodeCaptions({ ...image, captions: ["a b ccc", "a b cccc"], prompt: "a b" }, encode);
  expect(batch).toEqual({
    ...image,
    tokens: [
      [CLS, 5, 5, 7, SEP],
      [CLS, 5, 5, 8, SEP],
    ],
    promptLength: 3,
  });
  expect(part.count?.(batch)).toBe(4);
});

describe("rows", () => {
  test("are padded to the longest, with a mask and another first token", () => {
    const { ids, mask, lengths } = rowsOf(captions, { padding, first: DEC });
    expect([...ids.data].map(Number)).toEqual([DEC, 5, 6, 7, 8, SEP, DEC, 5, 6, 9, SEP, padding]);
    expect([...mask.data].map(Number)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]);
    expect(lengths).toEqual([6, 5]);
  });

  test("that are too long lose words before [SEP]", () => {
    expect([...rowsOf([[CLS, 5, 6, 7, 8, SEP]], { padding, maxLength: 4 }).ids.data].map(Number)).toEqual([
      ...[CLS, 5, 6, SEP],
    ]);
  });

  test("need [CLS] and [SEP]", () => {
    expect(() => rowsOf([[CLS]], { padding })).toThrow(
      "tokens of text 0: expected [CLS] and [SEP] at least, got 1.",
    );
  });
});

describe("a decoder", () => {
  const rows = decoderRows(rowsOf(captions, { padding, first: DEC }), 3);

  test("predicts the token after each, shifted once, and neither prompt nor padding", () => {
    // The prompt is [DEC] 5 6. Its last token predicts the first word.
    expect([...rows.labels.data].map(Number)).toEqual([0, 0, 7, 8, SEP, 0, 0, 0, 9, SEP, 0, 0]);
    expect([...rows.counts]).toEqual([0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 0, 0]);
  });

  test("does not let a token attend to padding, whose key is after every token", () => {
    expect([...rows.keys.data].map(Number)).toEqual([0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 6]);
    expect([...rows.positions.data].map(Number)).toEqual([0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5]);
  });

  test("has a mean over what counts: five tokens, as the batch's weight says", () => {
    const batch = { ...image, tokens: captions, promptLength: 3 };
    const { label_weights: weights } = part.inputs(batch, context);
    const counted = [...(weights?.data as Float32Array)].filter((weight) => weight > 0);
    expect(counted).toEqual(new Array(5).fill(Math.fround(1 / 5)));
    expect(part.count?.(batch)).toBe(5);
  });

  test("learns all but the first token without a prompt", () => {
    const { counts } = decoderRows(rowsOf(captions, { padding, first: DEC }), 1);
    expect([...counts]).toEqual([1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 0]);
  });

  test("counts each row with its weight", () => {
    expect([...weighted(rows, [2, 4]).data]).toEqual([0, 0, 2, 2, 2, 0, 0, 0, 4, 4, 0, 0]);
  });

  test("refuses a text that is nothing but its prompt", () => {
    expect(() => decoderRows(rowsOf([[CLS, 5, SEP]], { padding }), 3)).toThrow(
      "text 0: expected at least one token after the prompt, got none. Remove the sample, or shorten the prompt.",
    );
  });
});
