// Exported files, run by ONNX Runtime as any program would run them, against this package's own results.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { floatTensor, int64Tensor, type Tensor } from "@blip-ts/graph";
import { Tensor as OrtTensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exported, some, type Exported, type Feeds } from "../../../test/support/exported.ts";
import { expectClose, fixture } from "../../../test/support/goldens.ts";
import { nodePlatform } from "../../platform/node/node-platform.ts";
import { ConditionalGeneration } from "../../classes/conditional-generation.ts";
import type { ExportOptions } from "./export-onnx.ts";
import { FeatureExtraction } from "../../classes/model.ts";
import { ImageTextRetrieval } from "../../classes/image-text-retrieval.ts";
import { NaturalLanguageVisualReasoning } from "../../classes/nlvr.ts";
import { QuestionAnswering } from "../../classes/question-answering.ts";
import { rowsOf } from "../../run/batch-rows.ts";
import type { TextFeeds } from "../../run/text-feeds.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-export-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

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

/** The first token of each text replaced, as in an export's steps. */
function begunWith(token: number): Feeds {
  const data = texts.inputIds.data.slice();
  data[0] = data[5] = BigInt(token);
  return { ...textFeeds, input_ids: { ...texts.inputIds, data } };
}

const floatsOf = (tensor: OrtTensor | undefined): Float32Array => {
  if (!(tensor?.data instanceof Float32Array)) throw new Error("it is no float32 tensor");
  return tensor.data;
};

/** Greedy sequences from an export's files alone, following `steps`, and the outputs of the last step. */
async function greedy(
  { raw, description }: Exported,
  states: Tensor<"float32">,
  length: number,
  encoderMask?: Tensor<"int64">,
) {
  const { dec, sep } = description.tokens;
  const decode = some(description.files.find(({ file }) => file === "decode.onnx"));
  const pasts = decode.inputs.filter(({ name }) => name.startsWith("past."));
  const keysAndValues = await raw("cross-kv", { encoder_hidden_states: states });
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
      ...keysAndValues,
      ...(encoderMask && { encoder_attention_mask: encoderMask }),
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

/** Another fusion of the same operations changes float32 sums of magnitude 10 by about 1e-6. */
const tolerance = 2e-5;
const forms: readonly Partial<ExportOptions>[] = [{}, { selfContained: true, standardOperators: true }];

/** Checks the model in every form. */
async function inEveryForm(model: string, options: ExportOptions, check: (files: Exported) => Promise<void>) {
  for (const form of forms) await check(await exported(folder, model, { ...options, ...form }));
}

/** Noise images [B, 3, S, S]. */
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
      { states: await model.images.states(pixelValues) },
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
    // 8-bit files round all images of a run with one scale, so run them one at a time, as in the steps.
    const image = rowsOf(pixelValues, 0, 1);
    await using model = await ConditionalGeneration.load(nodePlatform, fixture("tiny/caption"), { dtype });
    const states = await model.images.states(image);
    const [[best] = []] = await model.generator.generate({ states }, [[model.loaded.tokens.dec]], {
      maxLength: 9,
    });
    await inEveryForm("caption", { task: "caption", dtype }, async (files) => {
      expect(files.description.dtype).toBe(dtype);
      const { image_embeds } = await files.run("image", { pixel_values: image });
      // In half and 8-bit precision, another order of sums changes the last of 11 or 8 bits of some numbers.
      expectClose(some(image_embeds), states, 2e-2);
      expect((await greedy(files, states, 8)).sequences).toEqual([best?.tokens]);
      for (const said of ["one image at a time", "session.x64quantprecision 1"])
        expect(files.description.steps.join().includes(said)).toBe(dtype === "int8");
    });
  });

  test("for pictures of another size", async () => {
    const larger = pictures(1, 48);
    await using model = await ConditionalGeneration.load(nodePlatform, fixture("tiny/caption"), {
      imageSize: 48,
    });
    const own = await model.images.states(larger);
    const { run, description } = await exported(folder, "caption", { task: "caption", imageSize: 48 });
    expect(description.image).toMatchObject({ height: 48, width: 48 });
    expectClose(some((await run("image", { pixel_values: larger })).image_embeds), own, tolerance);
  });
});
