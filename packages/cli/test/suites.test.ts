// Suites on the command line: made, looked at, used by each verb, and turned into a folder of one task again.
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tinyParts, type PartTask } from "../../blip/test/support/suites.ts";
import { blip, rowsOf, scene } from "./run-blip.ts";

let root = "";
let suite = "";
let parts: Record<PartTask, string>;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-cli-suites-"));
  parts = await tinyParts(root);
  suite = join(root, "suite");
}, 120_000);
afterAll(() => rm(root, { recursive: true, force: true }));

test("convert --suite makes one, of which every verb finds its part", async () => {
  const made = await blip(["convert", "--suite", suite, `match=${parts.match}`, `ask=${parts.ask}`]);
  expect([made.code, made.stderr]).toEqual([0, ""]);
  expect(made.stdout.split("\n")).toEqual([
    `${suite}: a suite for match, retrieve, ask, embed`,
    `match: BlipForImageTextRetrieval of ${parts.match}`,
    `ask: BlipForQuestionAnswering of ${parts.ask}`,
    "",
  ]);
  const scores = async (model: string) =>
    rowsOf((await blip(["match", scene("01"), "-t", "a dog", "--model", model, "--json", "--quiet"])).stdout);
  expect(await scores(suite)).toEqual(await scores(parts.match));
  const lacking = await blip(["caption", scene("01"), "--model", suite]);
  expect(lacking.code).toBe(3);
  expect(lacking.stderr).toMatch(/cannot do "caption": .*It can do: match, retrieve, ask, embed/);
});

test("inspect shows it, as text and as JSON", async () => {
  const { code, stdout } = await blip(["inspect", suite]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^format {6}suite, huggingface names, float32 weights$/m);
  expect(stdout).toMatch(/^parameters {2}[\d,]+, the image encoder's once$/m);
  expect(stdout).toMatch(/^encoder {5}[\d,]+ in image_encoder$/m);
  expect(stdout).toMatch(/^part {8}match: match, retrieve, embed; [\d,]+ parameters .*; text hiddenSize 32/m);
  expect(stdout).toMatch(/^part {8}ask: ask; /m);
  const [row] = rowsOf((await blip(["inspect", suite, "--json"])).stdout);
  expect(row).toMatchObject({
    format: "suite",
    imageEncoder: { folder: "image_encoder" },
    parts: [
      { folder: "match", tasks: ["match", "retrieve", "embed"] },
      { folder: "ask", tasks: ["ask"] },
    ],
  });
});

test("convert writes the part of a task; without one it names them, as quantize does", async () => {
  const out = join(root, "asker");
  for (const command of ["convert", "quantize"]) {
    const which = await blip([command, suite, out]);
    expect(which.code).toBe(2);
    expect(which.stderr).toMatch(/expected one of match, retrieve, ask, embed.*--task/);
  }
  const { code, stdout } = await blip(["convert", suite, out, "--task", "ask"]);
  expect([code, stdout]).toEqual([0, `${out}: BlipForQuestionAnswering (ask)\n`]);
  expect(await readdir(out)).toContain("model.safetensors");
});

describe("convert refuses", () => {
  test.each<[what: string, args: () => string[], message: RegExp]>([
    ["nothing to convert", () => [], /expected IN OUT, found nothing/],
    ["one place", () => [parts.match], /expected IN OUT, found .*of-match/],
    ["three places", () => [parts.match, "a", "b"], /expected IN OUT, found .*of-match a b/],
    ["a suite of nothing", () => ["--suite", join(root, "none")], /found none\. Name them/],
    [
      "a part without a task",
      () => ["--suite", join(root, "none"), parts.match],
      /expected TASK=MODEL, found/,
    ],
    [
      "a part without a model",
      () => ["--suite", join(root, "none"), "match="],
      /expected TASK=MODEL, found match=/,
    ],
    [
      "a task twice",
      () => ["--suite", join(root, "none"), `ask=${parts.ask}`, `ask=${parts.match}`],
      /expected one model for ask, found two/,
    ],
    [
      "--task beside --suite",
      () => ["--suite", join(root, "none"), `ask=${parts.ask}`, "--task", "ask"],
      /--task: expected none beside --suite/,
    ],
  ])("%s", async (_what, args, message) => {
    const { code, stdout, stderr } = await blip(["convert", ...args()]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
    expect(await readdir(root)).not.toContain("none");
  });
});
