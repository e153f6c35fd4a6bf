// The pixel limit, wherever images are read: in a processor, a model, one call, and requests.
import { expect, test } from "vitest";
import { arrayOf, failureOf } from "@blip-ts/testing";
import { fixture } from "../../test/support/goldens.ts";
import { createApi } from "../create-api.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import { Batched } from "../serve/batched.ts";

const { BlipProcessor, Matcher, Captioner, Answerer, Comparer, Embedder, Retriever, match } = createApi(
  nodePlatform,
  (path) => path,
);
/** 53 x 37 pixels. */
const image = fixture("images/odd-444.jpg");
const area = 53 * 37;
const refused = (row: object) =>
  expect(row).toMatchObject({
    image,
    error: { code: "image/too-large", message: expect.stringContaining("maxPixels") as string },
  });
const tiny = (name: string) => fixture(`tiny/${name}`);
const low = { maxPixels: area - 1 };
const enough = { maxPixels: area };

test("a processor refuses an image that is larger than it, or its call, was told", async () => {
  const processor = await BlipProcessor.fromPretrained(tiny("match"), low);
  expect(await failureOf(() => processor(image))).toMatchObject({ code: "image/too-large" });
  expect((await processor(image, undefined, enough)).pixelValues.dims[0]).toBe(1);
  const plain = await BlipProcessor.fromPretrained(tiny("match"));
  expect(await failureOf(() => plain(image, undefined, low))).toMatchObject({ code: "image/too-large" });
});

test("every verb's model refuses it in its row, and one call of it may be told another limit", async () => {
  await using matcher = await Matcher.fromPretrained(tiny("match"), low);
  refused((await arrayOf(matcher.match([image], ["a"])))[0] ?? {});
  expect(await arrayOf(matcher.match([image], ["a"], enough))).toMatchObject([{ text: "a" }]);
  await using captioner = await Captioner.fromPretrained(tiny("caption"), low);
  refused((await arrayOf(captioner.caption([image])))[0] ?? {});
  expect(await failureOf(() => arrayOf(captioner.stream(image)))).toMatchObject({ code: "image/too-large" });
  await using answerer = await Answerer.fromPretrained(tiny("vqa"), low);
  refused((await arrayOf(answerer.ask([image], ["what?"])))[0] ?? {});
  await using comparer = await Comparer.fromPretrained(tiny("nlvr-original"), low);
  refused((await arrayOf(comparer.compare([image, image], ["a"])))[0] ?? {});
  expect(await arrayOf(comparer.compare([image, image], ["a"], enough))).toHaveLength(1);
  await using embedder = await Embedder.fromPretrained(tiny("match"), low);
  refused((await arrayOf(embedder.embedImages([image])))[0] ?? {});
  await using retriever = await Retriever.fromPretrained(tiny("match"), low);
  refused((await arrayOf(retriever.byText([image], ["a"])))[0] ?? {});
  expect(await arrayOf(retriever.byText([image], ["a"], enough))).toHaveLength(1);
});

test("a function takes it with its other options", async () => {
  refused((await match([image], ["a"], { model: tiny("match"), ...low }))[0] ?? {});
});

test("requests of many callers are held to the limit of their batcher, also while one is read ahead", async () => {
  await using matcher = await Matcher.fromPretrained(tiny("match"));
  await using strict = new Batched({ matcher }, { ...low, maxBatch: 1 });
  const found = await Promise.allSettled([1, 2, 3].map((number) => strict.match(image, [`text ${number}`])));
  for (const one of found)
    expect(one).toMatchObject({ status: "rejected", reason: { code: "image/too-large" } });
  await using batched = new Batched({ matcher }, enough);
  expect(await batched.match(image, ["a"])).toHaveLength(1);
});

test.each([0, -1, 1.5, NaN, "9" as unknown as number])("%s is no limit", async (maxPixels) => {
  const wrong = { code: "usage/bad-option", message: expect.stringContaining("maxPixels") as string };
  const load = () => BlipProcessor.fromPretrained(tiny("match"), { maxPixels });
  expect(await failureOf(load)).toMatchObject(wrong);
  const loadModel = () => Matcher.fromPretrained(tiny("match"), { maxPixels });
  expect(await failureOf(loadModel)).toMatchObject(wrong);
  await using matcher = await Matcher.fromPretrained(tiny("match"));
  expect(await failureOf(() => arrayOf(matcher.match([image], ["a"], { maxPixels })))).toMatchObject(wrong);
  expect(() => new Batched({ matcher }, { maxPixels })).toThrow(/maxPixels/);
});
