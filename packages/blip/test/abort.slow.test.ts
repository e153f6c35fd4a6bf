// Signals: whatever takes one is stopped by it before, and at every step of, what it does; nothing stays open or behind.
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closedBy } from "@blip-ts/base";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixture } from "./support/goldens.ts";
import { plainModel } from "./support/plain-model.ts";
import type { ImageInput } from "../src/platform/node/decode-image.ts";
import { nodePlatform } from "../src/platform/node/node-platform.ts";
import type { Platform } from "../src/platform.ts";
import { Answerer } from "../src/verbs/ask.ts";
import { Batched } from "../src/serve/batched.ts";
import { Captioner } from "../src/verbs/caption.ts";
import { Comparer } from "../src/verbs/compare.ts";
import { ConditionalGeneration } from "../src/classes/conditional-generation.ts";
import { Embedder } from "../src/verbs/embed.ts";
import { exportOnnx } from "../src/tools/export/export-onnx.ts";
import { FeatureExtraction } from "../src/classes/model.ts";
import { ImageTextRetrieval } from "../src/classes/image-text-retrieval.ts";
import { inspect, printTask } from "../src/tools/inspect.ts";
import { Matcher } from "../src/verbs/match.ts";
import { MatrixProduct } from "@blip-ts/engine";
import { NaturalLanguageVisualReasoning } from "../src/classes/nlvr.ts";
import { loadProcessor } from "../src/processor/processor.ts";
import type { Sample } from "../src/tools/verify/published-samples.ts";
import { quantize } from "../src/tools/quantize.ts";
import { QuestionAnswering } from "../src/classes/question-answering.ts";
import { Retriever } from "../src/verbs/retrieve.ts";
import { convert } from "../src/tools/convert.ts";
import { verify } from "../src/tools/verify/verify.ts";

const scene = fixture("../examples/scenes/01.png");
const [match = "", caption = "", vqa = "", nlvr = ""] = ["match", "caption", "vqa", "nlvr-original"].map(
  (name) => fixture(`tiny/${name}`),
);

/** Node's platform that tells of each step before it is made, and counts the engines that are open. */
function watched(onStep: () => void) {
  const engines = { open: 0 };
  const step = <T>(work: () => T): T => {
    onStep();
    return work();
  };
  const platform: Platform<ImageInput> = {
    ...nodePlatform,
    async openModel(source, options) {
      const files = plainModel(await step(() => nodePlatform.openModel(source, options)));
      const { weights } = files;
      if (weights.kind !== "single") throw new Error("a model of one file was expected");
      const own = weights.source;
      const read: typeof own.read = (offset, length) => step(() => own.read(offset, length));
      return {
        ...files,
        weights: { kind: "single", source: { ...own, read } },
        read: (file) => step(() => files.read(file)),
      };
    },
    bundledVocabulary: () => step(() => nodePlatform.bundledVocabulary()),
    deriveWeights: (weights, renew) => step(() => nodePlatform.deriveWeights(weights, renew)),
    createEngine(options) {
      const engine = step(() => nodePlatform.createEngine(options));
      engines.open++;
      let closed = false;
      return {
        createSession: (model, form) => engine.createSession(model, form),
        ...closedBy(async () => {
          if (!closed) engines.open--;
          closed = true;
          await engine.close();
        }),
      };
    },
    async createFolder(path) {
      const writer = await step(() => nodePlatform.createFolder(path));
      return {
        write: (file, content) => step(() => writer.write(file, content)),
        commit: () => writer.commit(),
        ...closedBy(() => writer.close()),
      };
    },
  };
  return { platform, engines };
}

interface Given {
  readonly signal: AbortSignal;
  readonly onWarning: () => void;
}

type Run = (platform: Platform<ImageInput>, folder: string, given: Given) => Promise<unknown>;

const loads: Readonly<Record<string, Run>> = {
  Matcher: (platform, _, given) => Matcher.load(platform, match, given),
  "Matcher in half precision": (platform, _, given) =>
    Matcher.load(platform, match, { ...given, dtype: "fp16" }),
  "Matcher in 8 bits": (platform, _, given) => Matcher.load(platform, match, { ...given, dtype: "int8" }),
  "Captioner with another model's scores": (platform, _, given) =>
    Captioner.load(platform, caption, { ...given, matchModel: match }),
  "Captioner within a bound of memory": (platform, _, given) =>
    Captioner.load(platform, caption, { ...given, matchModel: match, memory: 4000 }),
  Answerer: (platform, _, given) => Answerer.load(platform, vqa, given),
  Comparer: (platform, _, given) => Comparer.load(platform, nlvr, given),
  Embedder: (platform, _, given) => Embedder.load(platform, match, given),
  Retriever: (platform, _, given) => Retriever.load(platform, match, given),
  BlipForImageTextRetrieval: (platform, _, given) => ImageTextRetrieval.load(platform, match, given),
  BlipForConditionalGeneration: (platform, _, given) => ConditionalGeneration.load(platform, caption, given),
  BlipForQuestionAnswering: (platform, _, given) => QuestionAnswering.load(platform, vqa, given),
  BlipForNLVR: (platform, _, given) => NaturalLanguageVisualReasoning.load(platform, nlvr, given),
  BlipModel: (platform, _, given) => FeatureExtraction.load(platform, match, given),
  BlipProcessor: (platform, _, given) => loadProcessor(platform, match, given),
  inspect: (platform, _, given) => inspect(platform, match, given),
  printTask: (platform, _, given) => printTask(platform, match, "match", given),
  convert: (platform, folder, given) => convert(platform, match, folder, given),
  "quantize to halves": (platform, folder, given) =>
    quantize(platform, match, folder, { ...given, dtype: "fp16" }),
  "quantize to 8 bits": (platform, folder, given) =>
    quantize(platform, match, folder, { ...given, dtype: "int8" }),
  exportOnnx: (platform, folder, given) => exportOnnx(platform, match, folder, { ...given, task: "match" }),
  "exportOnnx with weights inside, in 8 bits": (platform, folder, given) =>
    exportOnnx(platform, match, folder, { ...given, task: "match", selfContained: true, dtype: "int8" }),
};

const isOpen = (value: unknown): value is AsyncDisposable =>
  typeof value === "object" && value !== null && Symbol.asyncDispose in value;

let home = "";
let before: string | undefined;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "blip-abort-"));
  before = process.env.HF_HOME;
});
afterAll(async () => {
  if (before === undefined) delete process.env.HF_HOME;
  else process.env.HF_HOME = before;
  await rm(home, { recursive: true });
});

/** Weights that were converted whole, which are kept, with their notes. */
const kept = /^(?:float16|int8)-[0-9a-f]{32}\.safetensors(?:\.json)?$/;

/** All files below a folder that are not kept. */
const filesIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && !kept.test(entry.name))
    .map(({ name }) => name);

/** Runs with a signal that is aborted at a step, the first of which is 1; 0 is before all, undefined never. */
async function stopped(run: Run, at: number | undefined) {
  // Weights are converted each time.
  const place = await mkdtemp(join(home, "run-"));
  process.env.HF_HOME = join(place, "cache");
  const controller = new AbortController();
  let steps = 0;
  let settled = false;
  const { platform, engines } = watched(() => {
    // What a model does when it is loaded is another matter.
    if (!settled && ++steps === at) controller.abort();
  });
  if (at === 0) controller.abort();
  const { signal } = controller;
  const result = await run(platform, join(place, "out"), { signal, onWarning: () => undefined }).then(
    (value) => ({ value, reason: undefined }),
    (reason: unknown) => ({ value: undefined, reason }),
  );
  settled = true;
  const reason: unknown = signal.reason;
  const open = engines.open;
  if (isOpen(result.value)) await result.value[Symbol.asyncDispose]();
  const files = await filesIn(place);
  await rm(place, { recursive: true });
  return { ...result, steps, open, files, expected: reason };
}

/** The first steps, the last ones, and some of the many that read weights. */
const some = (steps: number): number[] =>
  Array.from({ length: steps + 1 }, (_, at) => at).filter(
    (at) => at < 4 || at > steps - 4 || at % Math.ceil(steps / 8) === 0,
  );

describe("a local model", () => {
  test.each(Object.entries(loads))(
    "%s ends with the signal's reason at any step",
    async (_name, run) => {
      const { steps, reason } = await stopped(run, undefined);
      expect(reason).toBeUndefined();
      expect(steps).toBeGreaterThan(2);
      for (const at of some(steps)) {
        const found = await stopped(run, at);
        // Two runs may read in a few steps more or fewer: one that ended before the step was not aborted.
        if (found.steps < at) {
          expect(found.reason, `a load of ${found.steps} steps`).toBeUndefined();
          expect(at, `a load of ${found.steps} steps`).toBeGreaterThan(steps - 4);
          continue;
        }
        expect(found, `step ${at} of ${steps}`).toMatchObject({ value: undefined, open: 0, files: [] });
        expect(found.expected, `step ${at} of ${steps}`).toBeInstanceOf(DOMException);
        expect(found.reason, `step ${at} of ${steps}`).toBe(found.expected);
      }
    },
    60_000,
  );

  test("ends with a reason of the caller's own", async () => {
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    await expect(Matcher.load(nodePlatform, "picture-book", { signal })).rejects.toBe(reason);
    await expect(loadProcessor(nodePlatform, "picture-book", { signal })).rejects.toBe(reason);
    await expect(inspect(nodePlatform, "picture-book", { signal })).rejects.toBe(reason);
  });

  test("ends as soon as the signal is aborted, whenever that is", async () => {
    const ends = { aborted: 0, loaded: 0 };
    for (let turns = 0; turns < 40 && ends.loaded === 0; turns++) {
      const controller = new AbortController();
      const { signal } = controller;
      // Whether it was in time shows at the moment at which the promise is settled.
      const load = Matcher.load(nodePlatform, "picture-book", { signal }).then(
        async (matcher) => {
          expect(signal.aborted).toBe(false);
          await matcher[Symbol.asyncDispose]();
          ends.loaded++;
        },
        (reason: unknown) => {
          expect(reason).toBe(signal.reason);
          ends.aborted++;
        },
      );
      for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
      controller.abort();
      await load;
    }
    expect(ends.aborted).toBeGreaterThan(3);
  });
});

async function all<Row>(rows: AsyncIterable<Row>): Promise<Row[]> {
  const list: Row[] = [];
  for await (const row of rows) list.push(row);
  return list;
}

const sampleOf = (expected: Sample["expected"]): Sample => ({
  ...{ models: ["stand-in"], image: "scene", compat: "hf", source: "here" },
  expected,
});

describe("a call", async () => {
  const [matcher, captioner, answerer, comparer, embedder, retriever, processor] = await Promise.all([
    Matcher.load<ImageInput>(nodePlatform, match),
    Captioner.load<ImageInput>(nodePlatform, caption),
    Answerer.load<ImageInput>(nodePlatform, vqa),
    Comparer.load<ImageInput>(nodePlatform, nlvr),
    Embedder.load<ImageInput>(nodePlatform, match),
    Retriever.load<ImageInput>(nodePlatform, match),
    loadProcessor<ImageInput>(nodePlatform, match),
  ]);
  const batched = new Batched<ImageInput>({ matcher, captioner, answerer, embedder });
  const product = await MatrixProduct.load(nodePlatform, { rows: 2, inner: 8, columns: 8, count: 1 });
  afterAll(async () => {
    await batched.close();
    for (const one of [matcher, captioner, answerer, comparer, embedder, retriever, product])
      await one[Symbol.asyncDispose]();
  });
  const side = matcher.model.config.vision.imageSize;
  const pixelValues = {
    ...{ dtype: "float32" as const, dims: [1, 3, side, side] },
    data: new Float32Array(3 * side * side),
  };
  const texts = matcher.processors.texts.encode(["a dog"]);
  const two = { ...pixelValues, dims: [2, 3, side, side], data: new Float32Array(6 * side * side) };
  const samples = [
    sampleOf({ task: "match", text: "a dog", probability: [0, 1], cosine: [0, 1] }),
    sampleOf({ task: "embed", text: "a dog", cosine: [0, 1] }),
  ];
  const verified = (signal: AbortSignal) =>
    verify<ImageInput>(nodePlatform, match, (place) => place, {
      ...{ samples, as: "stand-in", signal },
      imageOf: () => Promise.resolve(scene),
    });

  type Call = (signal: AbortSignal) => Promise<unknown>;
  const calls: Readonly<Record<string, Call>> = {
    match: (signal) => all(matcher.match([scene], ["a dog"], { signal })),
    caption: (signal) => all(captioner.caption([scene], { signal })),
    "stream of a caption": (signal) => all(captioner.stream(scene, { signal })),
    ask: (signal) => all(answerer.ask([scene], ["what is it?"], { signal })),
    "ask of a list": (signal) => all(answerer.ask([scene], ["what is it?"], { answers: ["a dog"], signal })),
    compare: (signal) => all(comparer.compare([scene, scene], ["a dog"], { signal })),
    embedImages: (signal) => all(embedder.embedImages([scene], { signal })),
    embedTexts: (signal) => all(embedder.embedTexts(["a dog"], { signal })),
    byText: (signal) => all(retriever.byText([scene], ["a dog"], { signal })),
    byImage: (signal) => all(retriever.byImage([scene], ["a dog"], { signal })),
    "rows of match": (signal) => all(matcher.rows([{ image: scene, text: "a dog" }], { signal })),
    "rows of caption": (signal) => all(captioner.rows([{ image: scene }], { signal })),
    "rows of ask": (signal) => all(answerer.rows([{ image: scene, question: "what is it?" }], { signal })),
    "rows of compare": (signal) =>
      all(comparer.rows([{ images: [scene, scene], statement: "a dog" }], { signal })),
    "rows of embed": (signal) => all(embedder.rows([{ image: scene }, { text: "a dog" }], { signal })),
    processor: (signal) => processor(scene, "a dog", { signal }),
    "Batched match": (signal) => batched.match(scene, ["a dog"], { signal }),
    "Batched caption": (signal) => batched.caption(scene, { signal }),
    "Batched ask": (signal) => batched.ask(scene, "what is it?", { signal }),
    "Batched embedImage": (signal) => batched.embedImage(scene, { signal }),
    "Batched embedText": (signal) => batched.embedText("a dog", { signal }),
    encodeImages: (signal) => matcher.model.encodeImages(pixelValues, { signal }),
    encodeTexts: (signal) => matcher.model.encodeTexts(texts, { signal }),
    forward: (signal) => matcher.model.forward({ pixelValues, ...texts }, { signal }),
    generate: (signal) => captioner.model.generate({ pixelValues }, { signal }),
    judge: (signal) => comparer.model.judge(two, texts, { signal }),
    getImageFeatures: (signal) => embedder.model.getImageFeatures(pixelValues, { signal }),
    getTextFeatures: (signal) => embedder.model.getTextFeatures(texts, { signal }),
    getMultimodalFeatures: (signal) =>
      embedder.model.getMultimodalFeatures({ pixelValues, ...texts }, { signal }),
    "run of a matrix product": (signal) => product.run({ signal }),
    verify: (signal) => all(verified(signal)),
  };

  test.each(Object.entries(calls))("%s ends with the reason of a signal that is aborted", async (_, call) => {
    const signal = AbortSignal.abort();
    await expect(call(signal)).rejects.toBe(signal.reason);
  });

  test.each(Object.entries(calls))("%s ends while it runs", async (_, call) => {
    const controller = new AbortController();
    const running = call(controller.signal);
    controller.abort();
    await expect(running).rejects.toBe(controller.signal.reason);
  });

  test("verify ends between its samples", async () => {
    const controller = new AbortController();
    const rows = verified(controller.signal);
    expect((await rows.next()).value).toMatchObject({ found: expect.any(String) as string });
    controller.abort();
    await expect(rows.next()).rejects.toBe(controller.signal.reason);
  });
});
