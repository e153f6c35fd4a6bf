// Exported files, run by ONNX Runtime as any program would run them, against this package's own results.
import { fromBinary } from "@bufbuild/protobuf";
import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { floatTensor, int64Tensor, type Tensor } from "@blip-ts/graph";
import { ModelProtoSchema } from "onnx-buf";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectClose, fixture } from "../../test/support/goldens.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import { ConditionalGeneration } from "./conditional-generation.ts";
import { exportOnnx, type ExportOptions } from "./export-onnx.ts";
import { FeatureExtraction } from "./feature-extraction.ts";
import { ImageTextRetrieval } from "./image-text-retrieval.ts";
import { NaturalLanguageVisualReasoning } from "./natural-language-visual-reasoning.ts";
import { QuestionAnswering } from "./question-answering.ts";
import { rowsOf } from "./rows-of.ts";
import type { TextFeeds } from "./text-feeds.ts";

let folder = "";
let made = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-export-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Feeds = Readonly<Record<string, Tensor<"float32" | "int64"> | OrtTensor>>;

/** An export of a tiny checkpoint, its files ready to be run. */
async function exported(model: string, options: ExportOptions) {
  const out = join(folder, String(made++));
  const description = await exportOnnx(nodePlatform, fixture(`tiny/${model}`), out, {
    compat: "hf",
    ...options,
  });
  const sessions = new Map<string, Promise<InferenceSession>>();
  const raw = async (file: string, feeds: Feeds): Promise<Readonly<Record<string, OrtTensor>>> => {
    const session = sessions.get(file) ?? InferenceSession.create(join(out, `${file}.onnx`));
    sessions.set(file, session);
    const given = Object.entries(feeds).map(([name, feed]) => [
      name,
      "dtype" in feed ? new OrtTensor(feed.dtype, feed.data, feed.dims) : feed,
    ]);
    return (await session).run(Object.fromEntries(given) as Record<string, OrtTensor>);
  };
  const run = async (file: string, feeds: Feeds): Promise<Record<string, Tensor<"float32">>> =>
    Object.fromEntries(
      Object.entries(await raw(file, feeds)).map(([name, { data, dims }]) => {
        if (!(data instanceof Float32Array)) throw new Error(`${name} is not float32`);
        return [name, floatTensor(dims, data)];
      }),
    );
  return { out, description, run, /** Outputs as they are, to be fed to another file. */ raw };
}

type Exported = Awaited<ReturnType<typeof exported>>;

function some<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("it is not there");
  return value;
}

const range = (length: number) => Array.from({ length }, (_, index) => index);

/** Two texts of different length. */
const texts: TextFeeds & { readonly attentionMask: Tensor<"int64"> } = {
  inputIds: int64Tensor([2, 5], [2, 30, 31, 32, 3, 2, 40, 3, 0, 0]),
  attentionMask: int64Tensor([2, 5], [1, 1, 1, 1, 1, 1, 1, 1, 0, 0]),
};
const textFeeds: Feeds = {
  input_ids: texts.inputIds,
  position_ids: int64Tensor([5], range(5)),
  attention_mask: texts.attentionMask,
};

/** The first token of each text replaced, as the steps of an export say. */
function begunWith(token: number): Feeds {
  const data = texts.inputIds.data.slice();
  data[0] = data[5] = BigInt(token);
  return { ...textFeeds, input_ids: { ...texts.inputIds, data } };
}

const floatsOf = (tensor: OrtTensor | undefined): Float32Array => {
  if (!(tensor?.data instanceof Float32Array)) throw new Error("it is no float32 tensor");
  return tensor.data;
};

/** Greedy sequences by the files of an export alone: what `steps` describes; and what the last step gave. */
async function greedy(
  { raw, description }: Exported,
  states: Tensor<"float32">,
  length: number,
  memoryMask?: Tensor<"int64">,
) {
  const { dec, sep } = description.tokens;
  const decode = some(description.files.find(({ file }) => file === "decode.onnx"));
  const pasts = decode.inputs.filter(({ name }) => name.startsWith("past."));
  const memory = await raw("memory", { encoder_hidden_states: states });
  const rows = states.dims[0] ?? 0;
  const sequences = range(rows).map(() => [some(dec)]);
  let past: Record<string, OrtTensor> = Object.fromEntries(
    pasts.map(({ name, dtype, shape }) => {
      const dims = [rows, Number(shape[1]), 0, Number(shape[3])];
      return [
        name,
        dtype === "float16"
          ? new OrtTensor("float16", new Uint16Array(0), dims)
          : new OrtTensor("float32", new Float32Array(0), dims),
      ];
    }),
  );
  let last: { readonly hidden: OrtTensor; readonly logits: Float32Array } | undefined;
  for (let step = 0; step < length; step++) {
    const { hidden, logits, ...present } = await raw("decode", {
      input_ids: int64Tensor(
        [rows, 1],
        sequences.map((tokens) => some(tokens.at(-1))),
      ),
      position_ids: int64Tensor(
        [rows, 1],
        sequences.map(() => step),
      ),
      key_positions: int64Tensor(
        [rows, step + 1],
        sequences.flatMap(() => range(step + 1)),
      ),
      row_index: int64Tensor([rows], range(rows)),
      rows: int64Tensor([rows], range(rows)),
      ...past,
      ...memory,
      ...(memoryMask && { memory_mask: memoryMask }),
    });
    past = Object.fromEntries(
      Object.entries(present).map(([name, tensor]) => [name.replace("present", "past"), tensor]),
    );
    last = { hidden: some(hidden), logits: floatsOf(logits) };
    const V = last.logits.length / rows;
    for (const [row, tokens] of sequences.entries()) {
      const found = last.logits.subarray(row * V, (row + 1) * V);
      tokens.push(found.indexOf(Math.max(...found)));
    }
  }
  const ended = sequences.map((tokens) => {
    const end = tokens.indexOf(some(sep));
    return end < 0 ? tokens : tokens.slice(0, end + 1);
  });
  return { sequences: ended, last: some(last) };
}

/** Another fusion of the same operations moves float32 sums of magnitude 10 by some 1e-6. */
const tolerance = 2e-5;
const forms: readonly Partial<ExportOptions>[] = [{}, { selfContained: true, standardOperators: true }];

/** The same model in every form, one after another. */
async function inEveryForm(model: string, options: ExportOptions, check: (files: Exported) => Promise<void>) {
  for (const form of forms) await check(await exported(model, { ...options, ...form }));
}

/** Pictures of noise [B, 3, S, S]. */
const pictures = (count: number, side = 32) =>
  floatTensor([count, 3, side, side], range(count * 3 * side * side).map(Math.sin));

describe("an exported model, weights beside or inside, contributed operators or none, gives this package's numbers", () => {
  const pixelValues = pictures(2);

  test.each(["match", "match-f16", "match-original"])("match: %s", async (name) => {
    await using model = await ImageTextRetrieval.load(nodePlatform, fixture(`tiny/${name}`));
    const own = await model.encodeImages(pixelValues);
    const { features } = await model.encodeTexts(texts);
    const { logits } = await model.matchTexts(own.states, texts);
    await inEveryForm(name, { task: "match" }, async ({ run }) => {
      const { image_embeds, image_features } = await run("image", { pixel_values: pixelValues });
      expectClose(some(image_embeds), own.states, tolerance);
      expectClose(some(image_features), own.features, tolerance);
      expectClose(some((await run("text", textFeeds)).text_features), features, tolerance);
      const { itm_score } = await run("match", { ...textFeeds, image_embeds: some(image_embeds) });
      expectClose(some(itm_score), logits, tolerance);
    });
  });

  test("caption", async () => {
    await using model = await ConditionalGeneration.load(nodePlatform, fixture("tiny/caption"));
    const own = await model.generator.generate(
      { states: await model.encoder.imageStates(pixelValues) },
      [[model.loaded.tokens.dec], [model.loaded.tokens.dec]],
      { maxLength: 9 },
    );
    await inEveryForm("caption", { task: "caption" }, async (files) => {
      const { image_embeds } = await files.run("image", { pixel_values: pixelValues });
      const { sequences } = await greedy(files, some(image_embeds), 8);
      expect(sequences).toEqual(own.map(([best]) => best?.tokens));
    });
  });

  test("ask, generated and scored", async () => {
    await using model = await QuestionAnswering.load(nodePlatform, fixture("tiny/vqa"));
    const own = await model.generate({ pixelValues, ...texts }, { maxLength: 9 });
    await inEveryForm("vqa", { task: "ask" }, async (files) => {
      const { image_embeds } = await files.run("image", { pixel_values: pixelValues });
      const { question_embeds } = await files.run("question", {
        ...textFeeds,
        image_embeds: some(image_embeds),
      });
      const { sequences, last } = await greedy(files, some(question_embeds), 8, texts.attentionMask);
      expect(sequences).toEqual(own.map(([best]) => best?.tokens));
      const [rows, labels] = [int64Tensor([2], [0, 1]), int64Tensor([2], [7, 8])];
      const score = await files.run("score", { hidden: last.hidden, rows, labels });
      const V = last.logits.length / 2;
      [7, 8].forEach((label, row) => {
        const values = last.logits.subarray(row * V, (row + 1) * V);
        const sum = Math.log(values.reduce((total, x) => total + Math.exp(x), 0));
        expect(some(score.log_probability).data[row]).toBeCloseTo((values[label] ?? NaN) - sum, 5);
      });
    });
  });

  test("compare", async () => {
    const pairs = pictures(4);
    await using model = await NaturalLanguageVisualReasoning.load(
      nodePlatform,
      fixture("tiny/nlvr-original"),
    );
    const { logits } = await model.forward({ pixelValues: pairs, ...texts });
    await inEveryForm("nlvr-original", { task: "compare" }, async ({ run, description }) => {
      const { image_embeds } = await run("image", { pixel_values: pairs });
      const { nlvr_score } = await run("compare", {
        ...begunWith(some(description.tokens.enc)),
        image_embeds: rowsOf(some(image_embeds), 0, 2),
        image_embeds_1: rowsOf(some(image_embeds), 2, 4),
      });
      expectClose(some(nlvr_score), logits, tolerance);
    });
  });

  test.each(["model", "match-original"])("embed: %s", async (name) => {
    const compat = "blip";
    await using model = await FeatureExtraction.load(nodePlatform, fixture(`tiny/${name}`), { compat });
    const { features } = await model.getImageFeatures(pixelValues);
    const read = await model.getTextFeatures(texts);
    const both = name === "model" ? undefined : await model.getMultimodalFeatures({ pixelValues, ...texts });
    await inEveryForm(name, { task: "embed", compat }, async ({ run, description }) => {
      const { image_features, image_embeds } = await run("image", { pixel_values: pixelValues });
      expectClose(some(image_features), features, tolerance);
      expectClose(some((await run("text", textFeeds)).text_features), read.features, tolerance);
      if (!both) return;
      const { question_embeds } = await run("multimodal", {
        ...begunWith(some(description.tokens.enc)),
        image_embeds: some(image_embeds),
      });
      expectClose(some(question_embeds), both, tolerance);
    });
  });

  test.each(["fp16", "int8"] as const)("in %s", async (dtype) => {
    // 8-bit files round all pictures of a run with one scale: they are given one at a time, as the steps say.
    const picture = rowsOf(pixelValues, 0, 1);
    await using model = await ConditionalGeneration.load(nodePlatform, fixture("tiny/caption"), { dtype });
    const states = await model.encoder.imageStates(picture);
    const [[best] = []] = await model.generator.generate({ states }, [[model.loaded.tokens.dec]], {
      maxLength: 9,
    });
    await inEveryForm("caption", { task: "caption", dtype }, async (files) => {
      expect(files.description.dtype).toBe(dtype);
      const { image_embeds } = await files.run("image", { pixel_values: picture });
      // Of halves and of bytes, another order of sums moves the last bit of some, of 11 and of 8.
      expectClose(some(image_embeds), states, 2e-2);
      expect((await greedy(files, states, 8)).sequences).toEqual([best?.tokens]);
      expect(files.description.steps.join().includes("one picture at a time")).toBe(dtype === "int8");
    });
  });

  test("for pictures of another size", async () => {
    const larger = pictures(1, 48);
    await using model = await ConditionalGeneration.load(nodePlatform, fixture("tiny/caption"), {
      imageSize: 48,
    });
    const own = await model.encoder.imageStates(larger);
    const { run, description } = await exported("caption", { task: "caption", imageSize: 48 });
    expect(description.picture).toMatchObject({ height: 48, width: 48 });
    expectClose(some((await run("image", { pixel_values: larger })).image_embeds), own, tolerance);
  });
});

const onnxOf = async (out: string, file: string) =>
  fromBinary(ModelProtoSchema, await readFile(join(out, file)));

describe("export.json", () => {
  test.each([
    ["match", "match"],
    ["caption", "caption"],
    ["vqa", "ask"],
    ["nlvr-original", "compare"],
    ["model", "embed"],
  ])("%s: names what the files of %s read and give, with every letter", async (model, task) => {
    const { out, description } = await exported(model, { task });
    expect(JSON.parse(await readFile(join(out, "export.json"), "utf8"))).toEqual(description);
    const names = description.files.map(({ file }) => file);
    expect((await readdir(out)).sort()).toEqual(
      [...names, "export.json", "tokenizer.json", "vocab.txt", "weights.data"].sort(),
    );
    for (const { file, inputs, outputs } of description.files) {
      const { graph, opsetImport } = await onnxOf(out, file);
      expect(graph?.input.map(({ name }) => name)).toEqual(inputs.map(({ name }) => name));
      expect(graph?.output.map(({ name }) => name)).toEqual(outputs.map(({ name }) => name));
      expect(opsetImport[0]).toMatchObject({
        domain: "",
        version: BigInt(some(description.opset["ai.onnx"])),
      });
      for (const { shape } of [...inputs, ...outputs])
        for (const [letter] of String(shape).matchAll(/[A-Z]/g))
          expect(description.letters).toHaveProperty([letter]);
      for (const name of file === "image.onnx" ? [] : names)
        expect(description.steps.join("\n"), name).toContain(name);
    }
  });

  test("says which contributed operators are used, and uses none where none is wanted", async () => {
    const { description } = await exported("match", { task: "retrieve" });
    expect(description).toMatchObject({
      task: "retrieve",
      contributedOperators: ["Gelu", "MultiHeadAttention"],
      opset: { "ai.onnx": 18, "com.microsoft": 1 },
    });
    const standard = await exported("match", { task: "match", standardOperators: true });
    expect(standard.description).toMatchObject({ contributedOperators: [], opset: { "ai.onnx": 18 } });
    const { graph } = await onnxOf(standard.out, "match.onnx");
    expect(graph?.node.every(({ domain }) => domain === "")).toBe(true);
  });

  test("follows the conventions that are asked for", async () => {
    const tokens = async (compat: "hf" | "blip") => {
      const { description } = await exported("match", { task: "match", compat });
      return { ...description.tokens, ...description.text };
    };
    expect(await tokens("hf")).not.toHaveProperty("enc");
    expect(await tokens("blip")).toMatchObject({ enc: 126, clean_up: "pre_caption", max_tokens: 35 });
  });
});

describe("the weights", () => {
  test("lie in one file, each tensor once and where a page begins", async () => {
    const { out, description } = await exported("caption", { task: "caption" });
    const places = new Map<string, string>();
    for (const { file } of description.files)
      for (const tensor of (await onnxOf(out, file)).graph?.initializer ?? []) {
        const entry = (key: string) => tensor.externalData.find((one) => one.key === key)?.value;
        if (entry("location") === undefined) continue;
        expect(entry("location")).toBe("weights.data");
        // A part of a fused matrix begins where the part before it ends.
        if (!tensor.name.includes("[")) expect(Number(entry("offset")) % 4096).toBe(0);
        places.set(tensor.name, some(entry("offset")));
      }
    // The LM head's matrix is the word embeddings.
    expect(places.get("text_decoder.cls.predictions.decoder.weight")).toBe(
      places.get("text_decoder.bert.embeddings.word_embeddings.weight"),
    );
  });

  test("of a self-contained model are not beside it", async () => {
    const { out, description } = await exported("match", { task: "match", selfContained: true });
    expect(description.data).toBeNull();
    expect(await readdir(out)).not.toContain("weights.data");
  });
});

/** The tiny matching model with a word table of `rows` rows, all zeros: a file of holes. */
async function sparseModel(to: string, rows: number): Promise<void> {
  const from = fixture("tiny/match");
  await cp(from, to, { recursive: true });
  const file = join(to, "model.safetensors");
  const bytes = await readFile(file);
  const entries = Object.entries(
    JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE())).toString()) as Record<
      string,
      { readonly dtype: string; readonly shape: readonly number[] }
    >,
  ).filter(([name]) => name !== "__metadata__");
  let offset = 0;
  const header = entries.map(([name, { dtype, shape }]) => {
    const dims = name.endsWith("word_embeddings.weight") ? [rows, ...shape.slice(1)] : shape;
    const begin = offset;
    offset += 4 * dims.reduce((product, size) => product * size, 1);
    return [name, { dtype, shape: dims, data_offsets: [begin, offset] }];
  });
  const text = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  await writeFile(file, Buffer.concat([length, text]));
  await truncate(file, 8 + text.length + offset);
  const config = join(to, "config.json");
  const json = (await readFile(config, "utf8")).replace(/"vocab_size": \d+/, `"vocab_size": ${rows}`);
  await writeFile(config, json);
}

describe("an export that cannot be", () => {
  const refused = (model: string, options: ExportOptions, out = join(folder, "refused")) =>
    exportOnnx(nodePlatform, model, out, options);

  test("is refused with what can be", async () => {
    await expect(refused(fixture("tiny/caption"), { task: "match" })).rejects.toMatchObject({
      code: "model/wrong-task",
    });
    const unknown = refused(fixture("tiny/caption"), { task: "translate" });
    await expect(unknown).rejects.toMatchObject({ code: "usage/unknown-task" });
    await expect(unknown).rejects.toThrow("match or retrieve or caption or ask or compare or embed");
    const { out } = await exported("caption", { task: "caption" });
    await expect(refused(fixture("tiny/caption"), { task: "caption" }, out)).rejects.toMatchObject({
      code: "save/exists",
    });
    expect(await readdir(folder)).not.toContain("refused");
  });

  test("that is stopped leaves nothing behind", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(refused(fixture("tiny/caption"), { task: "caption", signal })).rejects.toThrow("enough");
    expect((await readdir(folder)).filter((name) => name.includes("refused"))).toEqual([]);
  });

  test("carries at most 2 GiB in a file, and says how it would fit", async () => {
    const model = join(folder, "large");
    await sparseModel(model, 2 ** 24 + 1);
    const large = refused(model, { task: "match", selfContained: true });
    await expect(large).rejects.toMatchObject({
      code: "export/too-large",
      fields: { file: "text.onnx", limit: 2 ** 31 - 1 },
    });
    await expect(large).rejects.toThrow(/Leave out selfContained/);
    expect(await readdir(folder)).not.toContain("refused");
  });
});
