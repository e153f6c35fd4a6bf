// Side files are untrusted: each kind of wrong content is rejected with the file's name, the field, the expected value
// and the actual one, before the content is used.
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { memorySource } from "@blip-ts/checkpoint";
import { ModelError } from "@blip-ts/base";
import { failureOf } from "@blip-ts/testing";
import { fixture } from "../../test/support/goldens.ts";
import type { ModelFiles, SideFile } from "../files.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import { readGenerationConfig } from "../run/generation-defaults.ts";
import { readImageConfig } from "./image-settings.ts";
import { prepareModel } from "./load-model.ts";
import { openModel, readJson } from "./open-model.ts";

const folder = fixture("tiny/match");
const weights = await readFile(`${folder}/model.safetensors`);
const right = async (file: string) => readFile(`${folder}/${file}`, "utf8").catch(() => undefined);

/** fixtures/tiny/match with the content of one file replaced. */
const modelWith = (changed: SideFile, content: string): ModelFiles => ({
  name: "m",
  kind: "folder",
  weights: { kind: "single", source: memorySource("m/model.safetensors", weights) },
  read: async (file) => (file === changed ? content : right(file)),
});

/** Runs the part of loading that reads the files, before an engine is opened. */
async function load(files: ModelFiles): Promise<void> {
  await prepareModel(nodePlatform, await openModel(files), ["match"], { onWarning: () => undefined });
  await readImageConfig(files);
  readGenerationConfig(await readJson(files, "generation_config.json"), "m/generation_config.json");
}

const odd = { toString: 1, valueOf: 1 };
const shownOdd = '{"toString":1,"valueOf":1}';
const jsonFiles = [
  "config.json",
  "preprocessor_config.json",
  "processor_config.json",
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
] as const;

test.each(jsonFiles)("%s that nests deeper than 64 levels is rejected", async (file) => {
  for (const content of ["[".repeat(65) + "]".repeat(65), "[".repeat(20_000), `{"a":`.repeat(30_000)]) {
    const failure = await failureOf(() => load(modelWith(file, content)));
    expect(failure).toBeInstanceOf(ModelError);
    expect(failure.code).toBe("model/bad-json");
    expect(failure.message).toContain(
      `m/${file}: expected JSON that can be read, but it nests deeper than 64 levels`,
    );
  }
});

test.each(jsonFiles)("%s above its bound is rejected, also if the platform reads it", async (file) => {
  const most = file === "tokenizer.json" ? 8_000_000 : 4_000_000;
  const failure = await failureOf(() => load(modelWith(file, `"${"x".repeat(most)}"`)));
  expect(failure.code).toBe("model/side-file-too-large");
  expect(failure.message).toContain(`m/${file}: expected at most ${most} characters, got ${most + 2}`);
});

test.each(jsonFiles)("%s that is not JSON is rejected", async (file) => {
  const failure = await failureOf(() => load(modelWith(file, '{"a": \u001b[31m}')));
  expect(failure.code).toBe("model/bad-json");
  expect(failure.message).not.toContain("\u001b");
});

test.each(jsonFiles)("%s that is not an object is rejected", async (file) => {
  for (const content of ["[]", "7", '"x"', "true"])
    expect(await failureOf(() => load(modelWith(file, content)))).toBeInstanceOf(ModelError);
});

test.each<[SideFile, object, code: string, says: string]>([
  ["config.json", { vision_config: { num_hidden_layers: 65 } }, "model/bad-config", "vision_config.num_hidden_layers: expected a whole number from 1 to 64, got 65"],
  ["config.json", { vision_config: { hidden_size: odd } }, "model/bad-config", `vision_config.hidden_size: expected a whole number from 1 to 65536, got ${shownOdd}`],
  ["config.json", { vision_config: 7 }, "model/bad-config", "vision_config: expected an object of settings, got 7"],
  ["config.json", { text_config: { num_attention_heads: 0.5 } }, "model/bad-config", "text_config.num_attention_heads: expected a whole number from 1 to 65536, got 0.5"],
  ["config.json", { text_config: { layer_norm_eps: "1e-12" } }, "model/bad-config", 'text_config.layer_norm_eps: expected a number from 0 to 1, got "1e-12"'],
  ["config.json", { text_config: { layer_norm_eps: 1 } }, "model/bad-config", "text_config.layer_norm_eps: expected a small number, from 0 to below 1, got 1"],
  ["config.json", { text_config: { bos_token_id: 0.5 } }, "model/bad-config", "text_config.bos_token_id: expected a whole number from 0 to 100000000, got 0.5"],
  ["config.json", { text_config: { hidden_act: odd } }, "model/bad-config", 'text_config.hidden_act: expected "gelu", which BLIP\'s networks have'],
  ["config.json", { text_config: { tie_word_embeddings: 1 } }, "model/bad-config", "text_config.tie_word_embeddings: expected true or false, got 1"],
  ["config.json", { architectures: "Blip" }, "model/bad-config", 'architectures: expected a list of at most 100, got "Blip"'],
  ["config.json", { image_text_hidden_size: -1 }, "model/bad-config", "image_text_hidden_size: expected a whole number from 1 to 65536, got -1"],
  ["preprocessor_config.json", { size: odd }, "image/bad-config", "m/preprocessor_config.json: size: expected a side of 1 to 2048 pixels"],
  ["preprocessor_config.json", { size: 2049 }, "image/bad-config", "size: expected a side of 1 to 2048 pixels"],
  ["preprocessor_config.json", { do_resize: 1 }, "image/bad-config", "do_resize: expected true or false, got 1"],
  ["preprocessor_config.json", { rescale_factor: 1e308 }, "image/bad-config", "rescale_factor: expected a number with which pixel values are finite in float32, got 1e+308"],
  ["preprocessor_config.json", { image_mean: { length: 3 } }, "image/bad-config", 'image_mean: expected three numbers, for R, G and B, got {"length":3}'],
  ["processor_config.json", { image_processor: { resample: odd } }, "image/bad-config", "m/processor_config.json: image_processor.resample: expected 3 (bicubic)"],
  ["processor_config.json", { image_processor: [] }, "image/bad-config", "m/processor_config.json: image_processor: expected an object of settings, got []"],
  ["generation_config.json", { num_return_sequences: 1e9, do_sample: true }, "model/bad-config", "num_return_sequences: expected a whole number from 1 to 32, got 1000000000"],
  ["generation_config.json", { do_sample: 1 }, "model/bad-config", "do_sample: expected true or false, got 1"],
  ["generation_config.json", { early_stopping: 5 }, "model/bad-config", "early_stopping: expected true or false, got 5"],
  ["generation_config.json", { num_beams: 9 }, "model/bad-config", "num_beams: expected a whole number from 1 to 8, got 9"],
  ["generation_config.json", { max_length: 1e9 }, "model/bad-config", "max_length: expected a whole number from 1 to 4096, got 1000000000"],
  ["generation_config.json", { temperature: 0 }, "model/bad-config", "temperature: expected a number above 0, of at most 1000, got 0"],
  ["generation_config.json", { top_p: odd }, "model/bad-config", `top_p: expected a number from 0 to 1, got ${shownOdd}`],
  ["tokenizer.json", { model: { type: odd, vocab: {} } }, "tokenizer/unsupported-component", "m/tokenizer.json: model: expected WordPiece"],
  ["tokenizer_config.json", { additional_special_tokens: [odd] }, "tokenizer/bad-config", "m/tokenizer_config.json: additional_special_tokens[0]: expected a token of at most 512 characters"],
  ["tokenizer_config.json", { do_lower_case: "no" }, "tokenizer/bad-config", 'do_lower_case: expected true or false, got "no"'],
])("%s with %j is refused", async (file, content, code, says) => {
  const failure = await failureOf(() => load(modelWith(file, JSON.stringify(content))));
  expect(failure.code).toBe(code);
  expect(failure.message).toContain(says);
  expect(failure.message).toContain(`m/${file}: `);
}); // prettier-ignore

test("what these files may say is read, with fields that nothing here is about", async () => {
  const settings = {
    ...{ image_processor_type: "BlipImageProcessor", do_pad: false, size_divisor: 32, more: { of: ["it"] } },
    ...{ size: { height: 32, width: 32 }, image_mean: 0.5, image_std: [0.5, 0.5, 0.5], resample: 3 },
  };
  await load(modelWith("preprocessor_config.json", JSON.stringify(settings)));
  const special = [{ content: "[IMG]", special: true }, "[BOX]"];
  const tokens = { additional_special_tokens: special, model_max_length: 1e30, added_tokens_decoder: {} };
  await load(modelWith("tokenizer_config.json", JSON.stringify(tokens)));
  await load(
    modelWith("generation_config.json", JSON.stringify({ _from_model_config: true, num_beams: null })),
  );
});
