// Every task, killed at some of its rows and taken up again, ends with the report of a run that was not disturbed.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { evaluate, type EvaluateOptions, type EvaluationTask } from "blip-ts";
import { afterAll, expect, test } from "vitest";
import { fixture } from "./support/goldens.ts";
import { dataOf, killed, ofRun } from "./support/killed.ts";

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

const answers = ["a dog", "two red cars", "snow"];

/** A task with its model, its options, and how many lines its file of rows has in the end. */
const runs: readonly (readonly [EvaluationTask, string, EvaluateOptions, lines: number])[] = [
  ["retrieval", "match-original", { k: 4 }, 1 + 4 * 40],
  ["caption", "pretrain-original", {}, 41],
  ["nocaps", "pretrain-original", {}, 41],
  ["vqa", "vqa-original", {}, 41],
  ["vqa", "vqa-original", { answers, k: 2 }, 41],
  ["nlvr", "nlvr-original", {}, 41],
  ["match", "match-original", {}, 41],
];

const cases = runs.flatMap(([task, model, options, lines]) =>
  [0.1, 0.5, 0.8].map((part) => ({ task, model, options, at: Math.ceil(part * lines) })),
);

test.each(cases)("$task $options, killed at line $at", async ({ task, model, options, at }) => {
  const folder = await dataOf(task, 40);
  folders.push(folder);
  const list = join(folder, "rows.json");
  const given = { ...options, model: fixture(`tiny/${model}`), imageBatchSize: 1 };
  const report = join(folder, "report.json");
  await killed(task, list, { ...given, report }, at);
  const resumed = await evaluate(task, list, { ...given, report });
  expect(ofRun(resumed)).toEqual(ofRun(await evaluate(task, list, given)));
});
