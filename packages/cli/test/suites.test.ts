// Suites on the command line: made, looked at, used by each verb, and turned into a folder of one task again.
import { copyFile, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { blip, rowsOf, scene, tiny } from "./run-blip.ts";

let root = "";
let suite = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-cli-suites-"));
  suite = join(root, "suite");
});
// Of a pre-trained file, whose image encoder is both parts'.
const pretrained = tiny("pretrain-original");
afterAll(() => rm(root, { recursive: true, force: true }));

test("convert --suite makes one, of which every verb finds its part", async () => {
  const made = await blip(["convert", "--suite", suite, `match=${pretrained}`, `caption=${pretrained}`]);
  expect([made.code, made.stderr]).toEqual([0, ""]);
  expect(made.stdout.split("\n")).toEqual([
    `${suite}: a suite for match, retrieve, caption, embed`,
    `match: BlipForImageTextRetrieval of ${pretrained}`,
    `caption: BlipForConditionalGeneration of ${pretrained}`,
    "",
  ]);
  const scores = async (model: string) =>
    rowsOf((await blip(["match", scene("01"), "-t", "a dog", "--model", model, "--json", "--quiet"])).stdout);
  expect(await scores(suite)).toEqual(await scores(pretrained));
  const lacking = await blip(["ask", scene("01"), "-q", "what is it", "--model", suite]);
  expect(lacking.code).toBe(3);
  expect(lacking.stderr).toMatch(/cannot do "ask": .*It can do: match, retrieve, caption, embed/);
});

test("inspect shows it, as text and as JSON", async () => {
  const { code, stdout } = await blip(["inspect", suite]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^format {6}suite, huggingface names, float32 weights$/m);
  expect(stdout).toMatch(/^parameters {2}[\d,]+, the image encoder's once$/m);
  expect(stdout).toMatch(/^encoder {5}[\d,]+ in image_encoder$/m);
  expect(stdout).toMatch(/^part {8}match: match, retrieve, embed; [\d,]+ parameters .*; text hiddenSize 32/m);
  expect(stdout).toMatch(/^part {8}caption: caption; /m);
  const [row] = rowsOf((await blip(["inspect", suite, "--json"])).stdout);
  expect(row).toMatchObject({
    format: "suite",
    imageEncoder: { folder: "image_encoder" },
    parts: [
      { folder: "match", tasks: ["match", "retrieve", "embed"] },
      { folder: "caption", tasks: ["caption"] },
    ],
  });
});

test("convert writes the part of a task; without one it names them, as quantize does", async () => {
  const out = join(root, "captioner");
  for (const command of ["convert", "quantize"]) {
    const which = await blip([command, suite, out]);
    expect(which.code).toBe(2);
    expect(which.stderr).toMatch(/expected one of match, retrieve, caption, embed.*--task/);
  }
  const { code, stdout } = await blip(["convert", suite, out, "--task", "caption"]);
  expect([code, stdout]).toEqual([0, `${out}: BlipForConditionalGeneration (caption)\n`]);
  expect(await readdir(out)).toContain("model.safetensors");
});

test("bench measures its parts", async () => {
  const bench = await blip([
    "bench",
    "--model",
    suite,
    "--row",
    "image-fp32",
    "--runs",
    "1",
    "--json",
    "--quiet",
  ]);
  expect(bench.code).toBe(0);
  expect(rowsOf(bench.stdout).map(({ row, unit }) => [row, unit])).toEqual([["image-fp32", "s"]]);
});

test("verify runs the part of each sample", async () => {
  const images = join(root, "images");
  await mkdir(images);
  await copyFile(scene("01"), join(images, "demo.jpg"));
  const verify = await blip(["verify", suite, "--as", "blip-itm-base-coco", "--images", images, "--json"]);
  const verdicts = rowsOf(verify.stdout).map(({ verdict }) => verdict);
  // Weights are random: what could be run differs.
  expect(verify.code).toBe(1);
  expect(verdicts).toContain("different");
});

describe("convert refuses", () => {
  test.each<[what: string, args: () => string[], message: RegExp]>([
    ["nothing to convert", () => [], /expected IN OUT, got nothing/],
    ["one place", () => [pretrained], /expected IN OUT, got .*pretrain-original/],
    ["three places", () => [pretrained, "a", "b"], /expected IN OUT, got .*pretrain-original a b/],
    ["a suite of nothing", () => ["--suite", join(root, "none")], /got none\. Name them/],
    ["a part without a task", () => ["--suite", join(root, "none"), pretrained], /expected TASK=MODEL, got/],
    [
      "a part without a model",
      () => ["--suite", join(root, "none"), "match="],
      /expected TASK=MODEL, got match=/,
    ],
    [
      "a task twice",
      () => ["--suite", join(root, "none"), `ask=${pretrained}`, `ask=${pretrained}`],
      /expected one model for ask, got two /,
    ],
    [
      "--task beside --suite",
      () => ["--suite", join(root, "none"), `ask=${pretrained}`, "--task", "ask"],
      /--task: expected none beside --suite/,
    ],
  ])("%s", async (_what, args, message) => {
    const { code, stdout, stderr } = await blip(["convert", ...args()]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
    expect(await readdir(root)).not.toContain("none");
  });
});
