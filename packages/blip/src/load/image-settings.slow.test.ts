// Image settings in the files of both generations of transformers, compared with transformers 5.23
// (oracle/hf/processor_goldens.py): pixel values bit-exact, logits, and the settings in a converted folder.
import { createHash } from "node:crypto";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { arrayOf, failureOf } from "@blip-ts/testing";
import { fakeCaches } from "../../test/support/fake-caches.ts";
import { plainModel } from "../../test/support/plain-model.ts";
import { fixture, goldenJson } from "../../test/support/goldens.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import { openRemoteModel } from "../platform/web/remote-model.ts";
import { exportOnnx } from "../tools/export/export-onnx.ts";
import { readImageConfig } from "./image-settings.ts";
import { ImageTextRetrieval } from "../classes/image-text-retrieval.ts";
import { Matcher } from "../verbs/match.ts";
import { loadProcessor } from "../processor/processor.ts";
import { quantize } from "../tools/quantize.ts";
import { convert } from "../tools/convert.ts";

interface Golden {
  readonly about: { readonly image: string; readonly text: string };
  readonly cases: readonly {
    readonly name: string;
    readonly files: Readonly<Record<string, unknown>>;
    readonly pixelValues: string;
    readonly logits: readonly number[];
  }[];
}

const { about, cases } = await goldenJson<Golden>("processor-config");
const image = fixture(about.image.replace("fixtures/", ""));
const halves = [0.5, 0.5, 0.5];
const sizes = { height: 32, width: 32 };

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-settings-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** fixtures/tiny/match with other image settings. */
async function modelWith(files: Readonly<Record<string, unknown>>): Promise<string> {
  const folder = await mkdtemp(join(root, "model-"));
  for (const name of ["config.json", "vocab.txt", "model.safetensors"])
    await copyFile(fixture(`tiny/match/${name}`), join(folder, name));
  for (const [name, content] of Object.entries(files))
    await writeFile(join(folder, name), typeof content === "string" ? content : JSON.stringify(content));
  return folder;
}

const sha = ({ buffer, byteOffset, byteLength }: Float32Array) =>
  createHash("sha256")
    .update(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength))
    .digest("hex");

async function pixelsOf(folder: string): Promise<string> {
  const processor = await loadProcessor(nodePlatform, folder);
  const { pixelValues } = await processor(image);
  return sha(pixelValues.data);
}

async function logitsOf(folder: string): Promise<readonly number[]> {
  await using matcher = await Matcher.load(nodePlatform, folder, { compat: "hf" });
  const [row] = await arrayOf(matcher.match([image], [about.text]));
  return row && "logits" in row ? row.logits : [];
}

const quiet = { onWarning: () => undefined };

describe.each(cases)("$name", ({ files, pixelValues, logits }) => {
  test("gives transformers' pixel values and logits", async () => {
    const folder = await modelWith(files);
    expect(await pixelsOf(folder)).toBe(pixelValues);
    const found = await logitsOf(folder);
    expect(found).toHaveLength(2);
    // Logits are below 2: a different order of float32 sums changes them by 1e-6.
    for (const [index, value] of found.entries()) expect(value).toBeCloseTo(logits[index] ?? NaN, 5);
  });

  test("gives the same ones when it was converted", async () => {
    const folder = await modelWith(files);
    const out = `${folder}-converted`;
    await convert(nodePlatform, folder, out, quiet);
    expect(await pixelsOf(out)).toBe(pixelValues);
    // One file holds the settings, under the name that every version of transformers reads.
    expect(await readdir(out)).toContain("preprocessor_config.json");
    expect(await readdir(out)).not.toContain("processor_config.json");
  });
});

const newer = { image_processor: { image_mean: halves, image_std: halves, size: sizes } };

test("savePretrained, quantize and export follow processor_config.json too", async () => {
  const folder = await modelWith({ "processor_config.json": newer });
  const written = [`${folder}-saved`, `${folder}-half`] as const;
  await using model = await ImageTextRetrieval.load(nodePlatform, folder);
  await model.savePretrained(written[0]);
  await quantize(nodePlatform, folder, written[1], { dtype: "fp16", ...quiet });
  const expected = await pixelsOf(folder);
  for (const one of written) {
    expect(JSON.parse(await readFile(join(one, "preprocessor_config.json"), "utf8"))).toMatchObject({
      image_mean: halves,
      image_std: halves,
    });
    expect(await pixelsOf(one)).toBe(expected);
  }
  const said = await exportOnnx(nodePlatform, folder, `${folder}-onnx`, { task: "match", ...quiet });
  expect(JSON.stringify(said)).toContain('"mean":[0.5,0.5,0.5]');
});

describe("image settings that cannot be used", () => {
  const deep = `{"image_processor": {"image_mean": ${"[".repeat(50_000)}${"]".repeat(50_000)}}}`;
  test.each<[string, unknown, string, RegExp]>([
    ["a list", [], "image/bad-config", /processor_config\.json: expected an object of settings/],
    [
      "a word for the settings",
      { image_processor: "BlipImageProcessor" },
      "image/bad-config",
      /image_processor: expected an object of settings, got "BlipImageProcessor"/,
    ],
    [
      "a mean of two numbers",
      { image_processor: { image_mean: [1, 2] } },
      "image/bad-config",
      /image_processor\.image_mean: expected three numbers.*got \[1,2\]/,
    ],
    [
      "a size out of range",
      { image_processor: { size: { height: 1e6, width: 32 } } },
      "image/bad-config",
      /image_processor\.size: expected a side of 1 to 2048 pixels/,
    ],
    [
      "a factor beyond float32",
      { image_processor: { rescale_factor: 1e308 } },
      "image/bad-config",
      /image_processor\.rescale_factor: expected a number with which pixel values are finite.*got 1e\+308/,
    ],
    [
      "a mean beyond float32",
      { image_processor: { image_mean: 1e39 } },
      "image/bad-config",
      /image_processor\.image_mean: expected numbers with which pixel values are finite/,
    ],
    [
      "a deviation that is next to nothing",
      { image_processor: { image_std: [1, 1e-45, 1] } },
      "image/bad-config",
      /image_processor\.image_std: expected numbers with which pixel values are finite/,
    ],
    ["lists within lists", deep, "model/bad-json", /processor_config\.json: .*nests deeper than 64 levels/],
    ["what is no JSON", "{", "model/bad-json", /processor_config\.json: expected JSON that can be read/],
    [
      "4 MB and more",
      " ".repeat(4_000_001),
      "model/side-file-too-large",
      /processor_config\.json has 4000001 bytes, more than the limit of 4000000/,
    ],
  ])("are refused: %s", async (_, content, code, message) => {
    // The file beside it is not used as a fallback.
    const files = { "processor_config.json": content, "preprocessor_config.json": { size: sizes } };
    const folder = await modelWith(files);
    for (const call of [
      () => loadProcessor(nodePlatform, folder),
      () => Matcher.load(nodePlatform, folder),
    ]) {
      const error = await failureOf(call);
      expect(error.code).toBe(code);
      expect(error.message).toMatch(message);
      expect(error.message).toContain(folder);
    }
  });
});

test("a page asks for processor_config.json, and for the older file only where that says nothing", async () => {
  const asked: string[] = [];
  let processor: unknown = newer;
  vi.stubGlobal("caches", fakeCaches());
  vi.stubGlobal("document", { baseURI: "http://page.example/" });
  const answer = (name: string): Response => {
    asked.push(name);
    if (name === "processor_config.json")
      return processor === undefined ? new Response("", { status: 404 }) : Response.json(processor);
    if (name === "preprocessor_config.json") return Response.json({ image_mean: 0.25 });
    return new Response(new Uint8Array(9), {
      status: 206,
      headers: { etag: '"1"', "content-range": "bytes 0-8/9" },
    });
  };
  const nameOf = (url: string) => url.slice(url.lastIndexOf("/") + 1);
  vi.stubGlobal("fetch", (url: string) => Promise.resolve(answer(nameOf(url))));
  try {
    const files = plainModel(await openRemoteModel("someone/blip", {}));
    expect((await readImageConfig(files))?.mean).toEqual(halves);
    expect(asked).not.toContain("preprocessor_config.json");
    for (const other of [undefined, { processor_class: "BlipProcessor" }]) {
      processor = other;
      expect((await readImageConfig(files))?.mean).toEqual([0.25, 0.25, 0.25]);
    }
  } finally {
    vi.unstubAllGlobals();
  }
});

test("a folder without either has BLIP's own settings", async () => {
  const folder = join(root, "bare");
  await mkdir(folder);
  await copyFile(fixture("tiny/match/model.safetensors"), join(folder, "model.safetensors"));
  expect(await readImageConfig(plainModel(await nodePlatform.openModel(folder, {})))).toBeUndefined();
});
