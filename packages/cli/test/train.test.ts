// `blip train` as a script sees it: help, refusals with nothing written, and a short run.
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { blip, path, tiny } from "./run-blip.ts";

let folder: string;
let data: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-train-"));
  data = join(folder, "photos");
  await mkdir(data);
  for (const [name, text] of [
    ["01", "a cat on a purple background"],
    ["02", "a tulip on a red background"],
  ] as const) {
    await cp(path(`examples/scenes/${name}.png`), join(data, `${name}.png`));
    await writeFile(join(data, `${name}.txt`), `${text}\n`);
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let count = 0;
const newOut = () => join(folder, `run-${count++}`);
const small = [
  "--model",
  tiny("caption"),
  "--recipe",
  "few",
  "--batch-size",
  "2",
  "--threads",
  "1",
  "--workers",
  "0",
];

test("--help names every task and option, and what they are unless told", async () => {
  const { code, stdout } = await blip(["train", "--help"]);
  expect(code).toBe(0);
  for (const task of ["match", "caption", "vqa", "nlvr", "pretrain"]) expect(stdout).toContain(`"${task}"`);
  for (const option of [
    ...[
      "--model",
      "--out",
      "--recipe",
      "--epochs",
      "--batch-size",
      "--accumulate",
      "--lr",
      "--init",
      "--resume",
    ],
    ...[
      "--val",
      "--val-limit",
      "--val-beams",
      "--val-steps",
      "--best-by",
      "--patience",
      "--image-size",
      "--freeze",
    ],
    ...[
      "--recompute",
      "--no-augment",
      "--prompt",
      "--shorten",
      "--clip",
      "--decay",
      "--queue",
      "--warm-up",
      "--save-steps",
    ],
    ...["--batches-per-epoch", "--workers", "--seed", "--threads", "--json", "--quiet"],
    ...["--image-root, --images", "--annotations", "--split", "--format", "--column", "--allow-outside"],
    ...["--val-split", "--val-annotations"],
  ])
    expect(stdout).toMatch(new RegExp(`^ +${option}\\b`, "m"));
  expect(stdout.replaceAll(/\s+/g, " ")).toContain("caption: ciderD, bleu4");
});

describe("is refused", () => {
  test.each<[string, readonly string[], number, RegExp]>([
    ["an unknown task", ["captions", "DATA"], 2, /'captions' is invalid for argument 'task'/],
    ["no data", ["caption"], 2, /missing required argument 'data'/],
    [
      "no epochs",
      ["caption", "DATA", "--epochs", "0"],
      2,
      /--epochs: expected a positive whole number, got "0"/,
    ],
    ["a rate in words", ["caption", "DATA", "--lr", "fast"], 2, /--lr: expected a number, got "fast"/],
    [
      "an unknown recipe",
      ["caption", "DATA", "--recipe", "best"],
      2,
      /--recipe: expected blip, few, or a file whose name ends in \.json, got best/,
    ],
    [
      "an unknown part",
      ["caption", "DATA", "--freeze", "all"],
      2,
      /--freeze: expected imageEncoder or allButCrossAttention, or prefixes of the names of trained weights, got all/,
    ],
    [
      "patience without validation",
      ["caption", "DATA", "--patience", "2"],
      2,
      /--patience: expected validation data with it, got none\. Add --val\. \[usage\/bad-option\]\n/,
    ],
    [
      "a part of no validation data",
      ["caption", "DATA", "--val-split", "val"],
      2,
      /--val-split: expected --val FILE beside it, got none/,
    ],
    [
      "another task's metric",
      ["caption", "DATA", "--val", "DATA", "--best-by", "accuracy"],
      2,
      /--best-by: expected loss, ciderD, bleu4, got accuracy/,
    ],
    [
      "less than no rows",
      ["caption", "DATA", "--val", "DATA", "--val-limit", "-1"],
      2,
      /--val-limit: expected a whole number of at least 0, got -1/,
    ],
    ["data that is not there", ["caption", "NOWHERE"], 2, /nowhere/],
    ["a model that is not there", ["caption", "DATA", "--model", "NOWHERE"], 3, /nowhere/],
    [
      "a run that is not there",
      ["caption", "DATA", "--resume"],
      2,
      /expected the run\.json of a run to resume/,
    ],
    ["an unknown option", ["caption", "DATA", "--batch", "2"], 2, /unknown option '--batch'/],
  ])("%s, and nothing is written", async (_what, args, status, says) => {
    const out = newOut();
    const given = args.map((arg) =>
      arg === "DATA" ? data : arg === "NOWHERE" ? join(folder, "nowhere") : arg,
    );
    const { code, stdout, stderr } = await blip(["train", ...small, "--out", out, ...given]);
    expect({ code, stdout }).toEqual({ code: status, stdout: "" });
    expect(stderr).toMatch(says);
    await expect(readdir(out)).rejects.toThrow("ENOENT");
  });

  test("a call without --out", async () => {
    const { code, stderr } = await blip(["train", "caption", data, ...small]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/required option '--out <DIR>' not specified/);
  });

  test("a folder that is in use, which stays as it is", async () => {
    const { code, stderr } = await blip(["train", "caption", data, ...small, "--out", data]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/expected a folder that is empty or missing, got 4 file\(s\)/);
    expect((await readdir(data)).sort()).toEqual(["01.png", "01.txt", "02.png", "02.txt"]);
  });
});

test("--recipe FILE: phases one after another, and options before the file's values", async () => {
  const [out, recipe] = [newOut(), join(folder, "recipe.json")];
  const phases = [{ steps: 2, freeze: "imageEncoder" }, { epochs: 1 }];
  await writeFile(recipe, JSON.stringify({ base: "few", lr: 1e-3, decay: 0.5, phases }));
  const args = ["train", "caption", data, ...small, "--recipe", recipe, "--decay", "0", "--out", out];
  const { code, stderr } = await blip(args);
  expect(stderr).toMatch(/2 samples, 3 steps in 2 phases, of at most 2, learning rate 0.00100/);
  expect(stderr).toMatch(/step 3 of 3 \(phase 2\): loss/);
  expect(code).toBe(0);
  const {
    decay,
    lr,
    phases: resolved,
  } = JSON.parse(await readFile(join(out, "run.json"), "utf8")) as {
    decay: number;
    lr: number;
    phases: { decay: number; steps: number | null; freeze: string | null }[];
  };
  expect({ decay, lr }).toEqual({ decay: 0, lr: 1e-3 });
  expect(resolved.map((phase) => [phase.decay, phase.steps, phase.freeze])).toEqual([
    [0, 2, "imageEncoder"],
    [0, null, null],
  ]);
});

/** Writes questions and annotations under VQA v2's names and in its form: two questions about one image. */
async function officialVqa(part: string, id: number) {
  const image = `${part}/COCO_${part}_${String(id).padStart(12, "0")}.jpg`;
  await mkdir(join(folder, "coco", part), { recursive: true });
  await cp(path("examples/scenes/01.png"), join(folder, "coco", image));
  const rows = ["what is it?", "is it day?"].map((question, n) => ({
    ...{ image_id: id, question_id: 1000 * id + n, question },
  }));
  const answers = [{ answer: "cat" }, { answer: "cat" }, { answer: "dog" }];
  const questions = join(folder, `v2_OpenEnded_mscoco_${part}_questions.json`);
  const annotations = join(folder, `v2_mscoco_${part}_annotations.json`);
  await writeFile(questions, JSON.stringify({ data_subtype: part, questions: rows }));
  // The annotations are in another order.
  const annotated = rows
    .map(({ question, ...ids }) => ({ ...ids, answers, question_type: question }))
    .reverse();
  await writeFile(annotations, JSON.stringify({ data_subtype: part, annotations: annotated }));
  return questions;
}

test("VQA v2's own files train and validate with the command of docs/train.md", async () => {
  const questions = await officialVqa("train2014", 9);
  await officialVqa("val2014", 42);
  const [, example = ""] =
    /^npx blip-ts (train vqa [^`]+)$/m.exec(await readFile(path("docs/train.md"), "utf8")) ?? [];
  const words = example.replaceAll("\\\n", " ").trim().split(/\s+/);
  const args = words.map((word) => (/^coco$|\.json$/.test(word) ? join(folder, word) : word));
  const model = [...small, "--model", tiny("vqa"), "--epochs", "1", "--val-beams", "1"];
  const { code, stderr } = await blip([...args, ...model, "--out", newOut()]);
  expect(stderr).not.toContain("Left out");
  expect(stderr).toMatch(/^2 samples, 1 steps of 2,/m);
  expect(stderr).toMatch(
    /^epoch 1: loss \d+\.\d{4}, validation \d+\.\d{4}, accuracy \d+\.\d{4}, exactMatch /m,
  );
  expect(code).toBe(0);
  const without = await blip(["train", "vqa", questions, ...model.slice(0, -2), "--out", newOut()]);
  expect(without.code).toBe(2);
  expect(without.stderr).toMatch(
    /answer to train on, got none\. Give the file with the answers .*--annotations\)/,
  );
});

test("a table with its own columns and absolute paths, under eval's names of the options", async () => {
  const list = join(folder, "own.jsonl");
  const rows = ["01", "02"].map((name) => ({ photo: join(data, `${name}.png`), alt: "a cat" }));
  await writeFile(list, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const columns = ["--column", "image=photo", "--column", "captions=alt", "--allow-outside"];
  const args = ["train", "caption", list, ...small, "--epochs", "1", "--out"];
  const { code, stderr } = await blip([...args, newOut(), ...columns, "--format", "table"]);
  expect([code, stderr.includes("Left out")]).toEqual([0, false]);
});

test("says what it will take, its epochs and its result, and leaves them in a folder", async () => {
  const out = newOut();
  const args = ["train", "caption", data, ...small, "--epochs", "2", "--val", data, "--val-beams", "1"];
  const { code, stdout, stderr } = await blip([...args, "--out", out]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^.*run-\d+\/model: 2 steps, 2 epochs, last loss \d+\.\d{4}\n$/);
  expect(stderr).toMatch(
    /^2 samples, 2 steps of 2, learning rate [\d.e-]+, [\d.]+ million numbers trained$/m,
  );
  expect(stderr).toMatch(/^Memory: about [\d,]+ MB \(weights .*\)\. Time: about \d+ s, by the first batch$/m);
  expect(stderr).toMatch(/^step 1 of 2: loss \d+\.\d{3}, [\d.]+ images\/s, \d+ s left$/m);
  expect(stderr).toMatch(
    /^epoch 1: loss \d+\.\d{4}, validation \d+\.\d{4}, ciderD \d\.\d{4}, bleu4 \d\.\d{4} \(best\)$/m,
  );
  expect((await readdir(out)).sort()).toEqual(["curves.svg", "metrics.jsonl", "model", "run.json", "state"]);
  const settings = JSON.parse(await readFile(join(out, "run.json"), "utf8")) as object;
  expect(settings).toMatchObject({
    task: "caption",
    epochs: 2,
    batchSize: 2,
    bestBy: "ciderD",
    validationBeams: 1,
  });
});

test("takes an empty $BLIP_MODEL for none, and says what the embedded model knows", async () => {
  const options = small.filter((_, at) => at > 1);
  const call = ["train", "caption", data, "--out", newOut(), ...options, "--epochs", "1"];
  const { code, stderr } = await blip(call, { env: { BLIP_MODEL: "" } });
  expect(code).toBe(0);
  expect(stderr).toContain("Using the embedded model picture-book");
  expect(stderr).toContain("For photographs: --model Salesforce/blip-image-captioning-base");
});
