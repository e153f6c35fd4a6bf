// Numbers that are not finite, as a script sees them: failed rows, exit code 1, and nowhere NaN, null or an empty caption.
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { blip, path, rowsOf, scene, tiny } from "./run-blip.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-not-finite-"));
  vi.stubEnv("HF_HOME", join(root, "home"));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(root, { recursive: true, force: true });
});

/** A copy of a tiny model, in which all numbers of a tensor are NaN, or those of one row. */
async function without(model: string, tensor: string, row?: number): Promise<string> {
  const folder = await mkdtemp(join(root, "model-"));
  await cp(model, folder, { recursive: true });
  const file = join(folder, "model.safetensors");
  const bytes = await readFile(file);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + length)) as Record<
    string,
    { readonly shape: readonly number[]; readonly data_offsets: readonly [number, number] }
  >;
  const found = header[tensor];
  if (!found) throw new Error(`${model} has no ${tensor}`);
  const [start, end] = found.data_offsets.map((offset) => 8 + length + offset);
  const size = ((end ?? 0) - (start ?? 0)) / (row === undefined ? 1 : (found.shape[0] ?? 1));
  for (let at = 0; at < size; at += 4) bytes.writeFloatLE(NaN, (start ?? 0) + (row ?? 0) * size + at);
  await writeFile(file, bytes);
  return folder;
}

const [one, two] = [scene("01"), scene("02")];
const norm = "vision_model.post_layernorm.weight";
const dog = ["text_encoder.embeddings.word_embeddings.weight", 56] as const;
const error = {
  code: "model/not-finite",
  message: expect.stringMatching(/expected finite numbers in .*, got others/) as string,
};
const clean = (text: string) => {
  expect(text).not.toMatch(/\bNaN\b|Infinity|null|"caption": ""/);
};

async function rowsFor(...args: string[]) {
  const { code, stdout, stderr } = await blip([...args, "--json"]);
  clean(stdout);
  expect(code).toBe(1);
  expect(stderr).toMatch(/expected finite numbers/);
  return rowsOf(stdout);
}

describe("images of which the model makes no finite numbers have a row each, and the exit code is 1", () => {
  const each = [one, two].map((image) => ({ image, error }));
  test.each<[string, string, string[]]>([
    ["match", "match", ["match", one, two, "-t", "a dog", "-t", "a cat"]],
    ["caption", "caption", ["caption", one, two]],
    ["caption, greedy", "caption", ["caption", one, two, "--beams", "1"]],
    ["caption, drawn", "caption", ["caption", one, two, "--sample", "--num-return", "2"]],
    ["ask", "vqa", ["ask", one, two, "-q", "is there a dog", "-q", "is there a cat"]],
    ["embed", "match", ["embed", one, two]],
    ["embed, all states", "match", ["embed", one, two, "--states"]],
    ["retrieve by image", "match", ["retrieve", one, two, "-t", "a dog", "--by", "image"]],
  ])("%s", async (_, model, args) => {
    const folder = await without(tiny(model), norm);
    expect(await rowsFor(...args, "--model", folder)).toEqual(each);
    const table = await blip([...args, "--model", folder]);
    expect(table.code).toBe(1);
    clean(table.stdout);
    expect(table.stdout).toContain("(model/not-finite)");
    expect(table.stderr).toContain(`${one}: ${folder}: expected finite numbers`);
  });

  test("ask of a list", async () => {
    const answers = join(root, "answers.txt");
    await writeFile(answers, "dog\ncat\n");
    const model = await without(tiny("vqa"), norm);
    const args = ["ask", one, two, "-q", "is there a dog", "--answers", answers];
    expect(await rowsFor(...args, "--model", model)).toEqual(each);
  });

  test("retrieve, beside its texts", async () => {
    const model = await without(tiny("match"), norm);
    expect(await rowsFor("retrieve", one, two, "-t", "a dog", "--model", model)).toEqual([
      ...each,
      { text: "a dog", hits: [] },
    ]);
  });

  test("caption --score and --match-model, where the matching model makes none", async () => {
    const args = ["caption", one, two, "--compat", "hf", "--prompt", "a cat", "--model", tiny("caption")];
    const model = await without(tiny("match"), "itm_head.weight");
    expect(await rowsFor(...args, "--match-model", model)).toEqual(each);
    const both = join(root, "both");
    await blip(["convert", tiny("pretrain-original"), both, "--task", "match", "--quiet"]);
    expect(await rowsFor("match", one, two, "-t", "a", "--model", await without(both, norm))).toEqual(each);
  });

  test("compare", async () => {
    const folder = join(root, "nlvr");
    await blip(["convert", tiny("nlvr-original"), folder, "--quiet"]);
    const args = ["compare", one, two, "-s", "a cat", "-s", "a dog", "--model"];
    expect(await rowsFor(...args, await without(folder, norm))).toEqual(each);
    expect(await rowsFor(...args, await without(folder, ...dog))).toMatchObject([
      { images: [one, two], statement: "a cat" },
      { image: one, statement: "a dog", error },
    ]);
    const table = await blip([...args, await without(folder, ...dog)]);
    expect(table.code).toBe(1);
    clean(table.stdout);
    expect(table.stderr).toContain(`${one} "a dog": `);
    expect(await rowsFor(...args, await without(folder, "cls_head.0.weight"))).toEqual(each);
  });
});

describe("texts of which the model makes no finite numbers fail alone", () => {
  test("match, ask", async () => {
    const matcher = await without(tiny("match"), ...dog);
    expect(await rowsFor("match", one, "-t", "a cat", "-t", "a dog", "--model", matcher)).toMatchObject([
      { image: one, text: "a cat", probability: expect.any(Number) as number },
      { image: one, text: "a dog", error },
    ]);
    const answerer = await without(tiny("vqa"), ...dog);
    const questions = ["-q", "is there a dog", "-q", "is there a cat"];
    expect(await rowsFor("ask", one, two, ...questions, "--model", answerer)).toMatchObject(
      [one, two].flatMap((image) => [
        { image, question: "is there a dog", error },
        { image, question: "is there a cat", answer: expect.any(String) as string },
      ]),
    );
  });

  test("embed, retrieve", async () => {
    const model = await without(tiny("match"), ...dog);
    const args = ["-t", "a cat", "-t", "a dog", "--model", model];
    expect(await rowsFor("embed", one, ...args)).toMatchObject([
      { image: one, embedding: expect.any(Array) as unknown },
      { text: "a cat", embedding: expect.any(Array) as unknown },
      { text: "a dog", error },
    ]);
    const table = await blip(["embed", one, ...args]);
    expect(table.stderr).toContain(`a dog: ${model}: expected finite numbers`);
    expect(await rowsFor("retrieve", one, ...args)).toMatchObject([
      { text: "a cat", hits: [{ image: one }] },
      { text: "a dog", error },
    ]);
  });
});

describe("where no row could say it", () => {
  test.each(["fp16", "int8"])("quantize --check says so after the folder: %s", async (dtype) => {
    for (const [model, tensor] of [
      ["match", "itm_head.weight"],
      ["caption", norm],
    ] as const) {
      const out = join(root, `${model}-${dtype}`);
      const args = ["quantize", await without(tiny(model), tensor), out, "--dtype", dtype, "--check", one];
      const { code, stdout, stderr } = await blip([...args, "--json"]);
      expect([code, rowsOf(stdout).length]).toEqual([1, 1]);
      expect(rowsOf(stdout)[0]).toMatchObject({ folder: out });
      clean(stdout);
      expect(stderr).toMatch(/^blip: .*expected finite numbers/m);
      expect(await readdir(out)).toContain("model.safetensors");
    }
  });

  test("verify finds a difference", async () => {
    const images = join(root, "images");
    await cp(path("fixtures/images"), images, { recursive: true });
    await cp(one, join(images, "merlion.png"));
    await cp(one, join(images, "demo.jpg"));
    const model = await without(tiny("match"), norm);
    const args = ["verify", model, "--as", "blip-itm-base-coco", "--images", images, "--json", "--quiet"];
    const { code, stdout } = await blip(args);
    expect(code).toBe(1);
    const rows = rowsOf(stdout).filter(({ verdict }) => verdict !== "skipped");
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows)
      expect(row).toMatchObject({
        verdict: "different",
        found: expect.stringContaining("expected finite numbers in ") as string,
      });
  });

  test("bench measures nothing of it", async () => {
    const model = await without(tiny("match"), norm);
    const wanted = ["image-fp32", "1x128-fp32", "first-score-fp32"].flatMap((row) => ["--row", row]);
    const args = ["bench", "--model", await without(model, "itm_head.weight"), ...wanted, "--runs", "1"];
    const { code, stdout } = await blip([...args, "--json", "--quiet"]);
    expect(code).toBe(1);
    const rows = rowsOf(stdout);
    expect(rows.map(({ row }) => row)).toEqual(["image-fp32", "1x128-fp32", "first-score-fp32"]);
    for (const { notRun } of rows) expect(notRun).toEqual(error);
    // Also if nobody asked for a row by its name, where what a model cannot do is no failure.
    const captioner = await without(tiny("caption"), "text_decoder.cls.predictions.bias");
    const greedy = await blip(["bench", "--model", captioner, "--runs", "1", "--quiet"]);
    expect(greedy.code).toBe(1);
    expect(greedy.stdout).toContain("(model/not-finite)");
  });
});
