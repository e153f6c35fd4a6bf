// Every public call that takes options refuses one that it does not know, before anything is loaded or read. The API's
// snapshots say which calls those are, so that a new one cannot be forgotten here.
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { last, UsageError } from "@blip-ts/base";
import { arrayOf, failureOf } from "@blip-ts/testing";
import * as api from "../src/node.ts";
import * as training from "../src/train/node/index.ts";
import { fixture } from "./support/goldens.ts";

const quiet = { onWarning: () => undefined };
const tiny = (name: string) => fixture(`tiny/${name}`);
const bad = { colour: "red" } as never;

const load = async () => ({
  matcher: await api.Matcher.fromPretrained("picture-book", quiet),
  retriever: await api.Retriever.fromPretrained("picture-book", quiet),
  embedder: await api.Embedder.fromPretrained("picture-book", quiet),
  captioner: await api.Captioner.fromPretrained(tiny("caption"), quiet),
  answerer: await api.Answerer.fromPretrained(tiny("vqa"), quiet),
  comparer: await api.Comparer.fromPretrained(tiny("nlvr-original"), quiet),
  blip: await api.Blip.fromPretrained("picture-book", quiet),
  processor: await api.BlipProcessor.fromPretrained("picture-book", { ...quiet, task: "match" }),
  retrieval: await api.BlipForImageTextRetrieval.fromPretrained("picture-book", quiet),
  captions: await api.BlipForConditionalGeneration.fromPretrained(tiny("caption"), quiet),
  questions: await api.BlipForQuestionAnswering.fromPretrained(tiny("vqa"), quiet),
  reasoning: await api.BlipForNLVR.fromPretrained(tiny("nlvr-original"), quiet),
  features: await api.BlipModel.fromPretrained("picture-book", quiet),
});
let models: Awaited<ReturnType<typeof load>>;
let held: api.BlipImage;
const scene = fixture("../examples/scenes/01.png");
beforeAll(async () => {
  models = await load();
  held = await models.blip.image(scene);
}, 60_000);
afterAll(async () => {
  for (const model of Object.values(models)) if ("close" in model) await model.close();
});

const first = (rows: AsyncIterable<unknown>) => arrayOf(rows);
const none = undefined as never;
const batched = () => {
  const { matcher, captioner, answerer, embedder } = models;
  return new api.Batched({ matcher, captioner, answerer, embedder });
};
const batcher = () => new api.RequestBatcher(() => Promise.resolve([]));

/** By the names of the snapshots: a class's method after its class. */
const calls: Readonly<Record<string, () => unknown>> = {
  ...Object.fromEntries(
    [
      ...["Blip", "Matcher", "Captioner", "Answerer", "Comparer", "Embedder", "Retriever", "BlipProcessor"],
      ...["BlipForImageTextRetrieval", "BlipForConditionalGeneration", "BlipForQuestionAnswering"],
      ...["BlipForNLVR", "BlipModel"],
    ].map((name) => [
      `${name}.fromPretrained`,
      () => (api[name as "Matcher"] satisfies object).fromPretrained("nowhere", bad),
    ]),
  ),
  match: () => api.match([scene], ["x"], bad),
  caption: () => api.caption([scene], bad),
  ask: () => api.ask([scene], ["x"], bad),
  compare: () => api.compare([scene, scene], ["x"], bad),
  embed: () => api.embed([scene], ["x"], bad),
  retrieve: () => api.retrieve([scene], ["x"], bad),
  inspect: () => api.inspect("nowhere", bad),
  printTask: () => api.printTask("nowhere", "match", bad),
  convert: () => api.convert("nowhere", "out", bad),
  makeSuite: () => api.makeSuite([], "out", bad),
  exportOnnx: () => api.exportOnnx("nowhere", "out", bad),
  quantize: () => api.quantize("nowhere", "out", bad),
  verify: async () => first(api.verify("nowhere", bad)),
  verifyAll: () => api.verifyAll(bad),
  evaluate: () => api.evaluate("match", "nowhere", bad),
  "MatrixProduct.load": () => api.MatrixProduct.load(bad),
  "Matcher.match": () => first(models.matcher.match([scene], ["x"], bad)),
  "Matcher.rows": () => first(models.matcher.rows([], bad)),
  "Captioner.caption": () => first(models.captioner.caption([scene], bad)),
  "Captioner.stream": () => first(models.captioner.stream(scene, bad)),
  "Captioner.rows": () => first(models.captioner.rows([], bad)),
  "Answerer.ask": () => first(models.answerer.ask([scene], ["x"], bad)),
  "Answerer.rows": () => first(models.answerer.rows([], bad)),
  "Comparer.compare": () => first(models.comparer.compare([scene, scene], ["x"], bad)),
  "Comparer.rows": () => first(models.comparer.rows([], bad)),
  "Embedder.embedImages": () => first(models.embedder.embedImages([scene], bad)),
  "Embedder.embedTexts": () => first(models.embedder.embedTexts(["x"], bad)),
  "Embedder.rows": () => first(models.embedder.rows([], bad)),
  "Retriever.byText": () => first(models.retriever.byText([scene], ["x"], bad)),
  "Retriever.byImage": () => first(models.retriever.byImage([scene], ["x"], bad)),
  "Blip.image": () => models.blip.image(scene, bad),
  "Blip.match": () => first(models.blip.match([scene], ["x"], bad)),
  "Blip.embed": () => first(models.blip.embed([scene], ["x"], bad)),
  "Blip.retrieve": () => first(models.blip.retrieve([scene], ["x"], bad)),
  "Blip.matchRows": () => first(models.blip.matchRows([], bad)),
  "Blip.embedRows": () => first(models.blip.embedRows([], bad)),
  "BlipImage.match": () => held.match(["x"], bad),
  "BlipImage.caption": () => held.caption(bad),
  "BlipImage.ask": () => held.ask("x", bad),
  "BlipImage.embed": () => held.embed(bad),
  "ImageTextRetrieval.forward": () => models.retrieval.forward(none, bad),
  "ImageTextRetrieval.encodeImages": () => models.retrieval.encodeImages(none, bad),
  "ImageTextRetrieval.encodeTexts": () => models.retrieval.encodeTexts(none, bad),
  "ImageTextRetrieval.matchTexts": () => models.retrieval.matchTexts(none, none, bad),
  "ImageTextRetrieval.scoreTexts": () => models.retrieval.scoreTexts(none, none, bad),
  "ImageTextRetrieval.textFeatures": () => models.retrieval.textFeatures(none, bad),
  "ConditionalGeneration.forward": () => models.captions.forward(none, bad),
  "ConditionalGeneration.generate": () => models.captions.generate(none, bad),
  "ConditionalGeneration.stream": () => first(models.captions.stream(none, bad)),
  "QuestionAnswering.forward": () => models.questions.forward(none, bad),
  "QuestionAnswering.generate": () => models.questions.generate(none, bad),
  "QuestionAnswering.answer": () => models.questions.answer(none, bad),
  "QuestionAnswering.rank": () => models.questions.rank(none, [], bad),
  "QuestionAnswering.encodeQuestions": () => models.questions.encodeQuestions(none, bad),
  "NaturalLanguageVisualReasoning.forward": () => models.reasoning.forward(none, bad),
  "NaturalLanguageVisualReasoning.judge": () => models.reasoning.judge(none, none, bad),
  "FeatureExtraction.getImageFeatures": () => models.features.getImageFeatures(none, bad),
  "FeatureExtraction.getTextFeatures": () => models.features.getTextFeatures(none, bad),
  "FeatureExtraction.getMultimodalFeatures": () => models.features.getMultimodalFeatures(none, bad),
  "FeatureExtraction.readTexts": () => models.features.readTexts(none, bad),
  BlipProcessor: () => models.processor(scene, "x", bad),
  "BlipProcessor.textProcessor.encode": () => models.processor.textProcessor.encode(["x"], bad),
  Batched: () => new api.Batched({}, bad),
  "the models of Batched": () => new api.Batched(models.matcher as never),
  "Batched.match": () => batched().match(scene, ["x"], bad),
  "Batched.caption": () => batched().caption(scene, bad),
  "Batched.ask": () => batched().ask(scene, "x", bad),
  "Batched.embedImage": () => batched().embedImage(scene, bad),
  "Batched.embedText": () => batched().embedText("x", bad),
  "Batched.close": () => batched().close(bad),
  RequestBatcher: () => new api.RequestBatcher(none, bad),
  "RequestBatcher.submit": () => batcher().submit(1, "g", bad),
  "RequestBatcher.close": () => batcher().close(bad),
  createTrainingData: () => training.createTrainingData("match", "nowhere", bad),
  train: () => training.train("match", "nowhere", bad),
  capfilt: () => training.capfilt("nowhere", "out", bad),
  captionImages: () => first(training.captionImages([], bad)),
  filterPairs: () => first(training.filterPairs([], bad)),
  "TrainingData.batches": async () => {
    const list = fixture("datasets/lists/captions.csv");
    const reader = { imageRoot: fixture("datasets/images") };
    const data = await training.createTrainingData("caption", list, { batchSize: 1, workers: 0, reader });
    try {
      await data.batches(bad).next();
    } finally {
      await data.close();
    }
  },
};

describe("an unknown option is refused by name", () => {
  test.each(Object.keys(calls))("%s", async (name) => {
    const failure = await failureOf(() => Promise.resolve().then(() => calls[name]?.()));
    expect(failure).toBeInstanceOf(UsageError);
    expect(failure.code).toBe("usage/unknown-option");
    const option = name === "the models of Batched" ? "model" : "colour";
    expect(failure.message).toContain(`: expected options that it takes, got "${option}".`);
  });
});

/** Calls that are no one's to make from outside, or that only pass their options on to one that is tried here. */
const notTried: readonly RegExp[] = [
  /^\w+\.(?:load|over|check|checkOptions|answer|answerEach|rankEach|readImage|see|captionsOf)$/,
  /^\w+\.(?:probabilities|probabilitiesOf|scorePairs|questionStates|crossAttend)$/,
  // Of a model of one file and of several: those of the verbs.
  /^Blip\.(?:caption|ask|compare|captionRows|askRows|compareRows)$/,
  // What platforms and engines of one's own are asked.
  /^(?:Platform|EnginePlatform|Engine|EngineSession|MatrixProduct|Pretrained)\./,
  /^createApi$/,
];

test("no call of the API that takes options is left out", async () => {
  const missing: string[] = [];
  for (const entry of ["node", "platform", "train"]) {
    const text = await readFile(new URL(`__snapshots__/api/${entry}.txt`, import.meta.url), "utf8");
    const owners: string[] = [];
    for (const line of text.split("\n")) {
      const owner = /^(?:class|interface) (\w+)/.exec(line)?.[1];
      if (owner !== undefined) owners.push(owner);
      const [, isMember, name = ""] =
        /^(  (?:static )?|(?:function|const) )(\w+): .*\b\w*[oO]ptions\??: .*=>/.exec(line) ?? [];
      if (isMember === undefined) continue;
      const call = isMember.startsWith(" ") ? `${last(owners)}.${name}` : name;
      if (!(call in calls) && !notTried.some((pattern) => pattern.test(call))) missing.push(call);
    }
  }
  expect([...new Set(missing)]).toEqual([]);
});

test.each<[string, () => unknown, string]>([
  ["match without texts", () => api.match([scene], none), "texts: expected a list of texts, got nothing"],
  [
    "a number for a model",
    () => api.Matcher.fromPretrained(7 as never),
    "fromPretrained's model: expected a text",
  ],
  ["no model", () => api.inspect(none), "inspect's model: expected a text"],
  [
    "no options",
    () => api.quantize("nowhere", "out", none),
    "quantize's options: expected an object, got nothing",
  ],
  ["no folder", () => api.convert("nowhere", none), "folder: expected a text, got nothing"],
  ["parts that are none", () => api.makeSuite(7 as never, "out"), "parts: expected a list of parts, got 7"],
  ["a number for an image", () => api.match([7 as never], ["x"]), "images[0]: expected an image"],
  ["a number for one of images", () => first(models.matcher.match([scene, 7 as never], ["x"])), "images[1]"],
  ["nothing for an image", () => first(models.captioner.caption([none])), "images[0]"],
  [
    "one image to compare",
    () => first(models.comparer.compare([scene] as never, ["x"])),
    "a left and a right",
  ],
  ["an image to compare", () => first(models.comparer.compare(scene as never, ["x"])), "a list of images"],
  [
    "a path for Blip's images",
    async () => first(models.blip.match(scene as never, ["x"])),
    "a list of images",
  ],
  ["a number to a processor", () => models.processor(7 as never), "images[0]"],
  ["a number in a queue", () => batched().match(7 as never, ["x"]), "images[0]"],
  ["no rows", () => first(models.matcher.rows(none)), "rows: expected a list of rows"],
  ["options for texts", () => api.match([scene], {} as never), "texts: expected a list of texts, got {}"],
  [
    "a word for whenFull",
    () => batched().match(scene, ["x"], { whenFull: "drop" as never }),
    "reject or wait",
  ],
])("wrong arguments are refused: %s", async (_, call, says) => {
  const failure = await failureOf(() => Promise.resolve().then(call));
  expect(failure).toBeInstanceOf(UsageError);
  expect(failure.message).toContain(says);
});

test("of rows, one whose image is a number fails alone", async () => {
  const rows = [
    { image: 7 as never, text: "x" },
    { image: scene, text: "x" },
  ];
  const answers = await arrayOf(models.matcher.rows(rows));
  expect(answers.map((row) => "error" in row)).toEqual([true, false]);
});
