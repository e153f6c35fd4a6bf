// `--max-pixels`, which every verb that reads images takes.
import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { blip, path, rowsOf, scene, tiny } from "./run-blip.ts";

/** 53 x 37 pixels. */
const image = path("fixtures/images/odd-444.jpg");
const low = ["--max-pixels", String(53 * 37 - 1)];
const enough = ["--max-pixels", String(53 * 37)];

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-max-pixels-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test.each([
  ["match", "match", ["-t", "a dog"]],
  ["caption", "caption", []],
  ["ask", "vqa", ["-q", "is there a dog?"]],
  ["embed", "match", []],
  ["retrieve", "match", ["-t", "a dog"]],
])("blip %s refuses a larger image in its row, and names the option", async (verb, model, args) => {
  const call = [verb, image, ...args, "--model", tiny(model), "--json"];
  const { code, stdout, stderr } = await blip([...call, ...low]);
  expect(code).toBe(1);
  expect(rowsOf(stdout)[0]).toMatchObject({ image, error: { code: "image/too-large" } });
  expect(stderr).toMatch(/odd-444\.jpg: expected at most 1960 pixels.*--max-pixels/);
  expect((await blip([...call, ...enough])).code).toBe(0);
});

test("blip compare refuses it too", async () => {
  const call = ["compare", image, scene("01"), "-s", "a dog", "--model", tiny("nlvr-original"), "--json"];
  const { code, stdout } = await blip([...call, ...low]);
  expect(code).toBe(1);
  expect(rowsOf(stdout)[0]).toMatchObject({ image, error: { code: "image/too-large" } });
});

test.each(["0", "-3", "1.5", "many"])("%s pixels are no limit", async (number) => {
  const { code, stdout, stderr } = await blip(["embed", image, "--max-pixels", number]);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(/--max-pixels: expected a positive whole number/);
});

test("blip verify skips a sample whose picture is larger", async () => {
  for (const name of ["demo.jpg", "000000039769.jpg"]) await cp(image, join(folder, name));
  const args = ["verify", tiny("vqa"), "--as", "blip-vqa-base", "--images", folder, "--json"];
  const { code, stdout } = await blip([...args, ...low]);
  expect(code).toBe(1);
  const rows = rowsOf(stdout);
  expect(rows.length).toBeGreaterThan(0);
  for (const row of rows)
    expect(row).toMatchObject({
      verdict: "skipped",
      found: expect.stringContaining("--max-pixels") as string,
    });
});

test("blip quantize takes it with --check alone, and writes nothing where a picture is larger", async () => {
  const out = join(folder, "quantized");
  const without = await blip(["quantize", tiny("match"), out, ...low]);
  expect(without).toMatchObject({ code: 2, stdout: "" });
  expect(without.stderr).toMatch(/--max-pixels: expected --check IMAGE beside it/);
  const refused = await blip(["quantize", tiny("match"), out, "--check", image, ...low]);
  expect(refused).toMatchObject({ code: 2, stdout: "" });
  expect(refused.stderr).toMatch(/--check: .*odd-444\.jpg.*--max-pixels/);
  expect(await readdir(folder)).not.toContain("quantized");
  const made = await blip(["quantize", tiny("match"), out, "--check", image, ...enough, "--json"]);
  expect(made.code).toBe(0);
});
