// False captions of images: one per row and epoch, for rows that have some.
import { expect, test } from "vitest";
import { take, using, type Setup } from "../../../test/support/training-sets.ts";
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
  expect(none[0]).not.toHaveProperty("falseCaptions");
  const plain = rows.map(({ name, text }) => ({ name, text }));
  const without = await using({ ...setup, rows: plain }, (data) => take(data.batches(), 1));
  expect(without[0]).not.toHaveProperty("falseCaptions");
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
      `falseCaptions: expected false for ${task}, got true`,
    );
  for (const task of ["match", "pretrain"] as const)
    expect(resolveOptions(task, options).falseCaptions).toBe(true);
});
