// False captions of images: one per row and epoch, for rows that have some.
import { expect, test } from "vitest";
import type { Warning } from "@blip-ts/base";
import { take, using, type Setup, type Shown } from "../../../test/support/training-sets.ts";
import type { MatchBatch, TrainingPosition } from "./batch.ts";
import { resolveOptions } from "./options.ts";

const rows = Array.from({ length: 24 }, (_, index) => ({
  name: `${index}.png`,
  text: `caption ${index}`,
  ...(index % 3 > 0 && { falseCaptions: ["one", "two", "three"].map((word) => `${word} of ${index}!`) }),
}));
const setup = { rows, batchSize: 4, falseCaptions: true } satisfies Setup;

/** Each caption with the batch's false caption for it. */
const pairsOf = (batches: readonly MatchBatch[]) =>
  batches.flatMap(({ captions, falseCaptions = [] }) =>
    captions.map((caption, row) => [caption, falseCaptions[row]] as const),
  );

test("each epoch draws one of a row's false captions, cleaned; a resumed run draws the same one", async () => {
  const whole = await using(setup, (data) => take(data.batches({ untilEpoch: 2 })));
  const [first, second] = [pairsOf(whole.slice(0, 6)), pairsOf(whole.slice(6))].map(
    (pairs) => new Map(pairs),
  );
  expect(first?.size).toBe(24);
  for (const [caption, wrong] of [...(first ?? []), ...(second ?? [])]) {
    const index = Number(caption.split(" ")[1]);
    if (index % 3 === 0) expect(wrong, caption).toBeUndefined();
    else expect(wrong).toMatch(new RegExp(`^(one|two|three) of ${index}$`));
  }
  expect([...(first ?? [])].some(([caption, wrong]) => second?.get(caption) !== wrong)).toBe(true);
  const position = JSON.parse(JSON.stringify(whole[7]?.position)) as TrainingPosition;
  const [next] = await using(setup, (data) => take(data.batches({ from: position }), 1));
  expect(next).toEqual(whole[8]);
});

test("without the option, and for rows without any, a batch has none", async () => {
  const none = await using({ ...setup, falseCaptions: false }, (data) => take(data.batches(), 1));
  expect(none).toMatchObject([{ captions: { length: 4 } }]);
  expect(none[0]).not.toHaveProperty("falseCaptions");
  const plain = rows.map(({ name, text }) => ({ name, text }));
  const without = await using({ ...setup, rows: plain }, (data) => take(data.batches(), 1));
  expect(without).toMatchObject([{ captions: { length: 4 } }]);
  expect(without[0]).not.toHaveProperty("falseCaptions");
});

test("data without any are told of once, by their name", async () => {
  const warningsOf = async (options: Setup) => {
    const messages: string[] = [];
    const onWarning = ({ code, message }: Warning) => messages.push(`${code} ${message}`);
    const all = { batchSize: 4, falseCaptions: true, ...options, onWarning };
    await using(all, (data) => take(data.batches({ untilEpoch: 2 })));
    return messages;
  };
  const plain = rows.map(({ name, text }) => ({ name, text }));
  for (const form of ["rows", "shards"] as const) {
    const given = (some: readonly Shown[]) =>
      form === "rows" ? { rows: some } : { shards: [some.slice(0, 12), some.slice(12)] };
    expect(await warningsOf(given(plain)), form).toEqual([
      expect.stringMatching(
        /^train-data\/no-false-captions list.json: expected rows with the field false_captions/,
      ),
    ]);
    expect(await warningsOf(given(rows)), form).toEqual([]);
    expect(await warningsOf({ ...given(plain), falseCaptions: false }), form).toEqual([]);
  }
});

test("a row with a false caption of which the clean-up leaves nothing is left out, with a line", async () => {
  const lines: string[] = [];
  const bad = rows.map((row, index) => (index === 5 ? { ...row, falseCaptions: ["..."] } : row));
  const onSkip = ({ line }: { readonly line: string }) => lines.push(line);
  await using({ ...setup, rows: bad, onSkip }, (data) => take(data.batches({ untilEpoch: 1 })));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('expected a text that keeps a word after BLIP\'s clean-up, got "..."');
});

test("only tasks with the loss ITM read them", () => {
  const options = { batchSize: 1, falseCaptions: true };
  for (const task of ["caption", "vqa", "nlvr"] as const)
    expect(() => resolveOptions(task, options)).toThrow(
      `falseCaptions: expected false for ${task}, which has no loss ITM, got true. Give another value.`,
    );
  for (const task of ["match", "pretrain"] as const)
    expect(resolveOptions(task, options).falseCaptions).toBe(true);
});
