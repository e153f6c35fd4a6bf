// Through the package's door: models with adapters that PEFT wrote answer as PEFT over transformers does
// (oracle/train/adapter_goldens.py), merged or not, in every type; kept weights of the base and of adapters stay apart.
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSafetensors, readTensorBytes } from "@blip-ts/checkpoint";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  Blip,
  BlipForConditionalGeneration,
  BlipForImageTextRetrieval,
  BlipForQuestionAnswering,
  convert,
  inspect,
  Matcher,
  match,
  quantize,
  type Tensor,
} from "../src/node.ts";
import { fileSource } from "../src/platform/node/local-files.ts";
import { fixture } from "./support/goldens.ts";
import { tinyParts, tinySuite } from "./support/suites.ts";

const tiny = (name: string) => fixture(`tiny/${name}`);
const adapterOf = (task: string) => fixture(`adapter/${task}`);

let root: string;
const home = process.env.HF_HOME;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-adapter-"));
  process.env.HF_HOME = join(root, "home");
});
afterAll(async () => {
  if (home === undefined) delete process.env.HF_HOME;
  else process.env.HF_HOME = home;
  await rm(root, { recursive: true, force: true });
});

async function golden<T extends "float32" | "int64">(name: string, dtype: T): Promise<Tensor<T>> {
  const { tensors } = await readSafetensors(await fileSource(fixture("adapter/goldens.safetensors")));
  const stored = tensors.get(name);
  if (stored?.dtype !== dtype) throw new Error(`no golden ${name}`);
  const { buffer } = (await readTensorBytes(stored)).slice();
  const data = dtype === "float32" ? new Float32Array(buffer) : new BigInt64Array(buffer);
  return { dtype, dims: stored.shape, data } as unknown as Tensor<T>;
}

const apart = (a: Tensor<"float32">, b: Tensor<"float32">) => {
  expect(a.dims).toEqual(b.dims);
  return Math.max(...a.data.map((value, index) => Math.abs(value - (b.data[index] ?? NaN))));
};

const inputs = async () => ({
  pixelValues: await golden("pixel_values", "float32"),
  inputIds: await golden("input_ids", "int64"),
  attentionMask: await golden("attention_mask", "int64"),
});

type Load = Parameters<typeof BlipForImageTextRetrieval.fromPretrained>[1];

/** Logits and cosines of a matching model. */
async function matching(model: string, options: Load = {}) {
  await using loaded = await BlipForImageTextRetrieval.fromPretrained(model, options);
  const given = await inputs();
  const { itmScore } = await loaded.forward(given);
  return itmScore;
}

describe("answers as PEFT over transformers does, to 1e-5", () => {
  test("match: fused projections of images, and a head that was trained whole", async () => {
    await using model = await BlipForImageTextRetrieval.fromPretrained(tiny("match"), {
      adapter: adapterOf("match"),
    });
    const given = await inputs();
    const itm = await model.forward(given);
    const cosine = await model.forward(given, { useItmHead: false });
    expect(apart(itm.itmScore, await golden("match itm_score", "float32"))).toBeLessThan(1e-5);
    expect(apart(cosine.itmScore, await golden("match cosine", "float32"))).toBeLessThan(1e-5);
    expect(apart(itm.itmScore, await matching(tiny("match")))).toBeGreaterThan(0.05);
  });

  test("caption: rank-stabilised, with patterns", async () => {
    const options = { adapter: adapterOf("caption") };
    await using model = await BlipForConditionalGeneration.fromPretrained(tiny("caption"), options);
    const { logits } = await model.forward({
      pixelValues: await golden("pixel_values", "float32"),
      inputIds: await golden("decoder_input_ids", "int64"),
    });
    expect(apart(logits, await golden("caption logits", "float32"))).toBeLessThan(1e-5);
  });

  test("VQA: an encoder and a decoder", async () => {
    const options = { adapter: adapterOf("vqa") };
    await using model = await BlipForQuestionAnswering.fromPretrained(tiny("vqa"), options);
    const { pixelValues, inputIds } = await inputs();
    // The oracle's questions are cut before padding begins.
    const [first, second] = [inputIds.data.slice(0, 4), inputIds.data.slice(6, 10)];
    const { logits, questionEmbeds } = await model.forward({
      pixelValues,
      inputIds: { dtype: "int64", dims: [2, 4], data: BigInt64Array.of(...first, ...second) },
      decoderInputIds: await golden("decoder_input_ids", "int64"),
    });
    expect(apart(questionEmbeds, await golden("vqa question", "float32"))).toBeLessThan(1e-5);
    expect(apart(logits, await golden("vqa logits", "float32"))).toBeLessThan(1e-5);
  });

  test("over a checkpoint with the original names, and over one in half precision", async () => {
    const adapter = adapterOf("match");
    const expected = await golden("match itm_score", "float32");
    expect(apart(await matching(tiny("match-original"), { adapter }), expected)).toBeLessThan(1e-5);
    expect(apart(await matching(tiny("match-f16"), { adapter }), expected)).toBeLessThan(0.02);
  });
});

describe("merged into a plain checkpoint", () => {
  test("gives what the adapter gives, to 1e-5", async () => {
    const adapter = adapterOf("match");
    const out = join(root, "merged");
    const before = await readFile(join(tiny("match"), "model.safetensors"));
    await convert(tiny("match"), out, { adapter });
    expect(apart(await matching(out), await matching(tiny("match"), { adapter }))).toBeLessThan(1e-5);
    expect(await inspect(out)).toMatchObject({
      dialect: "huggingface",
      tasks: expect.arrayContaining(["match"]) as unknown,
    });
    expect((await readFile(join(tiny("match"), "model.safetensors"))).equals(before)).toBe(true);
  });

  test("of half precision: what was merged is float32, and config.json says so", async () => {
    const adapter = adapterOf("match");
    const out = join(root, "merged-f16");
    await convert(tiny("match-f16"), out, { adapter });
    expect(apart(await matching(out), await matching(tiny("match-f16"), { adapter }))).toBeLessThan(1e-5);
    expect(JSON.parse(await readFile(join(out, "config.json"), "utf8"))).toMatchObject({ dtype: "float32" });
  });

  test("in 8 bits: it is merged before it is rounded", async () => {
    const adapter = adapterOf("match");
    const [merged, small] = [join(root, "for-int8"), join(root, "int8")];
    await convert(tiny("match"), merged, { adapter });
    await quantize(tiny("match"), small, { dtype: "int8", adapter });
    expect(apart(await matching(small), await matching(merged, { dtype: "int8" }))).toBeLessThan(1e-6);
    await expect(matching(small, { adapter })).rejects.toMatchObject({ code: "adapter/quantized" });
  });
});

test("kept weights of the base and of several adapters are never mixed up", async () => {
  const other = join(root, "other");
  await cp(adapterOf("match"), other, { recursive: true });
  const config = JSON.parse(await readFile(join(other, "adapter_config.json"), "utf8")) as object;
  const say = (alpha: number) =>
    writeFile(join(other, "adapter_config.json"), JSON.stringify({ ...config, lora_alpha: alpha }));
  await say(1);
  const loads: readonly Load[] = (["fp32", "int8"] as const).flatMap((dtype) => [
    { dtype },
    { dtype, adapter: adapterOf("match") },
    { dtype, adapter: other },
  ]);
  const all = async () => {
    const found: Tensor<"float32">[] = [];
    for (const load of loads) found.push(await matching(tiny("match"), load));
    return found;
  };
  const first = await all();
  // From what was kept.
  for (const row of [3, 4, 5]) expect(await matching(tiny("match"), loads[row])).toEqual(first[row]);
  for (let row = 0; row < first.length; row += 3) {
    const [base, one, two] = first.slice(row, row + 3);
    if (!base || !one || !two) throw new Error("three of each type");
    expect(apart(base, one)).toBeGreaterThan(0.05);
    expect(apart(one, two)).toBeGreaterThan(0.01);
    const exact = first[row % 3];
    expect(exact && apart(base, exact)).toBeLessThan(0.05);
  }
  // The same folder with other numbers.
  await say(12);
  const moved = await matching(tiny("match"), { dtype: "int8", adapter: other });
  expect(first[5] && apart(moved, first[5])).toBeGreaterThan(0.05);
});

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const row of rows) found.push(row);
  return found;
}

describe("verbs", () => {
  const scene = fixture("../examples/scenes/01.png");
  test("and Blip take one", async () => {
    const adapter = adapterOf("match");
    const [plain] = await match([scene], ["a dog"], { model: tiny("match") });
    const [row] = await match([scene], ["a dog"], { model: tiny("match"), adapter });
    await using blip = await Blip.fromPretrained(tiny("match"), { adapter });
    const [same] = await all(blip.match([scene], ["a dog"]));
    await using matcher = await Matcher.fromPretrained(tiny("match"), { adapter });
    const [third] = await all(matcher.match([scene], ["a dog"]));
    expect(row).toEqual(same);
    expect(row).toEqual(third);
    expect(row).not.toEqual(plain);
  });

  test("one for a part of a suite; not for several, which share an image encoder", async () => {
    const suite = await tinySuite(await tinyParts(join(root, "parts")), join(root, "suite"), [
      "match",
      "caption",
    ]);
    const adapter = adapterOf("match");
    const [plain] = await match([scene], ["a dog"], { model: suite });
    const [row] = await match([scene], ["a dog"], { model: suite, adapter });
    expect(row).not.toEqual(plain);
    await expect(Blip.fromPretrained(suite, { adapter })).rejects.toMatchObject({ code: "adapter/suite" });
  });
});

describe("what is given in the wrong place is refused, with what to do", () => {
  const load = (model: string, adapter?: string) =>
    BlipForImageTextRetrieval.fromPretrained(model, adapter === undefined ? {} : { adapter });
  test.each([
    [
      "a model as the adapter",
      () => load(tiny("match"), tiny("match")),
      "adapter/not-an-adapter",
      /This is a model/,
    ],
    [
      "a model's file as the adapter",
      () => load(tiny("match"), tiny("match/model.safetensors")),
      "adapter/not-an-adapter",
      /This is a model/,
    ],
    ["nothing", () => load(tiny("match"), join("no", "such")), "adapter/not-an-adapter", /blip train --lora/],
    [
      "an adapter as the model",
      () => load(adapterOf("match")),
      "model/adapter",
      /Give its base as the model and its folder as the adapter/,
    ],
    [
      "an adapter's file as the model",
      () => load(adapterOf("match/adapter_model.safetensors")),
      "model/adapter",
      /Give its base as the model and its folder as the adapter/,
    ],
    [
      "an adapter of another task",
      () => load(tiny("match"), adapterOf("caption")),
      "adapter/module",
      /same task/,
    ],
  ])("%s", async (_, call, code, says) => {
    const found = call();
    await expect(found).rejects.toMatchObject({ code });
    await expect(found).rejects.toThrow(says);
  });
});
