// Targets: the files beside the weights, and texts. What is accepted is used: sizes are decided, texts become ids and text
// again, an image becomes pixel values.
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { memorySource } from "@blip-ts/checkpoint";
import type { ModelFiles, SideFile } from "../../src/files.ts";
import { preprocess } from "../../src/image/preprocess.ts";
import { readImageConfig } from "../../src/load/image-settings.ts";
import { prepareModel } from "../../src/load/load-model.ts";
import { openModel, readJson } from "../../src/load/open-model.ts";
import { nodePlatform } from "../../src/platform/node/node-platform.ts";
import { TextProcessor } from "../../src/processor/text-processor.ts";
import { readGenerationConfig } from "../../src/run/generation-defaults.ts";
import { BertTokenizer } from "../../src/text/word-piece.ts";
import { fixture } from "../support/goldens.ts";
import { fuzzTarget } from "./harness.ts";
import { damagedText, edited, jsonEdit } from "./inputs.ts";

const folder = fixture("tiny/match");
const weights = readFileSync(`${folder}/model.safetensors`);
const text = (file: string) => readFileSync(`${folder}/${file}`, "utf8");
const json = (file: string): unknown => JSON.parse(text(file));
const processor = { processor_class: "BlipProcessor", image_processor: json("preprocessor_config.json") };
const generation = {
  ...{ num_beams: 3, max_length: 20, min_length: 5, do_sample: false, top_k: 50, top_p: 0.9, temperature: 1 },
  ...{ repetition_penalty: 1.1, no_repeat_ngram_size: 3, num_return_sequences: 1, early_stopping: true },
};

/** A side file as it is right; `undefined` where the folder is to have none of that name. */
const sound: Readonly<Partial<Record<SideFile, unknown>>> = {
  "config.json": json("config.json"),
  "preprocessor_config.json": json("preprocessor_config.json"),
  "processor_config.json": processor,
  "tokenizer.json": json("tokenizer.json"),
  "tokenizer_config.json": json("tokenizer_config.json"),
  "generation_config.json": generation,
};

/** What lies beside the file that is damaged. */
const right: Readonly<Partial<Record<SideFile, string>>> = {
  "config.json": text("config.json"),
  "preprocessor_config.json": text("preprocessor_config.json"),
  "vocab.txt": text("vocab.txt"),
};

const modelWith = (files: Readonly<Partial<Record<SideFile, string>>>): ModelFiles => ({
  name: "fuzzed",
  kind: "folder",
  weights: { kind: "single", source: memorySource("fuzzed/model.safetensors", weights) },
  read: (file) => Promise.resolve(files[file] ?? right[file]),
});

const sentences = ["a dog on the grass", "Ünïcode, 日本 [MASK] ##s \u200b!", "x".repeat(300)];
const image = { data: new Uint8Array(3 * 16).fill(200), width: 4, height: 4 };

/** All that loading does before the engine is opened, and what processors do with it. */
async function load(files: ModelFiles): Promise<string> {
  const options = { onWarning: () => undefined };
  const { tokenizer, config } = await prepareModel(nodePlatform, await openModel(files), ["match"], options);
  const settings = await readImageConfig(files);
  readGenerationConfig(await readJson(files, "generation_config.json"), "fuzzed/generation_config.json");
  use(tokenizer, config.text.vocabSize, sentences);
  if (settings) {
    const values = await preprocess(image, { ...settings, doResize: true, width: 8, height: 8 }, "13");
    if (!values.every(Number.isFinite)) throw new Error("pixel values are not finite");
  }
  return "loaded";
}

/** Ids that the word table has, and text again. */
function use(tokenizer: BertTokenizer, rows: number, texts: readonly string[]): void {
  const { length } = texts;
  for (const compat of ["hf", "blip"] as const) {
    const reader = new TextProcessor(tokenizer, 512, compat);
    const { inputIds } = reader.encode(texts, { truncation: true });
    if (inputIds.dims[0] !== length) throw new Error(`${String(inputIds.dims[0])} rows for ${length} texts`);
    if (inputIds.data.some((id) => id < 0n || id >= BigInt(rows))) throw new Error("an id beyond the table");
    reader.decode(Array.from(inputIds.data, Number));
  }
}

const keys: Readonly<Partial<Record<SideFile, readonly string[]>>> = {
  "config.json": ["num_hidden_layers", "layer_norm_eps", "hidden_act", "bos_token_id", "vision_config"],
  "preprocessor_config.json": ["size", "image_std", "rescale_factor", "resample", "do_center_crop"],
  "processor_config.json": ["image_processor"],
  "tokenizer.json": [
    "normalizer",
    "pre_tokenizer",
    "post_processor",
    "decoder",
    "added_tokens",
    "vocab",
    "type",
  ],
  "tokenizer_config.json": ["additional_special_tokens", "model_max_length", "do_lower_case"],
  "generation_config.json": ["num_return_sequences", "num_beams", "max_length", "do_sample"],
};

const sideFileTarget = (file: SideFile, cases: number) =>
  fuzzTarget({
    ...{ name: file.replace(/\.json$/, "").replaceAll("_", "-"), cases, megabytes: 400 },
    inputs: fc.tuple(fc.array(jsonEdit(keys[file]), { minLength: 1, maxLength: 3 }), damagedText),
    use: ([edits, damage]) =>
      load(
        modelWith({
          ...(file === "tokenizer_config.json" ? { "tokenizer.json": text("tokenizer.json") } : {}),
          [file]: damage(JSON.stringify(edited(sound[file], edits))),
        }),
      ),
  });

const vocabulary = fuzzTarget({
  ...{ name: "vocab", cases: 1_000, megabytes: 400 },
  inputs: fc.array(
    fc.tuple(
      fc.nat(400),
      fc.oneof(fc.string(), fc.constantFrom("", "[CLS]", "[UNK]", "##", "a".repeat(600), "__proto__")),
    ),
    { minLength: 1, maxLength: 5 },
  ),
  async use(changes) {
    const lines = text("vocab.txt").split("\n");
    for (const [line, token] of changes) lines[line % lines.length] = token;
    return load(modelWith({ "vocab.txt": lines.join("\n") }));
  },
});

/** The tokenizer of the embedded model. */
const tokenizer = BertTokenizer.fromVocabulary(text("vocab.txt"));
const rows = tokenizer.vocabulary.size;

const pieces = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: "binary" }),
  fc.constantFrom(
    " ",
    "\n",
    "\t\t",
    "a-",
    "....",
    "[CLS]",
    "[SEP]",
    "##",
    "Σ",
    "İ",
    "é",
    "日本",
    "\u200b",
    "\ud83d",
    "(",
    "!",
  ),
);

/** Texts up to the most that is read, long runs of one thing among them. */
const anyText = fc.oneof(
  fc.array(pieces, { maxLength: 40 }).map((list) => list.join("")),
  fc
    .tuple(pieces, fc.integer({ min: 1, max: 9_000 }), pieces)
    .map(
      ([piece, count, end]) =>
        piece.repeat(Math.min(count, Math.floor(9_000 / Math.max(1, piece.length)))) + end.slice(0, 500),
    ),
);

const texts = fuzzTarget({
  ...{ name: "texts", cases: 3_000, megabytes: 300 },
  inputs: fc.array(anyText, { minLength: 1, maxLength: 3 }),
  async use(list) {
    const hf = new TextProcessor(tokenizer, 512, "hf");
    const blip = new TextProcessor(tokenizer, 512, "blip");
    hf.decode(tokenizer.ids(list.join(" ").slice(0, 10_000)));
    blip.encodeQuestions(list);
    blip.encodeStatements(list.map((one) => one.slice(0, 2_000)));
    use(tokenizer, rows, list);
    return Promise.resolve("read");
  },
});

export const sideFileTargets = [
  sideFileTarget("config.json", 2_000),
  sideFileTarget("preprocessor_config.json", 2_000),
  sideFileTarget("processor_config.json", 1_500),
  sideFileTarget("generation_config.json", 2_000),
  sideFileTarget("tokenizer.json", 3_000),
  sideFileTarget("tokenizer_config.json", 1_500),
  vocabulary,
  texts,
];
