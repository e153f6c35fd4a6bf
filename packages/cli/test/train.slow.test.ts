// `blip train` as it is built, in a process of its own: whole runs, one that is interrupted and resumed, and every container of
// data.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { path, tiny } from "./run-blip.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-train-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let count = 0;
const newOut = () => join(folder, `run-${count++}`);

/** @param interruptAt the text on stderr after which Ctrl-C comes */
async function blipTrain(args: readonly string[], interruptAt?: string) {
  const child = spawn(process.execPath, [path("packages/blip/bin/blip.js"), "train", ...args]);
  const printed = { stdout: "", stderr: "" };
  let interrupted = false;
  child.stdout.on("data", (part: Buffer) => (printed.stdout += part.toString()));
  child.stderr.on("data", (part: Buffer) => {
    printed.stderr += part.toString();
    if (interruptAt === undefined || interrupted || !printed.stderr.includes(interruptAt)) return;
    interrupted = true;
    child.kill("SIGINT");
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...printed };
}

const small = ["--model", tiny("caption"), "--recipe", "few", "--batch-size", "2", "--threads", "1"];

/** Scenes 1 to `most` in the form of a Hugging Face data set: images beside a metadata.jsonl. */
async function scenesIn(name: string, most: number): Promise<string> {
  const place = join(folder, name);
  await mkdir(place);
  const rows: string[] = [];
  for (let scene = 1; scene <= most; scene++) {
    const file = `${String(scene).padStart(2, "0")}.png`;
    await cp(path(`examples/scenes/${file}`), join(place, file));
    rows.push(JSON.stringify({ file_name: file, text: `the scene of number ${scene}` }));
  }
  await writeFile(join(place, "metadata.jsonl"), `${rows.join("\n")}\n`);
  return place;
}

const weightsOf = (out: string) => readFile(join(out, "model/model.safetensors"));

test("a run that is interrupted ends with 130, and resumed it ends as the one that was not", async () => {
  const data = await scenesIn("whole", 8);
  const args = (out: string) => ["caption", data, ...small, "--epochs", "5", "--val", data, "--out", out];
  const [whole, broken] = [newOut(), newOut()];
  const first = await blipTrain(args(whole));
  expect(first.code).toBe(0);
  expect(first.stdout).toMatch(/model: 20 steps, 5 epochs, last loss/);
  expect(first.stderr).toMatch(/^epoch 5: .*validation/m);

  const second = await blipTrain(args(broken), "epoch 2:");
  expect(second).toMatchObject({ code: 130, stdout: "" });
  expect(await readdir(broken)).not.toContain("model");
  const other = await blipTrain([...args(broken), "--resume", "--lr", "1e-3"]);
  expect(other.code).toBe(2);
  expect(other.stderr).toMatch(/lr: expected .* as the run began with, got 0\.001/);
  const third = await blipTrain([...args(broken), "--resume"]);
  expect(third.code).toBe(0);
  expect(third.stderr).not.toMatch(/^epoch 1:/m);
  expect((await weightsOf(broken)).equals(await weightsOf(whole))).toBe(true);
  expect((await readdir(broken)).sort()).toEqual((await readdir(whole)).sort());
});

describe("refusals and help of the program itself", () => {
  test("help is on standard output, and ends with 0", async () => {
    const { code, stdout, stderr } = await blipTrain(["--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("--val-limit");
  });

  test("a wrong call ends with 2, a model of no use with 3, each with one line that says what to do", async () => {
    const data = await scenesIn("refused", 2);
    const wrong = await blipTrain(["caption", data, ...small, "--out", data]);
    expect(wrong).toMatchObject({ code: 2, stdout: "" });
    expect(wrong.stderr.trim().split("\n")).toHaveLength(1);
    const none = await blipTrain(["caption", data, "--model", join(folder, "none"), "--out", newOut()]);
    expect(none).toMatchObject({ code: 3, stdout: "" });
    const few = await blipTrain(["caption", data, ...small, "--batch-size", "3", "--out", newOut()]);
    expect(few.code).toBe(2);
    expect(few.stderr).toMatch(/expected/);
  });
});

describe("every container of data is trained on", () => {
  const sets = (name: string) => path(`fixtures/datasets/${name}`);

  test.each<[string, string, string, readonly string[]]>([
    ["a webdataset shard", "caption", "shards/00000.tar", ["--batches-per-epoch", "2"]],
    ["a folder of shards, for pre-training", "pretrain", "shards", ["--batches-per-epoch", "2"]],
    ["Parquet with images", "caption", "parquet/img2dataset.parquet", ["--batches-per-epoch", "2"]],
    ["a folder with metadata.jsonl", "caption", "metadata-folder/train", []],
    ["a folder with texts beside images", "caption", "folder", []],
  ])("%s", async (_what, task, data, more) => {
    const out = newOut();
    // Negatives come from the same batch.
    const [model, size] = task === "caption" ? [tiny("caption"), "1"] : [tiny("pretrain-original"), "2"];
    const args = [task, sets(data), ...small, "--model", model, "--epochs", "2", "--out", out, ...more];
    const found = await blipTrain([...args, "--json", "--quiet", "--batch-size", size]);
    expect(found.stderr).toBe("");
    expect(found.code).toBe(0);
    const report = JSON.parse(found.stdout) as { steps: number; loss: number; skipped: number };
    expect(report.skipped).toBe(0);
    expect(report.steps).toBeGreaterThanOrEqual(4);
    expect(report.loss).toBeGreaterThan(0);
    expect((await weightsOf(out)).length).toBeGreaterThan(1000);
  });

  test("a stream without its length is refused with what to say", async () => {
    const found = await blipTrain(["caption", sets("shards"), ...small, "--out", newOut()]);
    expect(found.code).toBe(2);
    expect(found.stderr).toMatch(/--batches-per-epoch/);
  });

  test("a shard as validation data gives metrics as well", async () => {
    const shard = sets("shards/00000.tar");
    const args = ["caption", shard, "--val", shard, "--val-limit", "2", "--batches-per-epoch", "2"];
    const found = await blipTrain([
      ...args,
      ...small,
      "--batch-size",
      "1",
      "--epochs",
      "1",
      "--out",
      newOut(),
    ]);
    expect(found.code).toBe(0);
    expect(found.stderr).toMatch(/^epoch 1: .*validation \d.*ciderD \d/m);
  });
});
