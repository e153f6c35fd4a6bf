// Folders written for transformers: their content, unchanged numbers, and rejected models.
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectClose, fixture, goldenTensors } from "../../test/support/goldens.ts";
import { plainModel } from "../../test/support/plain-model.ts";
import { readSafetensors, readTensorBytes } from "@blip-ts/checkpoint";
import { fileSource } from "../platform/node/local-files.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import { ConditionalGeneration } from "../classes/conditional-generation.ts";
import { inspect } from "../tools/inspect.ts";
import { NaturalLanguageVisualReasoning } from "../classes/nlvr.ts";
import { openModel } from "../load/open-model.ts";
import { rowsOf } from "../run/batch-rows.ts";
import { convert } from "../tools/convert.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-save-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const tensorsIn = async (folder: string) =>
  (await readSafetensors(await fileSource(join(folder, "model.safetensors")))).tensors;
const jsonIn = async (folder: string, name: string) =>
  JSON.parse(await readFile(join(folder, name), "utf8")) as Record<string, unknown>;

const quiet = { onWarning: () => undefined };

/** The class of each saved checkpoint, and a module that the saved folder must contain. */
const cases: readonly (readonly [model: string, task: string, architecture: string, more: string])[] = [
  ["match-original", "match", "BlipForImageTextRetrieval", "itm_head"],
  ["match-bf16", "match", "BlipForImageTextRetrieval", "itm_head"],
  ["match-legacy", "match", "BlipForImageTextRetrieval", "itm_head"],
  ["match-sharded", "match", "BlipForImageTextRetrieval", "itm_head"],
  ["caption", "caption", "BlipForConditionalGeneration", "text_decoder"],
  ["caption-4x", "caption", "BlipForConditionalGeneration", "text_decoder"],
  ["pretrain-original", "caption", "BlipForConditionalGeneration", "text_decoder"],
  ["pretrain-original", "match", "BlipForImageTextRetrieval", "itm_head"],
  ["vqa", "ask", "BlipForQuestionAnswering", "text_decoder"],
  ["model", "embed", "BlipModel", "logit_scale"],
  ["nlvr-original", "compare", "BlipForNLVR", "cls_head"],
];

describe.each(cases)("%s saved for %s", (model, task, architecture, more) => {
  let folder = "";
  beforeAll(async () => {
    folder = join(root, `${model}-${task}`);
    const made = await convert(nodePlatform, fixture(`tiny/${model}`), folder, { task, ...quiet });
    expect(made).toMatchObject({ task, architecture });
  });

  test("has the files that transformers reads", async () => {
    expect((await readdir(folder)).sort()).toEqual(
      [
        "config.json",
        "model.safetensors",
        "preprocessor_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
      ]
        .concat("vocab.txt")
        .sort(),
    );
    const config = await jsonIn(folder, "config.json");
    expect(config).toMatchObject({ architectures: [architecture], model_type: "blip" });
    // transformers 5 rejects whole numbers in these fields.
    const text = await readFile(join(folder, "config.json"), "utf8");
    expect(text).toMatch(/"label_smoothing": 0\.0,/);
    expect(text).not.toMatch(/"(?:label_smoothing|hidden_dropout_prob|attention_dropout)": 0[,\n]/);
    const size = (config.vision_config as { image_size: number }).image_size;
    expect(await jsonIn(folder, "preprocessor_config.json")).toMatchObject({
      size: { height: size, width: size },
    });
  });

  test("keeps every tensor of the class, bit for bit, by Hugging Face's names, and no other", async () => {
    const { tensors } = await openModel(
      plainModel(await nodePlatform.openModel(fixture(`tiny/${model}`), {})),
    );
    const saved = await tensorsIn(folder);
    expect([...saved.keys()].some((name) => name.startsWith(more))).toBe(true);
    expect(
      [...saved.keys()].filter((name) => /_m\.|queue|^temp$|position_ids|visual_encoder/.test(name)),
    ).toEqual([]);
    for (const [name, stored] of saved) {
      const source = tensors.get(name);
      if (!source) throw new Error(`${name} is not in the source`);
      expect([stored.dtype, stored.shape], name).toEqual([source.dtype, source.shape]);
      expect(Buffer.compare(await readTensorBytes(stored), await readTensorBytes(source)), name).toBe(0);
    }
    const modules = new Set([...saved.keys()].map((name) => name.split(".")[0]));
    const lost = [...tensors.keys()].filter((name) => modules.has(name.split(".")[0]) && !saved.has(name));
    // Tied tensors are saved once.
    expect(lost.filter((name) => !name.startsWith("text_decoder.cls.predictions.decoder."))).toEqual([]);
  });

  test("is what was saved: the same tasks, parameters and sizes", async () => {
    const found = await inspect(nodePlatform, folder, quiet);
    expect(found.tasks).toContain(task);
    expect(found.format).toBe("safetensors");
    expect(found.dialect).toBe(architecture === "BlipForNLVR" ? found.dialect : "huggingface");
  });
});

describe("a saved captioner", () => {
  test("whose decoder has a matrix of its own keeps it, and says that it is not tied", async () => {
    const [own, tied] = [join(root, "caption-4x-caption"), join(root, "caption-caption")];
    expect(await jsonIn(own, "config.json")).toMatchObject({
      tie_word_embeddings: false,
      text_config: { tie_word_embeddings: false },
    });
    expect(await jsonIn(tied, "config.json")).toMatchObject({ tie_word_embeddings: true });
    const matrix = "text_decoder.cls.predictions.decoder.weight";
    expect((await tensorsIn(own)).has(matrix)).toBe(true);
    expect((await tensorsIn(tied)).has(matrix)).toBe(false);
  });

  test("gives the same logits as before", async () => {
    const tensors = await goldenTensors("caption");
    for (const [name, golden] of [
      ["caption-4x-caption", "logits.4x"],
      ["caption-caption", "logits"],
    ] as const) {
      await using model = await ConditionalGeneration.load(nodePlatform, join(root, name));
      const { logits } = await model.forward({
        pixelValues: rowsOf(await tensors.floats("pixel_values"), 0, 2),
        inputIds: await tensors.ids("input_ids"),
        attentionMask: await tensors.ids("attention_mask"),
      });
      expectClose(logits, await tensors.floats(golden), 2e-5);
    }
  });

  test("is written by savePretrained as well", async () => {
    const folder = join(root, "by-method");
    await using model = await ConditionalGeneration.load(nodePlatform, fixture("tiny/caption"));
    await model.savePretrained(folder);
    expect(await readFile(join(folder, "model.safetensors"))).toEqual(
      await readFile(join(root, "caption-caption", "model.safetensors")),
    );
  });
});

describe("a saved NLVR2 model", () => {
  test("is one that this package loads, with the same logits", async () => {
    const inputs = async (model: NaturalLanguageVisualReasoning) => {
      const tensors = await goldenTensors("legacy-nlvr");
      const [left, right] = [await tensors.floats("left"), await tensors.floats("right")];
      const data = new Float32Array(2 * 3 * 32 * 32);
      data.set(left.data.subarray(0, data.length / 2));
      data.set(right.data.subarray(0, data.length / 2), data.length / 2);
      const pixels = { dtype: "float32" as const, dims: [2, 3, 32, 32], data };
      return model.judge(pixels, model.loaded.tokenizer.encode(["a dog"], 64));
    };
    const logits = [];
    for (const place of [fixture("tiny/nlvr-original"), join(root, "nlvr-original-compare")]) {
      await using model = await NaturalLanguageVisualReasoning.load(nodePlatform, place, quiet);
      logits.push(Array.from((await inputs(model)).logits.data));
    }
    expect(logits[1]).toEqual(logits[0]);
  });
});

describe("saving refuses", () => {
  const save = (model: string, folder: string, task?: string) =>
    convert(nodePlatform, fixture(`tiny/${model}`), folder, { task, ...quiet });

  test("a folder that holds something, which stays as it is", async () => {
    const folder = await mkdtemp(join(root, "full-"));
    await writeFile(join(folder, "notes.txt"), "mine");
    await expect(save("caption", folder)).rejects.toMatchObject({ code: "save/exists" });
    expect(await readdir(folder)).toEqual(["notes.txt"]);
  });

  test("a place below a file", async () => {
    const file = join(root, "a-file");
    await writeFile(file, "");
    await expect(save("caption", join(file, "below"))).rejects.toMatchObject({ code: "save/cannot-write" });
  });

  test("to guess which of several models a file becomes, and what the file cannot be", async () => {
    await expect(save("pretrain-original", join(root, "x"))).rejects.toMatchObject({
      code: "save/several-models",
    });
    await expect(save("caption", join(root, "x"), "match")).rejects.toMatchObject({
      code: "model/wrong-task",
    });
    await expect(save("caption", join(root, "x"), "sing")).rejects.toMatchObject({
      code: "usage/bad-option",
    });
    expect(await readdir(root)).not.toContain("x");
  });
});
