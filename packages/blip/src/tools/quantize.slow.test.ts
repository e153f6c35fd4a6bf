// Networks in other types: the distance of their results from float32's, equal results from folders and kept weights,
// and refused calls. Every task runs in both types.
import { cp, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Tensor } from "@blip-ts/graph";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { failureOf } from "@blip-ts/testing";
import { fixture } from "../../test/support/goldens.ts";
import type { CrossAttentionForm } from "../model/encoders.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import type { DownloadProgress } from "../files.ts";
import { ConditionalGeneration } from "../classes/conditional-generation.ts";
import { FeatureExtraction } from "../classes/model.ts";
import { ImageTextRetrieval } from "../classes/image-text-retrieval.ts";
import { inspect, printTask } from "./inspect.ts";
import { Matcher, probabilityOf } from "../verbs/match.ts";
import type { ModelOptions } from "../load/model-options.ts";
import { NaturalLanguageVisualReasoning } from "../classes/nlvr.ts";
import { quantize } from "./quantize.ts";
import { QuestionAnswering } from "../classes/question-answering.ts";
import { convert } from "./convert.ts";
import { textRows, trimmed } from "../run/text-batches.ts";

let root = "";
const home = process.env.HF_HOME;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-quantize-"));
  process.env.HF_HOME = join(root, "home");
});
afterAll(async () => {
  if (home === undefined) delete process.env.HF_HOME;
  else process.env.HF_HOME = home;
  await rm(root, { recursive: true, force: true });
});

const quiet: ModelOptions = { onWarning: () => undefined };
const tensor = (dims: readonly number[]): Tensor<"float32"> => ({
  dtype: "float32",
  dims,
  data: Float32Array.from(
    { length: dims.reduce((a, b) => a * b, 1) },
    (_, index) => Math.sin(index * 12.9898) * 2,
  ),
});
const ids = (...rows: number[][]): Tensor<"int64"> => ({
  dtype: "int64",
  dims: [rows.length, rows[0]?.length ?? 0],
  data: BigInt64Array.from(rows.flat(), BigInt),
});
const inputIds = ids([1, 7, 9, 11, 3], [1, 8, 10, 12, 3]);

/** The results of a task's model, as one list. */
const outputs: Readonly<
  Record<string, (model: string, options: ModelOptions) => Promise<readonly Float32Array[]>>
> = {
  async match(source, options) {
    await using model = await ImageTextRetrieval.load(nodePlatform, source, options);
    const pixelValues = tensor([2, 3, model.loaded.imageSize, model.loaded.imageSize]);
    const { itmScore } = await model.forward({ pixelValues, inputIds });
    const cosine = await model.forward({ pixelValues, inputIds }, { useItmHead: false });
    return [itmScore.data, cosine.itmScore.data];
  },
  async caption(source, options) {
    await using model = await ConditionalGeneration.load(nodePlatform, source, options);
    const side = model.loaded.imageSize;
    const { logits } = await model.forward({ pixelValues: tensor([2, 3, side, side]), inputIds });
    const [first] = await model.generate(
      { pixelValues: tensor([1, 3, side, side]) },
      { maxNewTokens: 4, beams: 2 },
    );
    return [logits.data, Float32Array.of(first?.[0]?.score ?? NaN)];
  },
  async ask(source, options) {
    await using model = await QuestionAnswering.load(nodePlatform, source, options);
    const side = model.loaded.imageSize;
    const rows = await model.generate(
      { pixelValues: tensor([2, 3, side, side]), inputIds },
      { maxNewTokens: 3 },
    );
    return [Float32Array.from(rows.flat(), ({ score }) => score)];
  },
  async compare(source, options) {
    await using model = await NaturalLanguageVisualReasoning.load(nodePlatform, source, options);
    const side = model.loaded.imageSize;
    const { logits } = await model.forward({ pixelValues: tensor([4, 3, side, side]), inputIds });
    return [logits.data];
  },
  async embed(source, options) {
    await using model = await FeatureExtraction.load(nodePlatform, source, options);
    const side = model.loaded.imageSize;
    const found = await model.getImageFeatures(tensor([2, 3, side, side]));
    return [found.projections.data, found.features.data];
  },
};

function largestDifference(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  expect(b.map(({ length }) => length)).toEqual(a.map(({ length }) => length));
  return Math.max(
    ...a.flatMap((list, index) =>
      Array.from(list, (value, place) => Math.abs(value - (b[index]?.[place] ?? NaN))),
    ),
  );
}

const largestOf = (lists: readonly Float32Array[]): number =>
  Math.max(...lists.flatMap((list) => Array.from(list, Math.abs)));

const cases: readonly (readonly [model: string, task: string])[] = [
  ["match-bf16", "match"],
  ["match-sharded", "match"],
  ["caption", "caption"],
  ["pretrain-original", "caption"],
  ["vqa", "ask"],
  ["nlvr-original", "compare"],
  ["model", "embed"],
];

describe.each(cases)("%s (%s)", (model, task) => {
  test.each(["int8", "fp16"] as const)(
    "in %s: near float32, and the same from the folder that quantize writes",
    async (dtype) => {
      const run = outputs[task];
      if (!run) throw new Error(task);
      const source = fixture(`tiny/${model}`);
      const plain = await run(source, quiet);
      const converted = await run(source, { ...quiet, dtype });
      const difference = largestDifference(plain, converted) / largestOf(plain);
      expect(difference).toBeGreaterThan(0);
      // Rounding errors of 1/254 (2^-12) per number, in sums over only 32 numbers, through two to four random layers.
      expect(difference).toBeLessThan(dtype === "int8" ? 0.06 : 0.004);
      const folder = join(root, `${model}-${dtype}`);
      await quantize(nodePlatform, source, folder, { ...quiet, dtype, task });
      const fromFolder = await run(folder, dtype === "fp16" ? { ...quiet, dtype } : quiet);
      expect(largestDifference(converted, fromFolder)).toBe(0);
    },
  );
});

describe("a quantized folder", () => {
  let folder = "";
  beforeAll(async () => {
    folder = join(root, "picture-book");
    await quantize(nodePlatform, fixture("tiny/match"), folder, { ...quiet, dtype: "int8" });
  });

  test("is what inspect says it is, down to the graph", async () => {
    const [found, original] = await Promise.all([
      inspect(nodePlatform, folder, quiet),
      inspect(nodePlatform, fixture("tiny/match"), quiet),
    ]);
    expect([found.weights, original.weights]).toEqual(["int8", "float32"]);
    expect(found).toEqual({ ...original, weights: "int8" });
    const printed = await printTask(nodePlatform, folder, "match", quiet);
    expect(printed).toBe(
      await printTask(nodePlatform, fixture("tiny/match"), "match", { ...quiet, dtype: "int8" }),
    );
    const count = (text: string) => printed.split(text).length - 1;
    // Images use one scale for all rows, texts one per row; heads and projections are not converted.
    expect(count("activations=tensor")).toBeGreaterThan(0);
    expect(count("activations=row")).toBeGreaterThan(0);
    // Two projections, and the ITM head in each of the two forms.
    expect(printed.match(/= linear\(.*/g)?.length).toBe(4);
  });

  test("says its type in config.json, which transformers refuses", async () => {
    expect(JSON.parse(await readFile(join(folder, "config.json"), "utf8"))).toMatchObject({ dtype: "int8" });
  });

  test("is refused in another type, and is not written in another form", async () => {
    for (const dtype of ["fp32", "fp16"] as const) {
      const load = () => ImageTextRetrieval.load(nodePlatform, folder, { ...quiet, dtype });
      expect(await failureOf(load)).toMatchObject({ code: "usage/dtype", fields: { asked: dtype } });
    }
    const again = () => convert(nodePlatform, folder, join(root, "again"), quiet);
    expect(await failureOf(again)).toMatchObject({ code: "save/quantized" });
  });

  test("that lost its scales is refused before anything is loaded", async () => {
    const damaged = join(root, "damaged");
    await cp(folder, damaged, { recursive: true });
    const file = join(damaged, "model.safetensors");
    const bytes = await readFile(file);
    const place = bytes.indexOf("mlp.fc1.weight.scale");
    bytes.write("mlp.fc1.weight.scalf", place);
    await writeFile(file, bytes);
    const failure = await failureOf(() => ImageTextRetrieval.load(nodePlatform, damaged, quiet));
    expect(failure.code).toBe("checkpoint/quantized");
    expect(failure.message).toMatch(/mlp\.fc1\.weight.*its scales \(\.scale\) are missing/);
  });
});

describe("kept weights", () => {
  test("are made once, and made anew where they are damaged", async () => {
    const source = fixture("tiny/match");
    const events: DownloadProgress[] = [];
    const run = () =>
      outputs.match?.(source, { ...quiet, dtype: "int8", onProgress: (event) => void events.push(event) });
    const kept = join(root, "home", "blip-ts");
    await rm(kept, { recursive: true, force: true });
    const first = await run();
    expect(events.at(-1)).toMatchObject({ kind: "convert", loaded: events.at(-1)?.total });
    const made = events.length;
    await run();
    expect(events).toHaveLength(made);
    const names = await readdir(kept, { recursive: true });
    const file = join(kept, names.find((name) => name.endsWith(".safetensors")) ?? "");
    await writeFile(file, (await readFile(file)).subarray(0, 200));
    expect(await run()).toEqual(first);
    expect(events).toHaveLength(2 * made);
  });

  test("are made anew for another header in a file of the same size and time", async () => {
    const model = join(root, "renamed");
    await cp(fixture("tiny/match"), model, { recursive: true });
    const file = join(model, "model.safetensors");
    let converted = 0;
    const onProgress = () => {
      converted++;
    };
    const run = async () => {
      await utimes(file, new Date(1e12), new Date(1e12));
      return outputs.match?.(model, { ...quiet, dtype: "int8", onProgress });
    };
    const before = await run();
    const made = converted;
    // Swap the names of two matrices of the same shape.
    const bytes = await readFile(file);
    const end = 8 + Number(bytes.readBigUInt64LE());
    const matrix = (layer: number) => `text_encoder.encoder.layer.${layer}.intermediate.dense.weight`;
    const header = bytes.toString("utf8", 8, end);
    expect(header).toContain(matrix(1));
    bytes.write(
      header.replace(matrix(0), "first").replace(matrix(1), matrix(0)).replace("first", matrix(1)),
      8,
    );
    await writeFile(file, bytes);
    expect(await run()).not.toEqual(before);
    expect(converted).toBe(2 * made);
  });

  test("are used from memory where they cannot be kept", async () => {
    const run = () => outputs.match?.(fixture("tiny/match"), { ...quiet, dtype: "int8" });
    const kept = await run();
    const before = process.env.HF_HOME;
    process.env.HF_HOME = fixture("tiny/match/config.json");
    try {
      expect(await run()).toEqual(kept);
    } finally {
      process.env.HF_HOME = before;
    }
  });
});

describe("8 bits move an ITM probability of the embedded model by at most 0.05", () => {
  /** The probabilities of every example scene with every sentence, 288 pairs, in one form of cross-attention. */
  async function probabilities(dtype: "fp32" | "int8", form: CrossAttentionForm): Promise<number[]> {
    const folder = fixture("../examples/scenes");
    const scenes = JSON.parse(await readFile(join(folder, "scenes.json"), "utf8")) as readonly {
      readonly image: string;
      readonly true: string;
      readonly false: string;
    }[];
    await using matcher = await Matcher.load(nodePlatform, "picture-book", { ...quiet, dtype });
    const { images, texts } = matcher.processors;
    const encoded = textRows(texts.encode(scenes.flatMap((scene) => [scene.true, scene.false])));
    const found: number[] = [];
    for (const { image } of scenes) {
      const data = await images.pixels(join(folder, image));
      const { height, width } = images.config;
      const seen = await matcher.model.encodeImages({ dtype: "float32", dims: [1, 3, height, width], data });
      const rows = encoded.map((row) => ({ ...trimmed(row), image: 0 }));
      const work = { images: [[seen.states.data] as const], states: seen.states.dims[1] ?? 0, rows };
      for (const [no, yes] of await matcher.model.scorePairs(work, { form }))
        found.push(probabilityOf(no, yes));
    }
    return found;
  }

  test.each<[CrossAttentionForm, string]>([
    ["folded", "few"],
    ["cached", "many"],
  ])("%s, in which %s texts look at a picture", async (form) => {
    const [exact, rounded] = [await probabilities("fp32", form), await probabilities("int8", form)];
    expect(exact).toHaveLength(288);
    const shift = Math.max(...exact.map((value, index) => Math.abs(value - (rounded[index] ?? NaN))));
    expect(shift).toBeGreaterThan(1e-4);
    expect(shift).toBeLessThanOrEqual(0.05);
  });
});
