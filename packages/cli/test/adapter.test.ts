// `--adapter` in the command, and `blip train --lora`.
import { copyFile, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { blip, path, rowsOf, scene, tiny } from "./run-blip.ts";

const adapter = path("fixtures/adapter/match");

let folder = "";
const home = process.env.HF_HOME;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-adapter-"));
  process.env.HF_HOME = join(folder, "home");
});
afterAll(async () => {
  if (home === undefined) delete process.env.HF_HOME;
  else process.env.HF_HOME = home;
  await rm(folder, { recursive: true, force: true });
});

const matched = async (model: string, ...more: readonly string[]) => {
  const args = ["match", scene("01"), "-t", "a dog", "--model", model, "--json", "--quiet"];
  return rowsOf((await blip([...args, ...more])).stdout);
};

test("blip match takes an adapter, and blip convert writes a model of both", async () => {
  const out = join(folder, "merged");
  const { code, stdout } = await blip([
    "convert",
    tiny("match"),
    out,
    "--adapter",
    adapter,
    "--json",
    "--quiet",
  ]);
  expect(code).toBe(0);
  expect(rowsOf(stdout)).toMatchObject([{ folder: out, task: "match" }]);
  const [withIt, merged, plain] = [
    await matched(tiny("match"), "--adapter", adapter),
    await matched(out),
    await matched(tiny("match")),
  ];
  expect(Math.abs(Number(withIt[0]?.probability) - Number(merged[0]?.probability))).toBeLessThan(1e-5);
  expect(Math.abs(Number(withIt[0]?.probability) - Number(plain[0]?.probability))).toBeGreaterThan(1e-3);
});

test.each([
  "match",
  "caption",
  "ask",
  "compare",
  "retrieve",
  "embed",
  "eval",
  "verify",
  "convert",
  "quantize",
  "export",
])("blip %s --help names --adapter", async (verb) => {
  expect((await blip([verb, "--help"])).stdout).toContain("--adapter <DIR>");
});

test("an adapter in a model's place, and a model in an adapter's, say what to do", async () => {
  const asModel = await blip(["match", scene("01"), "-t", "a dog", "--model", adapter]);
  expect(asModel.stderr).toContain("blip convert BASE OUT --adapter FOLDER");
  const args = ["match", scene("01"), "-t", "a dog", "--model", tiny("match"), "--adapter", tiny("match")];
  const asAdapter = await blip(args);
  expect(asAdapter.stderr).toContain("This is a model: give it as --model, and leave out --adapter.");
  expect(asAdapter.code).not.toBe(0);
  const suite = await blip([
    "convert",
    "--suite",
    join(folder, "suite"),
    `match=${tiny("match")}`,
    "--adapter",
    adapter,
  ]);
  expect([suite.code, suite.stderr.includes("Write the part first")]).toEqual([2, true]);
});

test("blip train --lora leaves an adapter for --adapter", async () => {
  const out = join(folder, "run");
  const data = join(folder, "data.jsonl");
  const numbers = ["01", "02", "03", "04"];
  for (const number of numbers) await copyFile(scene(number), join(folder, `${number}.png`));
  const rows = numbers.map((number) => ({ image: `${number}.png`, caption: `scene ${number}` }));
  await writeFile(data, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const args = ["train", "caption", data, "--model", tiny("caption"), "--out", out, "--quiet", "--json"];
  const more = ["--lora", "2", "--lora-alpha", "4", "--lora-targets", "query, dense", "--recipe", "few"];
  const quick = ["--epochs", "1", "--batch-size", "4", "--threads", "1", "--workers", "1"];
  const { code, stderr } = await blip([...args, ...more, ...quick]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(await readdir(join(out, "model"))).toEqual(["adapter_config.json", "adapter_model.safetensors"]);
  const verb = ["caption", scene("01"), "--model", tiny("caption"), "--json", "--quiet"];
  const captions = [await blip([...verb, "--adapter", join(out, "model")]), await blip(verb)];
  expect(captions.map((one) => one.code)).toEqual([0, 0]);
});

test.each([
  [["--lora-alpha", "4"], "--lora-alpha: expected --lora RANK beside it, got none."],
  [
    ["--lora-alpha", "4", "--lora-save", "itm_head"],
    "--lora-alpha, --lora-save: expected --lora RANK beside them",
  ],
])("%j is refused without --lora", async (more, says) => {
  const { code, stderr } = await blip(["train", "caption", folder, "--out", join(folder, "none"), ...more]);
  expect([code, stderr.startsWith(`blip: ${says}`)]).toEqual([2, true]);
});
