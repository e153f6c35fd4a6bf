// Training data from files, loaded by threads. The threads are the built ones: run `npm run build` first.
import { closing } from "@blip-ts/base";
import { readDataset, type ImageSource } from "@blip-ts/datasets/node";
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import type { TrainingBatch, TrainingTask } from "../data/batch.ts";
import { readerTasks } from "../data/items.ts";
import { createTrainingData, type NodeTrainingDataOptions } from "./create-training-data.ts";

const fixtures = fileURLToPath(new URL("../../../../../fixtures/datasets", import.meta.url));
const list = (name: string) => join(fixtures, "lists", name);
const image = (number: number) => join(fixtures, "images", `${number}.png`);

const temporary = mkdtempSync(join(tmpdir(), "blip-training-"));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

/** A folder with an image for every path in a list of the fixtures. */
async function imagesFor(
  task: TrainingTask,
  path: string | readonly string[],
  reader: NodeTrainingDataOptions["reader"] = {},
) {
  const root = mkdtempSync(join(temporary, "images-"));
  const dataset = await readDataset(readerTasks[task], path, reader);
  let count = 0;
  for await (const example of dataset.examples) {
    const images: readonly ImageSource[] = "images" in example ? example.images : [example.image];
    for (const one of images) {
      if (one.kind !== "path") continue;
      const file = join(root, one.path);
      mkdirSync(dirname(file), { recursive: true });
      copyFileSync(image(count++ % 4), file);
    }
  }
  return root;
}

async function epochOf<T extends TrainingTask>(
  task: T,
  path: string | readonly string[],
  options: Partial<NodeTrainingDataOptions> = {},
) {
  const data = await createTrainingData(task, path, { batchSize: 1, imageSize: 32, ...options });
  return closing(data, async () => {
    const batches: TrainingBatch<T>[] = [];
    for await (const batch of data.batches({ untilEpoch: 1 })) batches.push(batch);
    return { batches, stats: data.stats(), data };
  });
}

type Case = readonly [TrainingTask, number, NodeTrainingDataOptions["reader"]?];

const cases: readonly (readonly [string, ...Case])[] = [
  ["coco_karpathy_train.json", "match", 3],
  ["coco_karpathy_train.json", "caption", 3],
  ["coco_karpathy_val.json", "match", 3],
  ["captions_val2014.json", "match", 3],
  ["flickr30k_test.json", "match", 2],
  ["dataset_coco.json", "match", 2, { split: "test" }],
  ["captions.csv", "caption", 3],
  ["captions.tsv", "caption", 2],
  ["metadata.jsonl", "caption", 3],
  ["vqa_train.json", "vqa", 1],
  ["vg_qa.json", "vqa", 1],
  ["aokvqa_v1p0_val.json", "vqa", 1],
  ["nlvr_dev.json", "nlvr", 2],
  ["nlvr2.jsonl", "nlvr", 2],
  ["pretrain.json", "pretrain", 2],
];

test.each(cases.map(([name, ...one]) => ({ name, task: one[0], one })))(
  "$name trains $task",
  async ({ name, one }) => {
    const [task, samples, reader] = one;
    const imageRoot = await imagesFor(task, list(name), reader);
    const { batches, stats } = await epochOf(task, list(name), {
      reader: { ...reader, imageRoot },
      workers: 0,
    });
    expect(stats.skipped).toBe(0);
    expect(batches).toHaveLength(samples);
    const images = task === "nlvr" ? 2 : 1;
    for (const { pixels } of batches) {
      expect(pixels).toHaveLength(images * 3 * 32 * 32);
      expect(pixels.every(Number.isFinite)).toBe(true);
    }
  },
);

test.each([
  ["folder", "caption"],
  ["metadata-folder", "caption"],
  ["shards", "pretrain"],
  ["shards", "match"],
  ["parquet/snappy.parquet", "match"],
  ["parquet/hub", "vqa"],
] as const)("%s trains %s", async (name, task) => {
  const reader = name === "parquet/hub" ? { split: "train" } : {};
  const { batches } = await epochOf(task, join(fixtures, name), { reader, workers: 0 });
  expect(batches.length).toBeGreaterThan(1);
});

/** Twelve images with a caption each, of which `bad` are text files. */
function folderOf(bad: readonly number[] = [], count = 12): string {
  const folder = mkdtempSync(join(temporary, "folder-"));
  for (let number = 0; number < count; number++) {
    const file = join(folder, `${number}.png`);
    if (bad.includes(number)) writeFileSync(file, "no image");
    else copyFileSync(image(number % 4), file);
    writeFileSync(join(folder, `${number}.txt`), `Number ${number}.`);
  }
  return folder;
}

test("any number of threads gives the same numbers", async () => {
  const folder = folderOf([5]);
  const options = { batchSize: 4, seed: 9 };
  const { batches: expected } = await epochOf("caption", folder, { ...options, workers: 0 });
  expect(expected).toHaveLength(2);
  for (const workers of [1, 2, 5]) {
    const { batches } = await epochOf("caption", folder, { ...options, workers });
    expect(batches, `${workers} threads`).toEqual(expected);
  }
});

test("a bad file is told with its line, counted, and the next sample takes its place", async () => {
  const lines: string[] = [];
  const folder = folderOf([2, 7]);
  const { batches, stats } = await epochOf("caption", folder, {
    batchSize: 5,
    workers: 2,
    onSkip: ({ line }) => lines.push(line),
  });
  expect(batches.map(({ size }) => size)).toEqual([5, 5]);
  expect(batches.flatMap(({ captions }) => captions).sort()).toEqual(
    [0, 1, 3, 4, 5, 6, 8, 9, 10, 11].map((number) => `a picture of number ${number}`).sort(),
  );
  expect(stats.skipped).toBe(2);
  expect(lines.map((line) => line.replaceAll(folder, "")).sort()).toEqual([
    expect.stringMatching(/^\/2\.png: .*2\.png: expected an image .*got text/) as string,
    expect.stringMatching(/^\/7\.png: .*7\.png: expected an image .*got text/) as string,
  ]);
});

test("an aborted signal ends no batch of shards, so that a run can finish its step and save", async () => {
  const stop = new AbortController();
  const data = await createTrainingData("pretrain", join(fixtures, "shards"), {
    ...{ batchSize: 1, imageSize: 32, workers: 0, signal: stop.signal },
  });
  stop.abort();
  await closing(data, async () => {
    let count = 0;
    for await (const batch of data.batches({ untilEpoch: 1 })) count += batch.size;
    expect(count).toBeGreaterThan(1);
  });
});

test("a prompt without a space at its end is a word of its own", async () => {
  const { batches } = await epochOf("caption", folderOf([], 1), { workers: 0, prompt: "a photo of" });
  expect(batches[0]?.captions).toEqual(["a photo of number 0"]);
});

test("a folder of bad images alone is refused", async () => {
  await expect(epochOf("caption", folderOf([0, 1, 2], 3), { workers: 1 })).rejects.toMatchObject({
    code: "train-data/all-bad",
    message: expect.stringContaining("got text") as string,
  });
});

test("questions come with their distinct answers and weights", async () => {
  const paths = [list("vqa_train.json"), list("vg_qa.json")];
  const { batches } = await epochOf("vqa", paths, {
    reader: { imageRoot: await imagesFor("vqa", paths) },
    workers: 0,
    batchSize: 2,
    shuffle: false,
  });
  expect(batches).toMatchObject([
    {
      questions: ["what floats?", "what is green?"],
      answers: ["boat", "ship", "The grass."],
      weights: [0.8, 0.2, 0.2],
      answerCounts: [2, 1],
    },
  ]);
});

test("NLVR2's images change places half of the time, and left and right with them", async () => {
  const folder = mkdtempSync(join(temporary, "nlvr-"));
  cpSync(join(fixtures, "images"), folder, { recursive: true });
  const rows = Array.from({ length: 40 }, () => ({
    images: ["0.png", "1.png"],
    sentence: "The left one is right of the lake.",
    label: "True",
  }));
  writeFileSync(join(folder, "nlvr.json"), JSON.stringify(rows));
  const plain = { scale: [1, 1], flip: 0, operations: 0 } as const;
  const options = { workers: 0, shuffle: false, batchSize: 40, imageSize: 8 };
  const { batches: kept } = await epochOf("nlvr", join(folder, "nlvr.json"), { ...options, augment: false });
  const { batches } = await epochOf("nlvr", join(folder, "nlvr.json"), { ...options, augment: plain });
  const [before, after] = [kept[0], batches[0]];
  if (before === undefined || after === undefined) throw new Error("no batch");
  const side = 3 * 8 * 8;
  const sum = (values: Float32Array) => values.reduce((total, value) => total + value, 0);
  const first = (pixels: Float32Array, row: number) => sum(pixels.subarray(row * side, (row + 1) * side));
  const second = (pixels: Float32Array, row: number) => first(pixels, 40 + row);
  // Crops of the whole image may still change the aspect ratio, so compare each image with the nearer original.
  const nearer = (value: number) =>
    Math.abs(value - first(before.pixels, 0)) < Math.abs(value - second(before.pixels, 0)) ? 0 : 1;
  let swaps = 0;
  for (let row = 0; row < 40; row++) {
    expect(before.sentences[row]).toBe("the left one is right of the lake");
    const swapped = after.sentences[row] === "the right one is left of the lake";
    if (swapped) swaps++;
    expect([nearer(first(after.pixels, row)), nearer(second(after.pixels, row))]).toEqual(
      swapped ? [1, 0] : [0, 1],
    );
  }
  expect(Math.abs(swaps - 20)).toBeLessThan(4 * Math.sqrt(10));
  expect(after.labels).toEqual(Array.from({ length: 40 }, () => 1));
});

test("the epoch of several lists has the samples of all", async () => {
  const imageRoot = folderOf();
  const paths = ["a.json", "b.json"].map((name, index) => {
    const path = join(imageRoot, name);
    writeFileSync(path, JSON.stringify([{ image: `${index}.png`, caption: `number ${index}` }]));
    return path;
  });
  const { batches } = await epochOf("pretrain", paths, { workers: 0, batchSize: 2 });
  expect(batches.flatMap(({ captions }) => captions).sort()).toEqual(["number 0", "number 1"]);
});

test("each of several lists may have its own folder of images", async () => {
  const [first, second] = [folderOf(), folderOf()];
  const lists = mkdtempSync(join(temporary, "lists-"));
  const paths = ["a.json", "b.json"].map((name, index) => {
    writeFileSync(join(lists, name), JSON.stringify([{ image: "0.png", caption: `number ${index}` }]));
    return join(lists, name);
  });
  const imageRoot = Object.fromEntries(paths.map((path, index) => [path, [first, second][index] ?? ""]));
  const options = { workers: 0, batchSize: 2 };
  const { batches, stats } = await epochOf("pretrain", paths, { ...options, reader: { imageRoot } });
  expect(batches.flatMap(({ captions }) => captions).sort()).toEqual(["number 0", "number 1"]);
  expect(stats.skipped).toBe(0);
  // A list without a folder of its own has its images beside it.
  writeFileSync(join(first, "c.json"), JSON.stringify([{ image: "1.png", caption: "number 2" }]));
  const [named = ""] = paths;
  for (const name of [named, `${named}/`]) {
    const some = await epochOf("pretrain", [named, join(first, "c.json")], {
      ...options,
      reader: { imageRoot: { [name]: second } },
    });
    expect(some.batches.flatMap(({ captions }) => captions).sort()).toEqual(["number 0", "number 2"]);
  }
  await expect(
    epochOf("vqa", paths, { ...options, reader: { imageRoot, annotations: named } }),
  ).rejects.toMatchObject({ code: "dataset/bad-option" });
});

test("lists of paths and files with images are not mixed", async () => {
  const imageRoot = folderOf();
  const path = join(imageRoot, "a.json");
  writeFileSync(path, JSON.stringify([{ image: "0.png", caption: "zero" }]));
  await expect(
    epochOf("match", [path, join(fixtures, "parquet/none.parquet")], { workers: 0 }),
  ).rejects.toMatchObject({ code: "train-data/mixed" });
});

test("a wrong number of threads is refused", async () => {
  await expect(epochOf("caption", folderOf(), { workers: -1 })).rejects.toMatchObject({
    code: "train-data/bad-option",
  });
});
