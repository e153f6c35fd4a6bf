// The command that `blip capfilt` prints at its end. Tests of the command run it.
import { expect, test } from "vitest";
import { nextStep, type FinishedRun } from "./next-step.ts";

const run = (report: Partial<FinishedRun["report"]>, more: Partial<FinishedRun> = {}): string =>
  nextStep({
    ...{ program: "npx blip-ts", out: "out", model: "itm" },
    report: { format: "jsonl", imageRoot: "photos", pairs: 90_000, ...report },
    ...more,
  });

const columns = ["image=photo", "captions=alt"];

test.each<[string, Parameters<typeof run>, string]>([
  ["paths", [{}], "out/kept --images out/kept=photos --model itm --recipe blip"],
  ["URLs", [{ imageRoot: null }], "out/kept --model itm --recipe blip"],
  [
    "columns of its own, absolute paths",
    [{ format: "csv" }, { column: columns, allowOutside: true }],
    "out/kept --column image=photo --column captions=alt --images out/kept=photos --allow-outside --model itm --recipe blip",
  ],
  [
    "a table of paths",
    [{ format: "parquet" }],
    "out/kept --images out/kept=photos --model itm --recipe blip",
  ],
  // 90,000 / 75, BLIP's batch.
  [
    "a table with images",
    [{ format: "parquet", imageRoot: null }],
    "out/kept --model itm --recipe blip --batches-per-epoch 1200",
  ],
  [
    "shards, which need no option of the data",
    [{ format: "webdataset" }, { column: columns, allowOutside: true }],
    "out/kept --model itm --recipe blip --batches-per-epoch 1200",
  ],
  // 999 / 4, rounded down.
  [
    "few",
    [{ format: "webdataset", pairs: 999 }],
    "out/kept --model itm --recipe few --batches-per-epoch 249",
  ],
  [
    "fewer than a batch",
    [{ format: "webdataset", pairs: 3 }],
    "out/kept --model itm --recipe few --batch-size 3 --batches-per-epoch 1",
  ],
  [
    "a folder of images, and names with blanks and quotes",
    [{ format: "folder", imageRoot: null }, { model: "it's my model" }],
    "out/kept --model 'it'\\''s my model' --recipe blip",
  ],
])("%s", (_, args, expected) => {
  expect(run(...args)).toBe(
    `Kept pairs in out/kept. Train on them:\n  npx blip-ts train pretrain ${expected} --out out-model`,
  );
});

test("a slash at the end of the folder's name, and no command for a single pair", () => {
  expect(run({ format: "folder" }, { out: "a/out/" })).toMatch(
    / a\/out\/kept --model .* --out a\/out-model$/,
  );
  expect(run({ pairs: 1 })).toBe("Kept pairs in out/kept: 1, too few to train on.");
});
