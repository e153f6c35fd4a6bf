// Results that are not finite fail only their own row in every verb. One model overflows for white images and treats
// black ones as before. Others lack numbers for one word, or in a head.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { arrayOf } from "@blip-ts/testing";
import { DamagedModels, noDog, noThirdWord, plainImage, type Damage } from "../../test/support/damaged.ts";
import { failureOf } from "@blip-ts/testing";
import { ModelError } from "@blip-ts/base";
import { nodePlatform } from "../platform/node/node-platform.ts";
import { Answerer } from "./ask.ts";
import { Batched } from "../serve/batched.ts";
import { Captioner } from "./caption.ts";
import { Comparer } from "./compare.ts";
import { Embedder } from "./embed.ts";
import { Matcher } from "./match.ts";
import { Retriever } from "./retrieve.ts";

const models = new DamagedModels();
beforeAll(() => models.begin());
afterAll(() => models.end());

const code = "model/not-finite";
const [black, white] = [plainImage(0), plainImage(255)];
const failed = (about: object) => ({
  ...about,
  error: {
    code,
    message: expect.stringMatching(/expected finite numbers in .*, got others/) as string,
  },
});

/** Equal to the last digits, because another batch sums float32 in another order. */
function expectSame(found: unknown, expected: unknown): void {
  if (typeof expected === "number") expect(found).toBeCloseTo(expected, 4);
  else if (typeof expected !== "object" || expected === null) expect(found).toEqual(expected);
  else
    for (const [key, value] of Object.entries(expected))
      expectSame((found as Record<string, unknown>)[key], value);
}

/** The rows of each verb over images, with any other inputs that it needs. */
type Images = readonly (typeof black)[];
const overImages: Readonly<Record<string, (model: string, images: Images) => Promise<unknown[]>>> = {
  async match(model, images) {
    await using one = await Matcher.load(nodePlatform, model);
    return await arrayOf(one.match(images, ["a dog"]));
  },
  async caption(model, images) {
    await using one = await Captioner.load(nodePlatform, model);
    return await arrayOf(one.caption(images, { beams: 3 }));
  },
  async "caption, greedy"(model, images) {
    await using one = await Captioner.load(nodePlatform, model);
    return await arrayOf(one.caption(images, { beams: 1 }));
  },
  async "caption, drawn"(model, images) {
    await using one = await Captioner.load(nodePlatform, model);
    return await arrayOf(one.caption(images, { sample: true, beams: 1, seed: 3, numReturn: 2 }));
  },
  async ask(model, images) {
    await using one = await Answerer.load(nodePlatform, model);
    return await arrayOf(one.ask(images, ["is there a dog"]));
  },
  async "ask of a list"(model, images) {
    await using one = await Answerer.load(nodePlatform, model);
    return await arrayOf(one.ask(images, ["is there a dog"], { answers: ["dog", "a red cat"] }));
  },
  async embed(model, images) {
    await using one = await Embedder.load(nodePlatform, model);
    return await arrayOf(one.embedImages(images));
  },
  async "embed, all states"(model, images) {
    await using one = await Embedder.load(nodePlatform, model);
    return await arrayOf(one.embedImages(images, { states: true }));
  },
  async "retrieve by image"(model, images) {
    await using one = await Retriever.load(nodePlatform, model);
    return await arrayOf(one.byImage(images, ["a dog", "a cat"]));
  },
};

const modelOf = (verb: string) =>
  verb.startsWith("caption") ? "caption" : verb.startsWith("ask") ? "vqa" : "match";

describe("one image of several whose states are not finite", () => {
  test.each(Object.keys(overImages))("fails alone: %s", async (verb) => {
    const run = overImages[verb];
    if (!run) throw new Error(verb);
    const model = await models.blindToWhite(modelOf(verb));
    const alone = await run(model, [black]);
    const rows = await run(model, [black, white, black]);
    expect(rows).toHaveLength(2 * alone.length + 1);
    expectSame(rows, [...alone, { image: white, error: { code } }, ...alone]);
    expect(JSON.stringify(rows)).not.toMatch(/null|"caption":""/);
  });

  test("fails alone: retrieve, whose rows are texts", async () => {
    await using one = await Retriever.load(nodePlatform, await models.blindToWhite("match"));
    const rows = await arrayOf(one.byText([white, black], ["a dog", "a cat"]));
    expect(rows[0]).toEqual(failed({ image: white }));
    expect(rows.slice(1)).toMatchObject([
      { text: "a dog", hits: [{ image: black }] },
      { text: "a cat", hits: [{ image: black }] },
    ]);
    // A video counts as one image.
    const video = { image: white, frames: [black, white] };
    expect((await arrayOf(one.byText([video], ["a dog"])))[0]).toEqual(failed({ image: white }));
  });

  test("is named by compare, and nothing is judged", async () => {
    await using one = await Comparer.load(nodePlatform, await models.blindToWhite("nlvr-original"));
    expect(await arrayOf(one.compare([black, white], ["a dog", "a cat"]))).toEqual([
      failed({ image: white }),
    ]);
    expect(await arrayOf(one.compare([black, black], ["a dog"]))).toMatchObject([{ statement: "a dog" }]);
  });

  test("rejects its own request among others", async () => {
    const [match, caption, vqa] = [
      await models.blindToWhite("match"),
      await models.blindToWhite("caption"),
      await models.blindToWhite("vqa"),
    ];
    await using matcher = await Matcher.load(nodePlatform, match);
    await using captioner = await Captioner.load(nodePlatform, caption);
    await using answerer = await Answerer.load(nodePlatform, vqa);
    await using embedder = await Embedder.load(nodePlatform, match);
    await using batched = new Batched({ matcher, captioner, answerer, embedder });
    const asked = (image: typeof black) => [
      batched.match(image, ["a dog", "a cat"]),
      batched.caption(image),
      batched.caption(image, { beams: 1, sample: true }),
      batched.ask(image, "is there a dog"),
      batched.ask(image, "is there a dog", { answers: ["dog", "cat"] }),
      batched.embedImage(image),
      batched.embedImage(image, { states: true }),
    ];
    const [good, bad] = [asked(black), asked(white)];
    for (const one of await Promise.allSettled(bad))
      expect(one).toMatchObject({ status: "rejected", reason: { name: "ModelError", code } });
    for (const one of await Promise.all(good)) expect(JSON.stringify(one)).not.toMatch(/null|""/);
  });

  test("ends a stream before its first token", async () => {
    await using one = await Captioner.load(nodePlatform, await models.blindToWhite("caption"));
    expect((await failureOf(() => arrayOf(one.stream(white)))).code).toBe(code);
    expect((await arrayOf(one.stream(black))).length).toBeGreaterThan(0);
  });
});

describe("one text of several whose numbers are not finite", () => {
  const encoder = noDog("text_encoder.embeddings");

  test("fails alone with each image: match", async () => {
    await using one = await Matcher.load(nodePlatform, await models.without("match", encoder));
    await using whole = await Matcher.load(nodePlatform, models.tiny("match"));
    const texts = ["a cat", "a dog", "a tree"];
    const rows = await arrayOf(one.match([black, white], texts));
    const expected = await arrayOf(whole.match([black, white], texts));
    expectSame(
      rows,
      expected.map((row) => ("text" in row && row.text === "a dog" ? { error: { code } } : row)),
    );
    expect(rows[1]).toEqual(failed({ image: black, text: "a dog" }));
    expect(rows[4]).toEqual(failed({ image: white, text: "a dog" }));
  });

  test("fails its request, and no other: Batched", async () => {
    const model = await models.without("match", encoder);
    await using matcher = await Matcher.load(nodePlatform, model);
    await using embedder = await Embedder.load(nodePlatform, model);
    await using batched = new Batched({ matcher, embedder });
    const [cat, dog, word, bad] = await Promise.allSettled([
      batched.match(black, ["a cat"]),
      batched.match(black, ["a cat", "a dog"]),
      batched.embedText("a cat"),
      batched.embedText("a dog"),
    ]);
    expect([cat.status, word.status]).toEqual(["fulfilled", "fulfilled"]);
    for (const one of [dog, bad]) expect(one).toMatchObject({ status: "rejected", reason: { code } });
  });

  test("fails alone: embed, and with all states", async () => {
    await using one = await Embedder.load(nodePlatform, await models.without("match", encoder));
    for (const states of [false, true])
      expect(await arrayOf(one.embedTexts(["a cat", "a dog", "a tree"], { states }))).toMatchObject([
        { text: "a cat", embedding: expect.any(Array) as unknown },
        failed({ text: "a dog" }),
        { text: "a tree", embedding: expect.any(Array) as unknown },
      ]);
  });

  test("fails alone: retrieve, whether rows are texts or images", async () => {
    await using one = await Retriever.load(nodePlatform, await models.without("match", encoder));
    const texts = ["a cat", "a dog"];
    for (const k of [0, 8]) {
      expect(await arrayOf(one.byText([black, white], texts, { k }))).toMatchObject([
        { text: "a cat", hits: [{ image: expect.anything() as unknown }, {}] },
        failed({ text: "a dog" }),
      ]);
      const rows = await arrayOf(one.byImage([black, white], texts.toReversed(), { k }));
      expect(rows[0]).toEqual(failed({ text: "a dog" }));
      expect(rows.slice(1)).toMatchObject(
        [black, white].map((image) => ({ image, hits: [{ text: "a cat" }] })),
      );
      for (const row of rows.slice(1)) expect("hits" in row && row.hits.length).toBe(1);
    }
    expect(await arrayOf(one.byImage([black], ["a dog"]))).toEqual([failed({ text: "a dog" })]);
  });

  test("fails alone: a question", async () => {
    await using one = await Answerer.load(nodePlatform, await models.without("vqa", encoder));
    for (const answers of [undefined, ["cat", "tree"]]) {
      const rows = await arrayOf(one.ask([black, white], ["is there a cat", "is there a dog"], { answers }));
      expect(rows).toMatchObject([
        { image: black, question: "is there a cat", answer: expect.any(String) as string },
        failed({ image: black, question: "is there a dog" }),
        { image: white, question: "is there a cat" },
        failed({ image: white, question: "is there a dog" }),
      ]);
    }
  });

  test("fails alone: a statement", async () => {
    await using one = await Comparer.load(nodePlatform, await models.without("nlvr-original", encoder));
    expect(await arrayOf(one.compare([black, white], ["a cat", "a dog"]))).toMatchObject([
      { statement: "a cat", probability: expect.any(Number) as number },
      failed({ image: black, statement: "a dog" }),
    ]);
  });

  test("fails its image alone: a prompt, with beams too", async () => {
    // In this model, the word embeddings that are read differ from the matrix that chooses the next word.
    const model = await models.without("caption-4x", noDog("text_decoder.bert.embeddings"));
    await using one = await Captioner.load(nodePlatform, model);
    await using whole = await Captioner.load(nodePlatform, models.tiny("caption-4x"));
    const prompt = ["a cat", "a dog", "a tree"];
    for (const beams of [3, 1]) {
      // No caption contains "dog" itself.
      const options = { prompt, beams, maxLength: 6 };
      const expected = await arrayOf(whole.caption([black, white, black], options));
      const rows = await arrayOf(one.caption([black, white, black], options));
      expect(rows[1]).toEqual(failed({ image: white }));
      for (const index of [0, 2]) expectSame(rows[index], expected[index]);
    }
  });

  test("fails its image alone: an answer of a list", async () => {
    await using one = await Answerer.load(nodePlatform, await models.without("vqa", noThirdWord));
    const rank = (answers: string[]) => arrayOf(one.ask([black], ["is there a cat"], { answers }));
    expect(await rank(["a red cat", "cat"])).toEqual([failed({ image: black })]);
    expect(await rank(["red cat", "cat"])).toMatchObject([{ answer: expect.any(String) as string }]);
  });
});

describe("a head that gives no finite numbers", () => {
  test.each<[string, string, Damage]>([
    ["ITM", "itm_head.weight", { value: Infinity }],
    ["ITM", "itm_head.bias", { value: NaN, row: 1 }],
    ["the image's projection", "vision_proj.weight", { value: NaN, row: 0 }],
  ])("fails every row of match: %s (%s)", async (_, tensor, how) => {
    await using one = await Matcher.load(nodePlatform, await models.without("match", { [tensor]: how }));
    const rows = await arrayOf(one.match([black, white], ["a cat", "a dog"]));
    // One row for an image without any result.
    expect(rows).toEqual([black, white].map((image) => failed({ image })));
  });

  test("fails the rows of retrieve that were looked at again, and no others", async () => {
    const model = await models.without("match", { "itm_head.weight": { value: NaN } });
    await using one = await Retriever.load(nodePlatform, model);
    expect(await arrayOf(one.byText([black, white], ["a cat"]))).toEqual([failed({ text: "a cat" })]);
    expect(await arrayOf(one.byImage([black], ["a cat", "a dog"]))).toEqual([failed({ image: black })]);
    expect(await arrayOf(one.byText([black, white], ["a cat"], { k: 0 }))).toMatchObject([
      { hits: [{}, {}] },
    ]);
  });

  test("fails a scored caption, and not one that nobody scores", async () => {
    const model = await models.without("match", { "itm_head.weight": { value: NaN } });
    // Under hf the prompt is a part of the caption, so there is something to score.
    const [hf, prompt] = [{ compat: "hf" as const }, "a cat"];
    await using scored = await Captioner.load(nodePlatform, models.tiny("caption"), {
      ...hf,
      matchModel: model,
    });
    expect(await arrayOf(scored.caption([black, white], { prompt }))).toEqual(
      [black, white].map((image) => failed({ image })),
    );
    const matchModel = await models.blindToWhite("match");
    await using blind = await Captioner.load(nodePlatform, models.tiny("caption"), { ...hf, matchModel });
    expect(await arrayOf(blind.caption([black, white], { prompt }))).toMatchObject([
      { caption: expect.any(String) as string, match: expect.any(Number) as number },
      failed({ image: white }),
    ]);
  });

  test.each(["text_decoder.cls.predictions.bias", "text_decoder.cls.predictions.transform.dense.weight"])(
    "of captions fails every row, and what streams: %s",
    async (tensor) => {
      await using one = await Captioner.load(
        nodePlatform,
        await models.without("caption", { [tensor]: { value: NaN } }),
      );
      expect(await arrayOf(one.caption([black, white]))).toEqual(
        [black, white].map((image) => failed({ image })),
      );
      expect((await failureOf(() => arrayOf(one.stream(black)))).code).toBe(code);
    },
  );
});

test("an error of its own is no row's", async () => {
  // An error that ends a call must continue to end it.
  await using one = await Matcher.load(nodePlatform, models.tiny("match"));
  const error = await failureOf(() => arrayOf(one.match([black], [" "])));
  expect(error).not.toBeInstanceOf(ModelError);
});
