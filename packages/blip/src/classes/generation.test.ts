// Captions and answers against transformers 5.23 (oracle/hf/generation_goldens.py): each row equals the reference's
// single result in any batch, greedy and with 1 to 8 beams, with sequences that end early.
import { closedBy } from "@blip-ts/base";
import { int64Tensor } from "@blip-ts/graph";
import { afterAll, describe, expect, test } from "vitest";
import { arrayOf } from "@blip-ts/testing";
import {
  expectClose,
  fixture,
  goldenJson,
  goldenTensors,
  likelierEnds,
  optionsOf,
  unpadded,
  type GeneratedCase,
} from "../../test/support/goldens.ts";
import type { GenerationOptions } from "../decode/options.ts";
import type { Feeds } from "@blip-ts/engine";
import type { ImageInput } from "../platform/node/decode-image.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import { Captioner } from "../verbs/caption.ts";
import { ConditionalGeneration } from "./conditional-generation.ts";
import { FeatureExtraction } from "./model.ts";
import { loadNetwork } from "../load/load-model.ts";
import { rowsOf } from "../run/batch-rows.ts";
import { QuestionAnswering } from "./question-answering.ts";

interface Golden {
  readonly cases: readonly GeneratedCase[];
  readonly questions: readonly string[];
}

/** A different order of float32 sums changes logits of magnitude 10 by about 1e-6. */
const tolerance = 2e-5;

const ends = likelierEnds();
afterAll(ends.remove);

describe("BlipForConditionalGeneration", async () => {
  const golden = await goldenJson<Golden>("caption");
  const tensors = await goldenTensors("caption");
  const pixels = await tensors.floats("pixel_values");
  const biases = [...new Set(golden.cases.map(({ sepBias }) => sepBias))];

  test.each(["caption", "caption-4x"])("%s: gives transformers' logits", async (name) => {
    await using model = await ConditionalGeneration.load(nodePlatform, fixture(`tiny/${name}`));
    const { logits } = await model.forward({
      pixelValues: rowsOf(pixels, 0, 2),
      inputIds: await tensors.ids("input_ids"),
      attentionMask: await tensors.ids("attention_mask"),
    });
    expectClose(logits, await tensors.floats(name === "caption" ? "logits" : "logits.4x"), tolerance);
  });

  test("interpolates the positions of images of another size", async () => {
    await using model = await ConditionalGeneration.load(nodePlatform, fixture("tiny/caption"));
    const pixelValues = await tensors.floats("resized.pixel_values");
    const ids = await tensors.ids("input_ids");
    const inputIds = { ...ids, dims: [1, ids.dims[1] ?? 0], data: ids.data.slice(0, ids.dims[1]) };
    const { logits } = await model.forward({ pixelValues, inputIds }, { interpolatePosEncoding: true });
    expectClose(logits, await tensors.floats("logits.resized"), tolerance);
    const sequence = Array.from((await tensors.ids("resized.sequence")).data, Number);
    const [[best] = []] = await model.generate(
      { pixelValues },
      { interpolatePosEncoding: true, maxLength: 20 },
    );
    expect(best?.tokens).toEqual(sequence);
  });

  test.each(biases)("with [SEP] likelier by %d: every row is the reference's, run alone", async (sepBias) => {
    const folder = await ends.of("caption", sepBias);
    await using model = await ConditionalGeneration.load(nodePlatform, folder);
    const { tokenizer } = model.loaded;
    let ended = 0;
    for (const one of golden.cases.filter((some) => some.sepBias === sepBias)) {
      const ids = one.prompt === null ? undefined : tokenizer.ids(one.prompt);
      const inputIds =
        ids &&
        int64Tensor(
          [one.rows.length, ids.length],
          one.rows.flatMap(() => ids),
        );
      const found = await model.generate(
        { pixelValues: rowsOf(pixels, 0, one.rows.length), inputIds },
        optionsOf(one),
      );
      const what = JSON.stringify({ ...one.options, prompt: one.prompt });
      expect(
        found.map((row) => row.map(({ tokens }) => tokens)),
        what,
      ).toEqual(one.rows.map(({ sequences }) => sequences.map(unpadded)));
      one.rows.forEach(({ scores = [] }, row) =>
        scores.forEach((score, rank) => expect(found[row]?.[rank]?.score, what).toBeCloseTo(score, 4)),
      );
      ended += found.flat().filter(({ tokens }) => tokens.at(-1) === 3).length;
    }
    // The cases would not test stopping if no sequence ended.
    if (sepBias > 0) expect(ended).toBeGreaterThan(50);
  });

  test("each token's log-probability is that of the raw logits, whatever is done to them when it is chosen", async () => {
    await using model = await ConditionalGeneration.load(nodePlatform, await ends.of("caption", 1.5));
    const ids = model.loaded.tokenizer.ids("a picture of");
    const pixelValues = rowsOf(pixels, 0, 1);
    const inputIds = int64Tensor([1, ids.length], ids);
    const changed = { repetitionPenalty: 1.5, minLength: 8, maxLength: 14 };
    const ways: readonly GenerationOptions[] = [
      { ...changed, beams: 1 },
      { ...changed, beams: 4, numReturn: 4 },
      { ...changed, beams: 4, numReturn: 4, beamScoring: "transformers-4.15" },
      { ...changed, sample: true, topK: 5, temperature: 2, numReturn: 2 },
    ];
    for (const options of ways) {
      const [found = []] = await model.generate({ pixelValues, inputIds }, options);
      expect(found.length).toBe(options.numReturn ?? 1);
      for (const { tokens, tokenLogProbabilities } of found) {
        const { logits } = await model.forward({
          pixelValues,
          inputIds: int64Tensor([1, tokens.length], tokens),
        });
        const V = logits.dims[2] ?? 0;
        // [DEC] a picture of: the prompt has four tokens.
        const generated = tokens.slice(4);
        expect(tokenLogProbabilities).toHaveLength(generated.length);
        generated.forEach((token, index) => {
          const row = Array.from(logits.data.subarray((3 + index) * V, (4 + index) * V));
          const sum = Math.log(row.reduce((total, x) => total + Math.exp(x), 0));
          // A step and the whole sequence sum float32 in different orders.
          expect(tokenLogProbabilities[index]).toBeCloseTo((row[token] ?? NaN) - sum, 4);
        });
      }
    }
  });

  test("rows with different prompts in one batch are what they are alone", async () => {
    await using model = await ConditionalGeneration.load(nodePlatform, fixture("tiny/caption"));
    const prompts = ["a picture of", "two red cars and the", "a dog"];
    const rows = prompts.map((prompt) => model.loaded.tokenizer.ids(prompt));
    const length = Math.max(...rows.map((ids) => ids.length));
    const inputIds = int64Tensor(
      [3, length],
      rows.flatMap((ids) => [...ids, ...Array<number>(length - ids.length).fill(0)]),
    );
    const attentionMask = int64Tensor(
      [3, length],
      rows.flatMap((ids) => Array.from({ length }, (_, index) => (index < ids.length ? 1 : 0))),
    );
    for (const beams of [1, 3]) {
      const options = { beams, maxNewTokens: 8 };
      const together = await model.generate(
        { pixelValues: rowsOf(pixels, 0, 3), inputIds, attentionMask },
        options,
      );
      for (const [row, ids] of rows.entries()) {
        const alone = await model.generate(
          { pixelValues: rowsOf(pixels, row, row + 1), inputIds: int64Tensor([1, ids.length], ids) },
          options,
        );
        expect(together[row]?.map(({ tokens }) => tokens)).toEqual(alone[0]?.map(({ tokens }) => tokens));
      }
    }
  });

  test("each step feeds one token a sequence; what is attended to is made once", async () => {
    const loaded = await loadNetwork(nodePlatform, fixture("tiny/caption"), ["caption"]);
    const fed: Record<string, number[][]> = {};
    const { network } = loaded;
    const session = network.session.bind(network);
    network.session = async (key, build, group) => {
      const made = await session(key, build, group);
      const note = (feeds: Feeds) =>
        (fed[key] ??= []).push([...((feeds.input_ids ?? Object.values(feeds)[0])?.dims ?? [])]);
      return {
        run: (feeds, options) => (note(feeds), made.run(feeds, options)),
        runRetaining: (feeds, keep, options) => (note(feeds), made.runRetaining(feeds, keep, options)),
        release: (tensors) => made.release(tensors),
        ...closedBy(() => made.close()),
      };
    };
    await using model = await ConditionalGeneration.over(loaded);
    const ids = model.loaded.tokenizer.ids("a picture of");
    const inputs = {
      pixelValues: rowsOf(pixels, 0, 2),
      inputIds: int64Tensor([2, ids.length], [...ids, ...ids]),
    };
    const options = { beams: 3, maxLength: 9, minLength: 9 };
    await model.generate(inputs, options);
    // Two prompts of 4 tokens, then three beams each, one token at a time, in one run for both images.
    expect(fed["decoder decode"]).toEqual([
      [2, 4],
      [6, 1],
      [6, 1],
      [6, 1],
      [6, 1],
    ]);
    expect(fed["decoder cross-kv"]).toEqual([[2, 17, 48]]);
  });

  test("streams the tokens of the greedy caption, and refuses to stream beams", async () => {
    await using model = await ConditionalGeneration.load(nodePlatform, fixture("tiny/caption"));
    const pixelValues = rowsOf(pixels, 0, 1);
    const [[whole] = []] = await model.generate({ pixelValues }, { maxNewTokens: 6 });
    const streamed: number[] = [];
    for await (const { token } of model.stream({ pixelValues }, { maxNewTokens: 6 })) streamed.push(token);
    expect(streamed).toEqual(whole?.tokens.slice(1));
    await expect(model.stream({ pixelValues }, { beams: 2 }).next()).rejects.toMatchObject({
      code: "generate/cannot-stream",
    });
  });

  test("a captioner streams the greedy caption as it grows, without its prompt", async () => {
    await using captioner = await Captioner.load<ImageInput>(nodePlatform, fixture("tiny/caption"));
    const image = fixture("images/coffee.jpg");
    const [row] = await arrayOf(captioner.caption([image], { beams: 1 }));
    if (!row || "error" in row) throw new Error("no caption");
    const grown = await arrayOf(captioner.stream(image));
    expect(grown.length).toBeGreaterThan(5);
    expect(grown.at(-1)).toMatchObject({ tokens: row.tokens, caption: row.caption });
    expect(grown.reduce((sum, { logProbability }) => sum + logProbability, 0)).toBeCloseTo(
      row.logProbability,
      4,
    );
    for (const [index, { token, tokens }] of grown.entries()) {
      expect(tokens.at(-1)).toBe(token);
      expect(row.tokens.slice(0, tokens.length)).toEqual(tokens);
      expect(tokens).toHaveLength(row.tokens.length - grown.length + index + 1);
    }
    await expect(captioner.stream(image, { beams: 2 }).next()).rejects.toMatchObject({
      code: "generate/cannot-stream",
    });
    await expect(captioner.stream(image, { numReturn: 2, beams: 1 }).next()).rejects.toThrow();
    await expect(captioner.stream(fixture("images/truncated.jpg")).next()).rejects.toMatchObject({
      name: "InputError",
    });
  });

  test.each<[string, GenerationOptions, string]>([
    ["no beams", { beams: 0 }, "generate/bad-option"],
    ["nine beams", { beams: 9 }, "generate/bad-option"],
    ["a temperature of 0", { sample: true, temperature: 0 }, "generate/bad-option"],
    ["a probability without sampling", { topP: 0.9 }, "generate/conflicting-options"],
    ["a seed without sampling", { seed: 1 }, "generate/conflicting-options"],
    ["a probability above 1", { sample: true, topP: 1.1 }, "generate/bad-option"],
    ["more sequences than beams", { beams: 2, numReturn: 3 }, "generate/conflicting-options"],
    ["sampling with beams", { beams: 2, sample: true }, "generate/conflicting-options"],
    ["a length that the prompt fills", { maxLength: 1 }, "generate/prompt-too-long"],
    ["a length beyond the positions", { maxLength: 65 }, "generate/bad-option"],
  ])("refuses %s", async (_what, options, code) => {
    await using model = await ConditionalGeneration.load(nodePlatform, fixture("tiny/caption"));
    await expect(model.generate({ pixelValues: rowsOf(pixels, 0, 1) }, options)).rejects.toMatchObject({
      code,
    });
  });
});

describe("BlipForQuestionAnswering", async () => {
  const golden = await goldenJson<Golden>("vqa");
  const tensors = await goldenTensors("vqa");
  const pixels = await tensors.floats("pixel_values");
  const biases = [...new Set(golden.cases.map(({ sepBias }) => sepBias))];
  const encode = (model: QuestionAnswering, questions: readonly string[]) =>
    model.loaded.tokenizer.encode(questions, model.config.text.maxPositions);

  test("gives transformers' question states and logits", async () => {
    await using model = await QuestionAnswering.load(nodePlatform, fixture("tiny/vqa"));
    const answers = await tensors.ids("decoder_input_ids");
    for (const row of [0, 1]) {
      const logits = await tensors.floats(`logits.${row}`);
      const length = logits.dims[1] ?? 0;
      const width = answers.dims[1] ?? 0;
      const decoderInputIds = {
        ...answers,
        dims: [1, length],
        data: answers.data.slice(row * width, row * width + length),
      };
      const found = await model.forward({
        pixelValues: rowsOf(pixels, row, row + 1),
        ...encode(model, golden.questions.slice(row, row + 1)),
        decoderInputIds,
      });
      expectClose(found.questionEmbeds, await tensors.floats(`question_embeds.${row}`), tolerance);
      expectClose(found.logits, logits, tolerance);
    }
  });

  test.each(biases)("with [SEP] likelier by %d: every row is the reference's, run alone", async (sepBias) => {
    await using model = await QuestionAnswering.load(nodePlatform, await ends.of("vqa", sepBias));
    for (const one of golden.cases.filter((some) => some.sepBias === sepBias)) {
      const count = one.rows.length;
      const found = await model.generate(
        { pixelValues: rowsOf(pixels, 0, count), ...encode(model, golden.questions.slice(0, count)) },
        optionsOf(one),
      );
      expect(
        found.map((row) => row.map(({ tokens }) => tokens)),
        JSON.stringify(one.options),
      ).toEqual(one.rows.map(({ sequences }) => sequences.map(unpadded)));
    }
  });

  test("ranks answers by the summed smoothed loss of their tokens", async () => {
    await using model = await QuestionAnswering.load(nodePlatform, fixture("tiny/vqa"));
    const { tokenizer, tokens } = model.loaded;
    const answers = ["a dog", "two red cars", "snow", "a woman", "snow"];
    const inputs = { pixelValues: rowsOf(pixels, 0, 1), ...encode(model, golden.questions.slice(0, 1)) };
    const ids = answers.map((answer) => tokenizer.ids(answer));
    const [ranked = []] = await model.rank(await model.encodeQuestions(inputs), ids);
    // The same sum from the full logits, one answer at a time.
    const naive: number[] = [];
    for (const answer of ids) {
      const sequence = [tokens.dec, ...answer.slice(1)];
      const { logits } = await model.forward({
        ...inputs,
        decoderInputIds: int64Tensor([1, sequence.length], sequence),
      });
      const V = logits.dims[2] ?? 0;
      let score = 0;
      sequence.slice(1).forEach((label, place) => {
        const row = Array.from(logits.data.subarray(place * V, (place + 1) * V));
        const sum = Math.log(row.reduce((total, x) => total + Math.exp(x), 0));
        const mean = row.reduce((total, x) => total + x - sum, 0) / V;
        score += 0.9 * ((row[label] ?? NaN) - sum) + 0.1 * mean;
      });
      naive.push(score);
    }
    for (const { index, score } of ranked) expect(score).toBeCloseTo(naive[index] ?? NaN, 4);
    expect(ranked.map(({ score }) => score)).toEqual(
      ranked.map(({ score }) => score).toSorted((a, b) => b - a),
    );
    expect(ranked).toHaveLength(5);
    // Ties keep the list's order.
    const twins = ranked.filter(({ index }) => answers[index] === "snow").map(({ index }) => index);
    expect(twins).toEqual([2, 4]);
    expect(new Set(ranked.filter(({ index }) => twins.includes(index)).map(({ score }) => score)).size).toBe(
      1,
    );
    const [two = []] = await model.rank(await model.encodeQuestions(inputs), ids, { k: 2 });
    expect(two).toHaveLength(2);
    await expect(model.rank(await model.encodeQuestions(inputs), [])).rejects.toMatchObject({
      code: "usage/no-answers",
    });
  });
});

describe("BlipModel", async () => {
  const tensors = await goldenTensors("features");

  test("gives transformers' features", async () => {
    await using model = await FeatureExtraction.load(nodePlatform, fixture("tiny/model"));
    const images = await model.getImageFeatures(await tensors.floats("pixel_values"));
    expectClose(images.projections, await tensors.floats("image_features"), tolerance);
    expectClose(images.features, await tensors.floats("image_embeds"), tolerance);
    const texts = await model.getTextFeatures({
      inputIds: await tensors.ids("input_ids"),
      attentionMask: await tensors.ids("attention_mask"),
    });
    expectClose(texts.projections, await tensors.floats("text_features"), tolerance);
    expectClose(texts.features, await tensors.floats("text_embeds"), tolerance);
  });

  test("rejects texts over images, which transformers' text model of this class does not see", async () => {
    await using model = await FeatureExtraction.load(nodePlatform, fixture("tiny/model"));
    const call = model.getMultimodalFeatures({
      pixelValues: await tensors.floats("pixel_values"),
      inputIds: await tensors.ids("input_ids"),
    });
    await expect(call).rejects.toMatchObject({ code: "model/wrong-task" });
  });
});
