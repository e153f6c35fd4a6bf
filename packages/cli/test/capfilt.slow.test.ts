// The training that `blip capfilt` prints at its end, for every form of kept pairs.
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { outputFormats } from "blip-ts/train";
import { afterAll, beforeAll, expect, test } from "vitest";
import { blip, pasted, path, scene, tiny } from "./run-blip.ts";

let root: string;
let data: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-capfilt-"));
  await mkdir(join(root, "data"));
  const names = ["01", "02", "03"];
  for (const name of names) await cp(scene(name), join(root, `data/${name}.png`));
  data = join(root, "data/rows.jsonl");
  const rows = names.map((name) => JSON.stringify({ photo: `${name}.png`, alt: "a dog", site: name }));
  await writeFile(data, rows.join("\n"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

let count = 0;
/** @param args the data, and options of reading it */
async function printed(...args: string[]) {
  const own = ["--captioner", tiny("pretrain-original"), "--threshold", "0", "--html", "0"];
  return (
    await blip(["capfilt", ...args.slice(0, 1), join(root, `out-${count++}`), ...args.slice(1), ...own])
  ).stderr;
}

const columns = ["--column", "image=photo", "--column", "captions=alt"];

test.skipIf(process.platform === "win32").each(outputFormats)("kept pairs as %s", async (format) => {
  const { code, stderr, words } = await pasted(await printed(data, ...columns, "--format", format));
  expect(stderr).toMatch(/^(?:6|unknown) samples, 1 steps of 4,/m);
  expect(stderr).not.toContain("Left out");
  expect([code, words.includes("--batches-per-epoch")]).toEqual([0, format === "webdataset"]);
});

test.skipIf(process.platform === "win32")("kept pairs of a table with images", async () => {
  const table = path("fixtures/datasets/parquet/img2dataset.parquet");
  const { code, stderr, words } = await pasted(await printed(table));
  expect([code, words.includes("--batches-per-epoch"), stderr.includes("Left out")]).toEqual([
    0,
    true,
    false,
  ]);
});

test.skipIf(process.platform === "win32")("kept pairs with absolute paths, fewer than a batch", async () => {
  const list = join(root, "absolute.jsonl");
  await writeFile(list, JSON.stringify({ image: scene("01"), caption: "a dog" }));
  const { code, stderr, words } = await pasted(await printed(list, "--allow-outside"));
  expect(words).toEqual(expect.arrayContaining(["--allow-outside", "--batch-size", "2"]));
  expect([code, stderr.includes("Left out")]).toEqual([0, false]);
});

test.skipIf(process.platform === "win32")("kept pairs of the embedded model", async () => {
  const out = join(root, "embedded");
  const { stderr } = await blip(["capfilt", path("examples/scenes"), out, "--threshold", "0", "--html", "0"]);
  const { code, words } = await pasted(stderr.replace(/^Using.*\n/, ""));
  expect(words).toEqual(expect.arrayContaining(["--model", "picture-book"]));
  expect(code).toBe(0);
});
