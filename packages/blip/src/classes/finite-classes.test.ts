// transformers' classes and published samples with networks whose numbers are not finite.
import { floatTensor, int64Tensor, type Tensor } from "@blip-ts/graph";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { arrayOf } from "@blip-ts/testing";
import { DamagedModels, noDog, noThirdWord } from "../../test/support/damaged.ts";
import { failureOf } from "@blip-ts/testing";
import { fixture } from "../../test/support/goldens.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import { ConditionalGeneration } from "./conditional-generation.ts";
import { FeatureExtraction } from "./model.ts";
import { ImageTextRetrieval } from "./image-text-retrieval.ts";
import { NaturalLanguageVisualReasoning } from "./nlvr.ts";
import { QuestionAnswering } from "./question-answering.ts";
import { verify } from "../tools/verify/verify.ts";

const models = new DamagedModels();
beforeAll(() => models.begin());
afterAll(() => models.end());

const code = "model/not-finite";

describe("transformers' classes throw", () => {
  const pixels = floatTensor([2, 3, 32, 32], new Float32Array(2 * 3 * 32 * 32).fill(0.5));
  const inputIds: Tensor<"int64"> = int64Tensor([2, 3], [2, 57, 3, 2, 56, 3]);
  const inputs = { pixelValues: pixels, inputIds, attentionMask: int64Tensor([2, 3], [1, 1, 1, 1, 1, 1]) };
  const encoder = noDog("text_encoder.embeddings");
  const white32 = floatTensor([1, 3, 32, 32], new Float32Array(3 * 32 * 32).fill(1));

  test("BlipForImageTextRetrieval, and says which row", async () => {
    await using model = await ImageTextRetrieval.load(nodePlatform, await models.without("match", encoder));
    const calls = [
      () => model.forward(inputs),
      () => model.forward(inputs, { useItmHead: false }),
      () => model.encodeTexts(inputs),
      () => model.textFeatures(inputs),
      async () => model.matchTexts((await model.encodeImages(pixels)).states, inputs),
      async () => model.scoreTexts((await model.encodeImages(pixels)).states, inputs),
    ];
    for (const call of calls) {
      const error = await failureOf(call);
      expect([error.name, error.code]).toEqual(["ModelError", code]);
      expect(error.message).toMatch(/ 2 of 2/);
    }
    await using blind = await ImageTextRetrieval.load(nodePlatform, await models.blindToWhite("match"));
    expect((await failureOf(() => blind.encodeImages(white32))).message).toMatch(
      /the states of image 1 of 1/,
    );
    const nothing = floatTensor([1, 3, 32, 32], new Float32Array(3 * 32 * 32).fill(NaN));
    await using whole = await ImageTextRetrieval.load(nodePlatform, models.tiny("match"));
    expect((await failureOf(() => whole.encodeImages(nothing))).code).toBe(code);
  });

  test("BlipForConditionalGeneration", async () => {
    const model = await models.without("caption", noDog("text_decoder.bert.embeddings"));
    await using one = await ConditionalGeneration.load(nodePlatform, model);
    expect((await failureOf(() => one.forward(inputs))).code).toBe(code);
    expect((await failureOf(() => one.generate(inputs, { beams: 2 }))).code).toBe(code);
    await using blind = await ConditionalGeneration.load(nodePlatform, await models.blindToWhite("caption"));
    for (const call of [
      () => blind.generate({ pixelValues: white32 }),
      () => arrayOf(blind.stream({ pixelValues: white32 })),
    ])
      expect((await failureOf(call)).code).toBe(code);
  });

  test("BlipForQuestionAnswering", async () => {
    await using one = await QuestionAnswering.load(nodePlatform, await models.without("vqa", encoder));
    const decoderInputIds = int64Tensor([2, 2], [125, 57, 125, 57]);
    expect((await failureOf(() => one.forward({ ...inputs, decoderInputIds }))).code).toBe(code);
    expect((await failureOf(() => one.generate(inputs))).code).toBe(code);
    await using other = await QuestionAnswering.load(nodePlatform, await models.without("vqa", noThirdWord));
    const memory = await other.encodeQuestions(inputs);
    expect((await failureOf(() => other.rank(memory, [[2, 5, 56, 57, 3]]))).code).toBe(code);
    expect(await other.rank(memory, [[2, 56, 57, 3]])).toHaveLength(2);
  });

  test("BlipForNLVR", async () => {
    await using one = await NaturalLanguageVisualReasoning.load(
      nodePlatform,
      await models.without("nlvr-original", encoder),
    );
    const statement = int64Tensor([1, 3], [2, 56, 3]);
    const calls = [
      () => one.forward({ pixelValues: pixels, inputIds: statement }),
      () => one.judge(pixels, { inputIds: statement }),
    ];
    for (const call of calls) expect((await failureOf(call)).code).toBe(code);
  });

  test("BlipModel", async () => {
    await using one = await FeatureExtraction.load(nodePlatform, await models.without("match", encoder));
    const calls = [
      () => one.getTextFeatures(inputs),
      () => one.readTexts(inputs, { states: true }),
      () => one.getMultimodalFeatures(inputs),
    ];
    for (const call of calls) expect((await failureOf(call)).code).toBe(code);
    await using blind = await FeatureExtraction.load(nodePlatform, await models.blindToWhite("match"));
    expect((await failureOf(() => blind.getImageFeatures(white32))).code).toBe(code);
  });
});

test("verify says that such a model is different, whatever is asked of it", async () => {
  const common = { models: ["m"], image: "scene", compat: "lavis" as const, source: "here" };
  const model = await models.without("match", { "vision_model.post_layernorm.weight": { value: NaN } });
  const about = { text: "a dog" };
  const samples = [
    { ...common, expected: { task: "match" as const, ...about, probability: [0.5, 0.1] as const } },
    { ...common, expected: { task: "embed" as const, ...about, cosine: [0.5, 0.1] as const } },
    { ...common, expected: { task: "means" as const, ...about, means: [["image", [0, 1]] as const] } },
  ];
  const imageOf = () => Promise.resolve(fixture("../examples/scenes/01.png"));
  const rows = await arrayOf(verify(nodePlatform, model, (one) => one, { samples, as: "m", imageOf }));
  expect(rows).toHaveLength(3);
  for (const row of rows) {
    expect(row.verdict).toBe("different");
    expect(row.found).toMatch(/expected finite numbers/);
  }
});
