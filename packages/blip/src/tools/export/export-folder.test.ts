// The folder of an export: export.json, the weights, and nothing if the export is refused.
import { ModelProtoSchema } from "@blip-ts/graph/onnx-messages";
import { fromBinary } from "@bufbuild/protobuf";
import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exported, some } from "../../../test/support/exported.ts";
import { fixture } from "../../../test/support/goldens.ts";
import { nodePlatform } from "../../platform/node/node-platform.ts";
import { exportOnnx, type ExportOptions } from "./export-onnx.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-export-folder-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

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
    const { out, description } = await exported(folder, model, { task });
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
    const { description } = await exported(folder, "match", { task: "retrieve" });
    expect(description).toMatchObject({
      task: "retrieve",
      contributedOperators: ["Gelu", "MultiHeadAttention"],
      opset: { "ai.onnx": 18, "com.microsoft": 1 },
    });
    const standard = await exported(folder, "match", { task: "match", standardOperators: true });
    expect(standard.description).toMatchObject({ contributedOperators: [], opset: { "ai.onnx": 18 } });
    const { graph } = await onnxOf(standard.out, "match.onnx");
    expect(graph?.node.every(({ domain }) => domain === "")).toBe(true);
  });

  test("follows the conventions that are asked for", async () => {
    const tokens = async (compat: "hf" | "blip") => {
      const { description } = await exported(folder, "match", { task: "match", compat });
      return { ...description.tokens, ...description.text };
    };
    expect(await tokens("hf")).not.toHaveProperty("enc");
    expect(await tokens("blip")).toMatchObject({ enc: 126, clean_up: "pre_caption", max_tokens: 35 });
  });
});

describe("the weights", () => {
  test("lie in one file, each tensor once and where a page begins", async () => {
    const { out, description } = await exported(folder, "caption", { task: "caption" });
    const places = new Map<string, string>();
    for (const { file } of description.files)
      for (const tensor of (await onnxOf(out, file)).graph?.initializer ?? []) {
        const entry = (key: string) => tensor.externalData.find((one) => one.key === key)?.value;
        if (entry("location") === undefined) continue;
        expect(entry("location")).toBe("weights.data");
        // A part of a fused matrix begins at the end of the previous part.
        if (!tensor.name.includes("[")) expect(Number(entry("offset")) % 4096).toBe(0);
        places.set(tensor.name, some(entry("offset")));
      }
    // The LM head's matrix is the word embeddings.
    expect(places.get("text_decoder.cls.predictions.decoder.weight")).toBe(
      places.get("text_decoder.bert.embeddings.word_embeddings.weight"),
    );
  });

  test("of a self-contained model are not beside it", async () => {
    const { out, description } = await exported(folder, "match", { task: "match", selfContained: true });
    expect(description.data).toBeNull();
    expect(await readdir(out)).not.toContain("weights.data");
  });
});

/** The tiny matching model with `rows` rows of word embeddings, all zeros: a sparse file. */
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
    await expect(unknown).rejects.toThrow("expected match, retrieve, caption, ask, compare, embed, got ");
    const { out } = await exported(folder, "caption", { task: "caption" });
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
