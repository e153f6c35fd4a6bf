// One call per verb over model files. All else about them is in model-files.slow.test.ts and bench.slow.test.ts.
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeInt8 } from "../src/bench/machine.ts";
import { blip, rowsOf, scene, tiny } from "./run-blip.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-model-files-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Scores of a scene under a model. */
const scores = async (model: string) =>
  rowsOf((await blip(["match", scene("01"), "-t", "a dog", "--model", model, "--json", "--quiet"])).stdout);

test("blip convert writes a folder that gives the same numbers", async () => {
  const out = join(folder, "converted");
  expect((await blip(["convert", tiny("match-original"), out, "--json", "--quiet"])).code).toBe(0);
  expect(await scores(out)).toEqual(await scores(tiny("match-original")));
});

test("blip quantize writes a folder that other verbs take", async () => {
  const out = join(folder, "quantized");
  const { stdout } = await blip(["quantize", tiny("match"), out, "--json", "--quiet"]);
  expect(rowsOf(stdout)).toMatchObject([{ folder: out, task: "match", dtype: "int8" }]);
  expect(await scores(out)).toMatchObject([{ image: scene("01"), text: "a dog" }]);
});

test("blip export writes a task's files", async () => {
  const out = join(folder, "exported");
  expect((await blip(["export", tiny("match"), out, "--task", "match"])).code).toBe(0);
  expect(await readdir(out)).toContain("export.json");
});

test("blip verify checks a model of which nothing was published, and never calls it equal", async () => {
  const { code, stdout } = await blip(["verify", tiny("match"), "--json"]);
  expect(code).toBe(0);
  const verdicts = rowsOf(stdout).map(({ verdict }) => verdict);
  expect(verdicts.length).toBeGreaterThan(6);
  expect(new Set(verdicts)).toEqual(new Set(["checked"]));
});

test("blip bench refuses a row that there is not, listing those that there are", async () => {
  const { code, stdout, stderr } = await blip(["bench", "--row", "images", "--json"]);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toContain("product, image, 1x128");
});

test("blip bench says each way of multiplying in a line of its own", () => {
  const lines = [
    describeInt8({ weights: "signed", exact: true }),
    describeInt8({ weights: "unsigned", exact: true }),
    describeInt8({ weights: "unsigned", exact: false }),
  ];
  expect(new Set(lines).size).toBe(3);
});
