// What runs learn: small models learn scenes by heart, and what they leave says so when the classes load it.
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { must } from "@blip-ts/base";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, caption, inspect, match } from "../src/node.ts";
import { train, type NodeTrainOptions } from "../src/train/node/train.ts";
import { sceneData, sceneFile, sceneList, type Scene } from "./support/training-scenes.ts";

const path = (relative: string) => fileURLToPath(new URL(`../../../${relative}`, import.meta.url));
const tiny = (name: string) => path(`fixtures/tiny/${name}`);

let root: string;
let scenes: readonly Scene[];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-train-"));
  scenes = await sceneList(8);
});
afterAll(() => rm(root, { recursive: true, force: true }));

let count = 0;
const quick = (more: Partial<NodeTrainOptions> = {}): NodeTrainOptions => ({
  ...{ model: "picture-book", out: join(root, `run-${count++}`), recipe: "few", seed: 1, threads: 1 },
  ...{ batchSize: 4, augment: false, dropout: 0, dropPath: 0, decay: 0, workers: 0 },
  ...more,
});

const said = async (model: string) => {
  const rows = await caption(scenes.map(sceneFile), { model, beams: 1 });
  return rows.map((row) => ("caption" in row ? row.caption : row.error.message));
};

test("caption: eight scenes are learned by heart, and the saved folder says them", async () => {
  const losses: number[] = [];
  const plans: number[] = [];
  const others = ["red", "blue", "green"]
    .flatMap((colour) => ["dog", "cat", "car"].map((thing) => `a ${colour} ${thing}`))
    .slice(0, 8);
  const data = await sceneData(join(root, "others"), scenes, ({ image }, index) => ({
    image,
    caption: must(others, index),
  }));
  const options = quick({
    ...{ model: tiny("caption"), epochs: 120, lr: 4e-3, batchSize: 8 },
    onStep: ({ loss }) => losses.push(loss),
    onPlan: ({ memory, seconds, steps, begun }) => {
      expect(losses).toEqual([]);
      expect(memory.total).toBeGreaterThan(1e6);
      expect(begun).toEqual([]);
      plans.push(steps, seconds);
    },
  });
  const report = await train("caption", data, options);
  expect(report).toMatchObject({ task: "caption", steps: 120, epochs: 120, skipped: 0, stoppedEarly: false });
  expect(plans[0]).toBe(120);
  expect(plans[1]).toBeGreaterThan(0);
  expect(losses).toHaveLength(120);
  expect(await said(report.model)).toEqual(others);
  const metrics = (await readFile(join(options.out, "metrics.jsonl"), "utf8")).trim().split("\n");
  expect(metrics).toHaveLength(240);
  expect((await readdir(options.out)).sort()).toEqual([
    "curves.svg",
    "metrics.jsonl",
    "model",
    "run.json",
    "state",
  ]);
});

test("match: the saved folder tells the new sentences from the old ones", async () => {
  const data = await sceneData(join(root, "match"), scenes.slice(0, 4), ({ image, false: text }) => ({
    image,
    caption: text,
  }));
  const report = await train("match", data, quick({ epochs: 25, lr: 5e-4, queue: 4, alpha: 0 }));
  const [first] = scenes;
  if (!first) throw new Error("there are scenes");
  const rows = await match([sceneFile(first)], [first.true, first.false], { model: report.model });
  const [fits, fitsNot] = rows.map((row) => ("probability" in row ? row.probability : NaN));
  expect(fitsNot).toBeGreaterThan(0.5);
  expect(fitsNot).toBeGreaterThan(fits ?? NaN);
  expect((await inspect(report.model)).tasks).toContain("match");
});

test("vqa: the saved folder gives the answers", async () => {
  const answers = ["red", "a cat", "two", "purple"];
  const data = await sceneData(join(root, "vqa"), scenes.slice(0, 4), ({ image }, index) => ({
    image,
    question: "what is there?",
    answers: [must(answers, index)],
  }));
  const model = tiny("vqa");
  const report = await train("vqa", data, quick({ model, epochs: 150, lr: 4e-3 }));
  const rows = await ask(scenes.slice(0, 4).map(sceneFile), ["what is there?"], { model: report.model });
  expect(rows.map((row) => ("answer" in row ? row.answer : row.error.message))).toEqual(answers);
});
