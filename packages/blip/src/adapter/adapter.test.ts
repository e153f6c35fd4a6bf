// Reads adapters that PEFT wrote (fixtures/adapter, oracle/train/adapter_goldens.py); anything but plain LoRA is
// rejected by name.
import { readFile } from "node:fs/promises";
import { memorySource, readSafetensors, safetensorsBytes, type MadeTensor } from "@blip-ts/checkpoint";
import { beforeAll, describe, expect, test } from "vitest";
import { fixture } from "../../test/support/goldens.ts";
import { numbersOf } from "../../test/support/trainers.ts";
import { addUpdate, mergedTensors } from "./merge.ts";
import { isWithin } from "./names.ts";
import { readAdapter, type Adapter } from "./read-adapter.ts";
import { configText } from "./write-adapter.ts";

type Fields = Record<string, unknown>;

let config: string;
let weights: Uint8Array;
beforeAll(async () => {
  config = await readFile(fixture("adapter/caption/adapter_config.json"), "utf8");
  weights = new Uint8Array(await readFile(fixture("adapter/caption/adapter_model.safetensors")));
});

const read = (text: string, bytes = weights): Promise<Adapter> =>
  readAdapter({ name: "A", config: text, weights: memorySource("A/adapter_model.safetensors", bytes) });
const changed = (fields: Fields) => JSON.stringify({ ...(JSON.parse(config) as Fields), ...fields });

async function fileOf(
  tensors: Readonly<
    Record<string, { shape: readonly number[]; dtype?: "float32" | "int32"; value?: number }>
  >,
): Promise<Uint8Array> {
  const made = Object.entries(tensors).map(([name, { shape, dtype = "float32", value = 0.5 }]) => {
    const count = shape.reduce((product, size) => product * size, 1);
    const data = dtype === "float32" ? new Float32Array(count).fill(value) : new Int32Array(count);
    const tensor: MadeTensor = {
      ...{ dtype, shape, byteLength: 4 * count },
      async *bytes() {
        yield await Promise.resolve(new Uint8Array(data.buffer));
      },
    };
    return [name, tensor] as const;
  });
  const pieces: Uint8Array[] = [];
  for await (const piece of safetensorsBytes(new Map(made))) pieces.push(piece);
  return new Uint8Array(Buffer.concat(pieces));
}

const query = "text_decoder.bert.encoder.layer.0.attention.self.query";
const pair = (rank = 3, path = query) => ({
  [`base_model.model.${path}.lora_A.weight`]: { shape: [rank, 32] },
  [`base_model.model.${path}.lora_B.weight`]: { shape: [32, rank] },
});

describe("an adapter of PEFT", () => {
  test("is read with its patterns: ranks, and scales by alpha / sqrt(r)", async () => {
    const { updates, replaced } = await read(config);
    // 3 layers with two attentions of query, value and dense each, and two dense of the feed-forward; the LM head's
    // dense.
    expect(updates.size).toBe(3 * 8 + 1);
    expect(replaced.size).toBe(0);
    const scaleOf = (path: string) => updates.get(`text_decoder.bert.encoder.layer.1.${path}`)?.scale;
    expect(scaleOf("attention.self.query")).toBeCloseTo(4 / Math.sqrt(3), 12);
    expect(scaleOf("crossattention.self.query")).toBeCloseTo(4 / Math.sqrt(2), 12);
    expect(scaleOf("attention.self.value")).toBeCloseTo(5 / Math.sqrt(3), 12);
    // A pattern does not match the ending of a word.
    expect(scaleOf("crossattention.self.value")).toBeCloseTo(4 / Math.sqrt(3), 12);
    expect(updates.get(query)?.down.shape).toEqual([3, 32]);
  });

  test("has another hash with another scale or another number", async () => {
    const first = await read(config);
    const other = weights.slice();
    other[other.length - 1] = (other.at(-1) ?? 0) ^ 1;
    const hashes = [first, await read(changed({ lora_alpha: 9 })), await read(config, other)];
    expect(new Set(hashes.map(({ sha256 }) => sha256)).size).toBe(3);
    expect((await read(config)).sha256).toBe(first.sha256);
  });

  test("reads what this package writes", async () => {
    const text = configText({
      ...{ rank: 3, alpha: 6, targets: ["query"], dropout: 0.1, rslora: false, modulesToSave: ["itm_head"] },
      ...{ base: "some/model", architecture: "BlipForImageTextRetrieval" },
    });
    const file = await fileOf({ ...pair(), "base_model.model.itm_head.weight": { shape: [2, 32] } });
    const { updates, replaced } = await read(text, file);
    expect([...updates.keys()]).toEqual([query]);
    expect(updates.get(query)?.scale).toBe(2);
    expect([...replaced.keys()]).toEqual(["itm_head.weight"]);
  });
});

describe("is rejected by name", () => {
  test.each<[Fields, string]>([
    [{ peft_type: "IA3" }, 'peft_type: expected plain LoRA, got "IA3"'],
    [{ use_dora: true }, "use_dora: expected plain LoRA, got true"],
    [{ bias: "all" }, 'bias: expected plain LoRA, got "all"'],
    [{ fan_in_fan_out: true }, "fan_in_fan_out: expected plain LoRA"],
    [{ lora_bias: true }, "lora_bias: expected plain LoRA"],
    [{ init_lora_weights: "pissa" }, 'init_lora_weights: expected plain LoRA, got "pissa"'],
    [{ trainable_token_indices: [1] }, "trainable_token_indices: expected plain LoRA, got a list of 1"],
    [{ layer_replication: [[0, 2]] }, "layer_replication: expected plain LoRA"],
    [{ of_the_future: 3 }, "of_the_future: expected plain LoRA, got 3"],
    [{ r: 0 }, "r: expected a whole number from 1 to 65536, got 0"],
    [{ r: "3" }, 'r: expected a whole number from 1 to 65536, got "3"'],
    [{ r: undefined }, "r: expected a whole number from 1 to 65536, got nothing"],
    [{ lora_alpha: null }, "lora_alpha: expected a finite number, got null"],
    [{ use_rslora: "yes" }, "use_rslora: expected true or false"],
    [{ rank_pattern: { "a.*b": 2 } }, "rank_pattern: expected names of modules, without regular expressions"],
    [{ rank_pattern: { query: 1.5 } }, "rank_pattern.query: expected a whole number"],
    [{ alpha_pattern: [1] }, "alpha_pattern: expected an object of numbers by module, got a list of 1"],
    [{ modules_to_save: "itm_head" }, "modules_to_save: expected a list of names"],
  ])("the setting %o", async (fields, says) => {
    await expect(read(changed(fields))).rejects.toThrow(`A/adapter_config.json, ${says}`);
  });

  test.each(["", "[]", "{", '{"r": 1, "r": 2}', "[".repeat(100)])("the text %s", async (text) => {
    await expect(read(text)).rejects.toMatchObject({ code: "adapter/config" });
  });

  const dora = `base_model.model.${query}.lora_magnitude_vector`;
  const bias = `base_model.model.${query}.lora_B.bias`;
  const words = "base_model.model.text_decoder.bert.embeddings.word_embeddings.weight";
  const down = `base_model.model.${query}.lora_A.weight`;
  test.each<[string, Parameters<typeof fileOf>[0], Fields, string]>([
    ["adapter/unsupported", { ...pair(), [dora]: { shape: [32] } }, {}, "got one of DoRA"],
    ["adapter/unsupported", { ...pair(), [bias]: { shape: [32] } }, {}, "got one of lora_bias"],
    [
      "adapter/unsupported",
      { [words]: { shape: [127, 32] } },
      { modules_to_save: ["word_embeddings"] },
      "share",
    ],
    ["adapter/tensor", { "itm_head.weight": { shape: [2, 32] } }, {}, "all below base_model.model."],
    ["adapter/tensor", { "base_model.model.itm_head.weight": { shape: [2, 32] } }, {}, "modules_to_save"],
    ["adapter/tensor", { [down]: { shape: [3, 32] } }, {}, "got lora_A without lora_B"],
    ["adapter/rank", pair(4), {}, "expected the rank 3 in adapter_config.json"],
    [
      "adapter/shape",
      { ...pair(), [down]: { shape: [3, 32], dtype: "int32" } },
      {},
      "a floating-point matrix",
    ],
    [
      "adapter/shape",
      { ...pair(), [down]: { shape: [96] } },
      {},
      "a floating-point matrix, got float32 [96]",
    ],
    [
      "adapter/shape",
      { ...pair(), [`base_model.model.${query}.lora_B.weight`]: { shape: [32, 2] } },
      {},
      "a matrix of 3 columns, the rank",
    ],
    ["adapter/empty", {}, {}, "got none"],
  ])("%s of tensors", async (code, tensors, fields, says) => {
    const found = read(changed({ rank_pattern: {}, ...fields }), await fileOf(tensors));
    await expect(found).rejects.toMatchObject({ code });
    await expect(found).rejects.toThrow(says);
  });

  test("a damaged file", async () => {
    await expect(read(config, weights.slice(0, 1000))).rejects.toMatchObject({
      code: expect.stringContaining("checkpoint/") as string,
    });
  });
});

describe("merging", () => {
  const base = async () =>
    (
      await readSafetensors(
        memorySource("base", new Uint8Array(await readFile(fixture("tiny/caption/model.safetensors")))),
      )
    ).tensors;

  test("adds scale B A to whole rows, from any row on", () => {
    const [down, up] = [Float32Array.of(1, 2, 3, 4), Float32Array.of(1, 0, 0, 1, 1, 1)];
    const all = addUpdate(new Float32Array(6), 0, { down, up, scale: 2, rank: 2 });
    expect([...all]).toEqual([2, 4, 6, 8, 8, 12]);
    expect([...addUpdate(Float32Array.of(1, 1), 2, { down, up, scale: 2, rank: 2 })]).toEqual([9, 13]);
  });

  test("gives float32 of the module's shape, and leaves other weights alone", async () => {
    const made = mergedTensors("base", await base(), await read(config, await fileOf(pair())));
    expect([...made.keys()]).toEqual([`${query}.weight`]);
    const tensor = made.get(`${query}.weight`);
    expect(tensor).toMatchObject({ dtype: "float32", shape: [32, 32], byteLength: 4096 });
    expect(tensor && (await numbersOf(tensor))).toHaveLength(1024);
  });

  test("rejects modules that the model lacks, and a base of another size", async () => {
    const tensors = await base();
    const of = async (file: Parameters<typeof fileOf>[0], fields: Fields = {}) =>
      mergedTensors(
        "base",
        tensors,
        await read(changed({ rank_pattern: {}, ...fields }), await fileOf(file)),
      );
    const absent = of(pair(3, "text_encoder.encoder.layer.0.attention.self.query"));
    await expect(absent).rejects.toMatchObject({ code: "adapter/module" });
    await expect(absent).rejects.toThrow("text_encoder.encoder.layer.0.attention.self.query, which it lacks");
    const wide = of({ ...pair(), [`base_model.model.${query}.lora_A.weight`]: { shape: [3, 768] } });
    await expect(wide).rejects.toMatchObject({ code: "adapter/base" });
    await expect(wide).rejects.toThrow("of a matrix [32, 32], as in base, got one of [32, 768]");
    const head = "vision_model.post_layernorm";
    const saved = of(
      { [`base_model.model.${head}.weight`]: { shape: [768] } },
      { modules_to_save: ["post_layernorm"] },
    );
    await expect(saved).rejects.toThrow("expected [48], as in base");
  });

  test("rejects numbers that are not finite when they are read", async () => {
    const file = await fileOf({
      ...pair(),
      [`base_model.model.${query}.lora_A.weight`]: { shape: [3, 32], value: Infinity },
    });
    const tensor = mergedTensors("base", await base(), await read(config, file)).get(`${query}.weight`);
    await expect(tensor && numbersOf(tensor)).rejects.toMatchObject({ code: "adapter/not-finite" });
  });
});

test("modules to save are meant by the ends of their paths, also those above a weight", () => {
  const name = "text_decoder.cls.predictions.transform.dense.weight";
  expect(isWithin(name, ["transform"])).toBe(true);
  expect(isWithin(name, ["cls.predictions"])).toBe(true);
  expect(isWithin(name, ["weight"])).toBe(false);
  expect(isWithin("itm_head.bias", ["itm_head"])).toBe(true);
});
