// Features that transformers lacks, against LAVIS's own classes (oracle/legacy): beam search with the scoring before
// transformers 4.35, ranked answers, NLVR2, two-stage retrieval, videos, features. Each row equals the reference's
// single result.
import { int64Tensor } from "@blip-ts/graph";
import { afterAll, describe, expect, test } from "vitest";
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
import type { RawImage } from "../image/raw-image.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import type { ImageInput } from "../platform/node/decode-image.ts";
import { Captioner } from "../verbs/caption.ts";
import { ConditionalGeneration } from "./conditional-generation.ts";
import { FeatureExtraction } from "./model.ts";
import { NaturalLanguageVisualReasoning } from "./nlvr.ts";
import { QuestionAnswering } from "./question-answering.ts";
import { Retriever } from "../verbs/retrieve.ts";
import { rowsOf } from "../run/batch-rows.ts";
import { projected } from "../tools/verify/run-sample.ts";

/** The tolerance of float32 sums in a different order. */
const tolerance = 2e-5;
const compat = "lavis";
const ends = likelierEnds();
afterAll(ends.remove);

describe("captions", async () => {
  const { cases, captions } = await goldenJson<{
    cases: readonly GeneratedCase[];
    captions: readonly string[];
  }>("legacy-caption");
  const pixels = await (await goldenTensors("legacy-caption")).floats("pixel_values");
  const biases = [...new Set(cases.map(({ sepBias }) => sepBias))];

  test.each(biases)(
    "with [SEP] likelier by %d: the tokens and scores of each image alone",
    async (sepBias) => {
      const folder = await ends.of("pretrain-original", sepBias);
      await using model = await ConditionalGeneration.load(nodePlatform, folder, { compat });
      let ended = 0;
      for (const one of cases.filter((some) => some.sepBias === sepBias)) {
        const ids = model.loaded.tokenizer.ids(one.prompt ?? "");
        const rows = one.rows.length;
        const inputIds = int64Tensor(
          [rows, ids.length],
          one.rows.flatMap(() => ids),
        );
        const found = await model.generate(
          { pixelValues: rowsOf(pixels, 0, rows), inputIds },
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
      if (sepBias > 0) expect(ended).toBeGreaterThan(100);
    },
  );

  test("their texts are without the prompt", async () => {
    const folder = fixture("tiny/pretrain-original");
    await using captioner = await Captioner.load<ImageInput>(nodePlatform, folder, { compat });
    const { model } = captioner;
    const ids = model.loaded.tokenizer.ids("a picture of");
    const found = await model.generate(
      {
        pixelValues: pixels,
        inputIds: int64Tensor(
          [5, ids.length],
          captions.flatMap(() => ids),
        ),
      },
      { maxLength: 20, minLength: 5 },
    );
    const texts = found.map(([best]) => model.loaded.tokenizer.decode(best?.tokens ?? []));
    // LAVIS cuts off as many characters as its prompt has.
    expect(texts.map((text) => text.slice("a picture of ".length))).toEqual(captions);
  });
});

describe("answers", async () => {
  const golden = await goldenJson<{
    cases: readonly GeneratedCase[];
    questions: readonly string[];
    answers: readonly string[];
    ranked: readonly {
      k: number;
      rows: readonly { answer: string; candidates: readonly string[]; scores: readonly number[] }[];
    }[];
  }>("legacy-vqa");
  const pixels = await (await goldenTensors("legacy-vqa")).floats("pixel_values");
  const biases = [...new Set(golden.cases.map(({ sepBias }) => sepBias))];
  const memoryOf = (model: QuestionAnswering) =>
    model.encodeQuestions({
      pixelValues: pixels,
      ...model.loaded.tokenizer.encode(golden.questions, model.config.text.maxPositions),
    });

  test.each(biases)("with [SEP] likelier by %d: the tokens of each question alone", async (sepBias) => {
    const folder = await ends.of("vqa-original", sepBias);
    await using model = await QuestionAnswering.load(nodePlatform, folder, { compat });
    const memory = await memoryOf(model);
    for (const one of golden.cases.filter((some) => some.sepBias === sepBias)) {
      const found = await model.answer(memory, optionsOf(one));
      expect(
        found.map((row) => row.map(({ tokens }) => tokens)),
        JSON.stringify(one.options),
      ).toEqual(one.rows.map(({ sequences }) => sequences.map(unpadded)));
    }
  });

  test.each(golden.ranked)(
    "ranks the $k likeliest by first token, then by their loss",
    async ({ k, rows }) => {
      await using model = await QuestionAnswering.load(nodePlatform, fixture("tiny/vqa-original"), {
        compat,
      });
      const ids = golden.answers.map((answer) => model.loaded.tokenizer.ids(answer));
      const ranked = await model.rank(await memoryOf(model), ids, { k });
      rows.forEach(({ answer, candidates, scores }, row) => {
        const found = ranked[row] ?? [];
        expect(golden.answers[found[0]?.index ?? -1]).toBe(answer);
        expect(found.map(({ index }) => golden.answers[index]).toSorted()).toEqual(candidates.toSorted());
        for (const { index, score } of found)
          expect(score).toBeCloseTo(scores[candidates.indexOf(golden.answers[index] ?? "")] ?? NaN, 4);
      });
    },
  );
});

describe("NLVR2", async () => {
  const { texts } = await goldenJson<{ texts: readonly string[] }>("legacy-nlvr");
  const tensors = await goldenTensors("legacy-nlvr");
  const [left, right] = [await tensors.floats("left"), await tensors.floats("right")];
  const logits = await tensors.floats("logits");
  const count = texts.length;

  test("gives LAVIS's logits, together and alone", async () => {
    await using model = await NaturalLanguageVisualReasoning.load(
      nodePlatform,
      fixture("tiny/nlvr-original"),
    );
    const encode = (some: readonly string[]) =>
      model.loaded.tokenizer.encode(some, model.config.text.maxPositions);
    const both = (from: number, to: number) => {
      const [a, b] = [rowsOf(left, from, to), rowsOf(right, from, to)];
      const data = new Float32Array(a.data.length * 2);
      data.set(a.data);
      data.set(b.data, a.data.length);
      return { ...a, dims: [2 * (to - from), ...a.dims.slice(1)], data };
    };
    const together = await model.forward({ pixelValues: both(0, count), ...encode(texts) });
    expectClose(together.logits, logits, tolerance);
    for (const [row, text] of texts.entries()) {
      const alone = await model.judge(both(row, row + 1), encode([text]));
      expectClose(alone.logits, rowsOf(logits, row, row + 1), tolerance);
    }
  });
});

describe("retrieval", async () => {
  const { texts, k } = await goldenJson<{ texts: readonly string[]; k: number }>("legacy-retrieval");
  const tensors = await goldenTensors("legacy-retrieval");
  const pictures = async (key: string): Promise<RawImage[]> => {
    const { dims, data } = await tensors.bytes(key);
    const [count = 0, height = 0, width = 0] = dims;
    const size = height * width * 3;
    return Array.from({ length: count }, (_, index) => ({
      ...{ width, height, channels: 3 as const },
      data: data.subarray(index * size, (index + 1) * size),
    }));
  };
  const open = () => Retriever.load<ImageInput>(nodePlatform, fixture("tiny/match-original"), { compat });
  /** Rank scores by position; entries that were not re-ranked have the references' -100. */
  const matrixOf = (rows: readonly (readonly (number | null)[])[]) =>
    Float32Array.from(rows.flatMap((row) => row.map((score) => score ?? -100)));

  test("two stages over texts and over images give the references' score matrices", async () => {
    const images = await pictures("images");
    await using retriever = await open();
    const byText: (number | null)[][] = [];
    for await (const row of retriever.byText(images, texts, { k })) {
      if (row.error) throw new Error(row.error.message);
      byText.push(images.map((image) => row.hits.find((hit) => hit.image === image)?.rankScore ?? null));
    }
    const t2i = await tensors.floats("score_matrix_t2i");
    expectClose({ ...t2i, data: matrixOf(byText) }, t2i, tolerance);
    const byImage: (number | null)[][] = [];
    for await (const row of retriever.byImage(images, texts, { k })) {
      if (row.error) throw new Error(row.error.message);
      byImage.push(texts.map((text) => row.hits.find((hit) => hit.text === text)?.rankScore ?? null));
    }
    const i2t = await tensors.floats("score_matrix_i2t");
    expectClose({ ...i2t, data: matrixOf(byImage) }, i2t, tolerance);
  });

  test("what is not kept between the stages is computed again, with the same scores", async () => {
    const images = await pictures("images");
    await using retriever = await open();
    const ranked = async (cacheBytes: number) => {
      const rows = [];
      for await (const row of retriever.byText(images, texts, { k, cacheBytes })) rows.push(row);
      return rows;
    };
    expect(await ranked(0)).toEqual(await ranked(2 ** 20));
  });

  test("frames of a video are averaged for the cosine and all looked at by ITM", async () => {
    const frames = await pictures("frames");
    const videos = [0, 1, 2].map((index) => ({
      image: frames[index * 8] as ImageInput,
      frames: frames.slice(index * 8, (index + 1) * 8),
    }));
    await using retriever = await open();
    const found: (number | null)[][] = [];
    for await (const row of retriever.byText(videos, texts)) {
      if (row.error) throw new Error(row.error.message);
      found.push(videos.map(({ image }) => row.hits.find((hit) => hit.image === image)?.rankScore ?? null));
    }
    const expected = await tensors.floats("video_scores_t2v");
    expectClose({ ...expected, data: matrixOf(found) }, expected, tolerance);
  });
});

describe("features", async () => {
  const { texts } = await goldenJson<{ texts: readonly string[] }>("legacy-features");
  const tensors = await goldenTensors("legacy-features");
  const pixelValues = await tensors.floats("pixel_values");

  test("all states of images, of texts, and of texts with cross-attention to images", async () => {
    await using model = await FeatureExtraction.load(nodePlatform, fixture("tiny/match-original"), {
      compat,
    });
    const feeds = model.loaded.tokenizer.encode(texts, model.config.text.maxPositions);
    const image = await model.getImageFeatures(pixelValues);
    expectClose(image.states, await tensors.floats("image_embeds"), tolerance);
    const text = await model.getTextFeatures(feeds);
    const width = text.states.dims[2] ?? 0;
    const lengths = texts.map((text) => model.loaded.tokenizer.ids(text).length);
    const seen = await model.getMultimodalFeatures({ ...feeds, pixelValues });
    const expected = [await tensors.floats("text_embeds"), await tensors.floats("multimodal_embeds")];
    // States of padding are meaningless.
    [text.states, seen].forEach((states, which) =>
      lengths.forEach((length, row) => {
        const tokens = (all: typeof states) => {
          const one = rowsOf(all, row, row + 1);
          return { ...one, dims: [1, length, width], data: one.data.slice(0, length * width) };
        };
        const golden = expected[which];
        if (golden) expectClose(tokens(states), tokens(golden), tolerance);
      }),
    );
    // LAVIS projects every token; index 0 is the joint embedding.
    const features = await tensors.floats("image_features");
    expectClose(await projected(model.loaded, "image", image.states), features, tolerance);
    const [words, expectedWords] = [
      await projected(model.loaded, "text", text.states),
      await tensors.floats("text_features"),
    ];
    lengths.forEach((length, row) => {
      const size = length * (words.dims[2] ?? 0);
      const tokens = (all: typeof words) => ({
        ...{ dtype: all.dtype, dims: [size] },
        data: rowsOf(all, row, row + 1).data.slice(0, size),
      });
      expectClose(tokens(words), tokens(expectedWords), tolerance);
    });
    const first = features.dims[2] ?? 0;
    const classes = [0, 1].map((row) => rowsOf(features, row, row + 1).data.slice(0, first));
    image.features.data.forEach((value, index) =>
      expect(value).toBeCloseTo(classes[Math.floor(index / first)]?.[index % first] ?? NaN, 5),
    );
  });
});
