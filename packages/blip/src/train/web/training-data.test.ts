// Files in a page give the batches that Node reads from the same folder (PNG, which both decode with this package's
// code).
import { closing } from "@blip-ts/base";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { TrainingBatch, TrainingTask } from "../data/batch.ts";
import { createTrainingData as createOnNode } from "../node/create-training-data.ts";
import { createTrainingData, type WebTrainingDataOptions } from "./create-training-data.ts";
import type { PlacedFile } from "./file-folder.ts";

const fixtures = fileURLToPath(new URL("../../../../../fixtures/datasets", import.meta.url));

const filesBelow = (folder: string): PlacedFile[] =>
  readdirSync(join(fixtures, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return { path: path.slice(fixtures.length + 1), file: new Blob([readFileSync(path)]) };
    });

type Batches<T extends TrainingTask> = AsyncIterable<TrainingBatch<T>>;

async function all<T extends TrainingTask>(batches: Batches<T>): Promise<TrainingBatch<T>[]> {
  const found: TrainingBatch<T>[] = [];
  for await (const batch of batches) found.push(batch);
  return found;
}

const options = { batchSize: 2, imageSize: 24, dropLast: false };

async function inPage<T extends TrainingTask>(
  task: T,
  files: readonly PlacedFile[],
  more: Partial<WebTrainingDataOptions> = {},
) {
  const data = await createTrainingData(task, files, { ...options, ...more });
  return closing(data, () => all<T>(data.batches({ untilEpoch: 1 })));
}

async function onNode<T extends TrainingTask>(task: T, path: string) {
  const data = await createOnNode(task, join(fixtures, path), { ...options, workers: 0 });
  return closing(data, () => all<T>(data.batches({ untilEpoch: 1 })));
}

test.each([
  ["folder", "caption"],
  ["metadata-folder", "caption"],
  ["parquet/hub/data", "vqa"],
] as const)("%s trains %s as on Node", async (folder, task) => {
  const files = filesBelow(folder).filter(({ path }) => !path.includes("test-0"));
  const found = await inPage(task, files);
  expect(found.length).toBeGreaterThan(0);
  if (task === "caption") expect(found).toEqual(await onNode(task, folder));
});

test("a list names images among the files, and one that is missing is told", async () => {
  const rows = [
    { image: "../images/0.png", caption: "one" },
    { image: "../images/9.png", caption: "two" },
    { image: "../images/1.png", caption: "three" },
  ];
  const list = { path: "lists/mine.json", file: new Blob([JSON.stringify(rows)]) };
  const lines: string[] = [];
  const batches = await inPage("pretrain", [...filesBelow("images"), list], {
    list: list.path,
    reader: { allowOutside: true },
    onSkip: ({ line }) => lines.push(line),
  });
  expect(batches.flatMap(({ captions }) => captions).sort()).toEqual(["one", "three"]);
  expect(lines).toEqual([
    "lists/mine.json, index 1: images/9.png: expected a file that the page was given, got none of this path. Give the folder that contains it.",
  ]);
});
