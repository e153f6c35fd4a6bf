// General checks of a model without published results. They do not show that its answers are right, only that two ways
// of running the same network give the same answers.
import { allFinite, atLeast, BlipError, closing, must } from "@blip-ts/base";
import { floatTensor, type Tensor } from "@blip-ts/graph";
import { ConditionalGeneration } from "../../classes/conditional-generation.ts";
import type { Hypothesis } from "../../decode/next-token-model.ts";
import { ImageTextRetrieval } from "../../classes/image-text-retrieval.ts";
import { FeatureExtraction } from "../../classes/model.ts";
import { NaturalLanguageVisualReasoning } from "../../classes/nlvr.ts";
import { QuestionAnswering } from "../../classes/question-answering.ts";
import type { LoadedNetwork } from "../../load/load-model.ts";
import type { Platform } from "../../platform.ts";
import { TextProcessor } from "../../processor/text-processor.ts";
import { networkTaskOf } from "../../tasks/index.ts";
import type { NetworkTask } from "../../tasks/task.ts";
import { verbOptions, type VerbOptions } from "../../verbs/image-batches.ts";
import { inspect } from "../inspect.ts";

/** A check: its subject, the expectation and the result. */
export interface Check {
  readonly what: string;
  readonly expected: string;
  readonly found: string;
  readonly passed: boolean;
}

/** Matches the codes of known faults of published files, which this package corrects or reports. */
const knownFaults = /^(?:fault\/|text-heads$)/;

/** Two images [2, 3, S, S]: a grey gradient, and stripes, both as bright as photographs. */
function images(size: number): Tensor<"float32"> {
  const data = new Float32Array(2 * 3 * size * size);
  for (let channel = 0; channel < 3; channel++)
    for (let y = 0; y < size; y++)
      for (let x = 0; x < size; x++) {
        const at = (channel * size + y) * size + x;
        data[at] = (2 * (x + y)) / size - 2 + channel / 4;
        data[3 * size * size + at] = (x >> 2) % 2 === 0 ? 1.5 : -1.5;
      }
  return floatTensor([2, 3, size, size], data);
}

const texts = ["a dog on the beach", "two cars in the snow"];

/** A batch with only the image at an index. */
function alone({ dims, data }: Tensor<"float32">, index: number): Tensor<"float32"> {
  const [, ...rest] = dims;
  const size = rest.reduce((product, dim) => product * dim, 1);
  return floatTensor([1, ...rest], data.slice(index * size, (index + 1) * size));
}

/** The largest difference between two lists of numbers. */
function difference(first: ArrayLike<number>, other: ArrayLike<number>): number {
  if (first.length !== other.length) return Infinity;
  let most = 0;
  for (let index = 0; index < first.length; index++) {
    const apart = Math.abs(must(first, index) - must(other, index));
    // NaN counts as the largest difference.
    most = apart <= most ? most : apart;
  }
  return most;
}

const shown = (value: number) => value.toPrecision(3);

/** Checks that two computations agree within a bound. */
function same(what: string, first: ArrayLike<number>, other: ArrayLike<number>, bound: number): Check {
  const apart = difference(first, other);
  return { what, expected: `at most ${bound} apart`, found: `${shown(apart)} apart`, passed: apart <= bound };
}

/** Checks that unit vectors have length 1, and that two different inputs have different vectors. */
function norms(what: string, { dims, data }: Tensor<"float32">): Check {
  const [rows, width] = atLeast(dims, 2);
  const vectors = Array.from({ length: rows }, (_, row) => data.subarray(row * width, (row + 1) * width));
  const lengths = vectors.map((vector) => Math.hypot(...vector));
  const apart = difference(must(vectors, 0), must(vectors, 1));
  const unit = allFinite(lengths) && lengths.every((length) => Math.abs(length - 1) <= 1e-4);
  return {
    what: `norms of ${what}`,
    expected: "1, and not the same vector for two of them",
    found: `${lengths.map((length) => length.toFixed(5)).join(", ")}; ${shown(apart)} apart`,
    passed: unit && apart > 1e-6,
  };
}

/** The maximum difference between two computations, for numbers of about 1. */
const [bound, int8Bound] = [1e-3, 5e-2];
const boundOf = ({ network }: LoadedNetwork) => (network.dtype === "fp32" ? bound : int8Bound);

const processorOf = ({ tokenizer, config, compat }: LoadedNetwork) =>
  new TextProcessor(tokenizer, config.text.maxPositions, compat);

type Model = { readonly loaded: LoadedNetwork; close(): Promise<void> };

/** Loads a model, checks it, and closes it. */
const withModel = async <M extends Model>(
  model: Promise<M>,
  check: (model: M) => Promise<readonly Check[]>,
): Promise<readonly Check[]> => closing(await model, check);

async function checkMatch(model: ImageTextRetrieval): Promise<readonly Check[]> {
  const { loaded } = model;
  const pixels = images(loaded.imageSize);
  const read = processorOf(loaded).encode(texts);
  const seen = await model.encodeImages(pixels);
  const first = await model.encodeImages(alone(pixels, 0));
  const features = await model.textFeatures(read);
  // Score each image with its own text: from all states, and as verbs do.
  const whole = (await model.matchTexts(seen.states, read)).logits.data;
  const quick = (await model.scoreTexts(seen.states, read)).data;
  const matrix = await model.forward({ ...read, pixelValues: pixels }, { useItmHead: false });
  const E = must(features.dims, 1);
  const cosines = [0, 1].flatMap((image) =>
    [0, 1].map((text) => dot(seen.features.data, image * E, features.data, text * E, E)),
  );
  return [
    norms("the unit vectors of images", seen.features),
    norms("the unit vectors of texts", features),
    same(
      "match: an image alone and beside another",
      seen.features.data.subarray(0, E),
      first.features.data,
      boundOf(loaded),
    ),
    same("match: logits by all states and by the first alone", whole, quick, boundOf(loaded)),
    same("match: cosines of pairs and of their unit vectors", matrix.itmScore.data, cosines, boundOf(loaded)),
  ];
}

function dot(a: Float32Array, from: number, b: Float32Array, at: number, length: number): number {
  let sum = 0;
  for (let k = 0; k < length; k++) sum += must(a, from + k) * must(b, at + k);
  return sum;
}

/** The log-probabilities of the generated tokens, from the logits [1, T, V] of a single pass. */
function taught({ dims, data }: Tensor<"float32">, { tokens, tokenLogProbabilities }: Hypothesis): number[] {
  const V = must(dims, 2);
  const prompt = tokens.length - tokenLogProbabilities.length;
  return tokens.slice(prompt).map((token, index) => {
    const row = data.subarray((prompt - 1 + index) * V, (prompt + index) * V);
    const most = row.reduce((a, b) => Math.max(a, b), -Infinity);
    return must(row, token) - most - Math.log(row.reduce((sum, x) => sum + Math.exp(x - most), 0));
  });
}

const ids = (tokens: readonly number[]): Tensor<"int64"> => ({
  dtype: "int64",
  dims: [1, tokens.length],
  data: BigInt64Array.from(tokens, BigInt),
});

/** The options of a short greedy generation. */
const greedy = { beams: 1, maxLength: 12, minLength: 1 } as const;

async function checkCaption(model: ConditionalGeneration): Promise<readonly Check[]> {
  const { loaded } = model;
  const pixels = images(loaded.imageSize);
  const [[together] = []] = await model.generate({ pixelValues: pixels }, greedy);
  const first = alone(pixels, 0);
  const [[single] = []] = await model.generate({ pixelValues: first }, greedy);
  if (!together || !single) throw new Error("a caption was not generated");
  const { tokens, tokenLogProbabilities } = single;
  const { logits } = await model.forward({ pixelValues: first, inputIds: ids(tokens.slice(0, -1)) });
  return [
    sameTokens("caption: an image alone and beside another", together.tokens, tokens),
    same(
      "caption: step by step and all at once",
      tokenLogProbabilities,
      taught(logits, single),
      boundOf(loaded),
    ),
  ];
}

async function checkAsk(model: QuestionAnswering): Promise<readonly Check[]> {
  const { loaded } = model;
  const processor = processorOf(loaded);
  const questions = ["what is it?", "how many cars are in the snow?"];
  const pixels = images(loaded.imageSize);
  const [[together] = []] = await model.generate(
    { ...processor.encodeQuestions(questions), pixelValues: pixels },
    greedy,
  );
  const firstOnly = { ...processor.encodeQuestions(questions.slice(0, 1)), pixelValues: alone(pixels, 0) };
  const [[single] = []] = await model.generate(firstOnly, greedy);
  if (!together || !single) throw new Error("an answer was not generated");
  const { tokens, tokenLogProbabilities } = single;
  const { logits } = await model.forward({ ...firstOnly, decoderInputIds: ids(tokens.slice(0, -1)) });
  return [
    sameTokens("ask: a question alone and beside another", together.tokens, tokens),
    same("ask: step by step and all at once", tokenLogProbabilities, taught(logits, single), boundOf(loaded)),
  ];
}

async function checkCompare(model: NaturalLanguageVisualReasoning): Promise<readonly Check[]> {
  const { loaded } = model;
  const pixels = images(loaded.imageSize);
  const processor = processorOf(loaded);
  const both = (await model.judge(pixels, processor.encodeStatements(texts))).logits.data;
  const single = (await model.judge(pixels, processor.encodeStatements(texts.slice(0, 1)))).logits.data;
  return [
    same("compare: a statement alone and beside another", both.subarray(0, 2), single, boundOf(loaded)),
  ];
}

async function checkEmbed(model: FeatureExtraction): Promise<readonly Check[]> {
  const { loaded } = model;
  const pixels = images(loaded.imageSize);
  const seen = await model.getImageFeatures(pixels);
  const read = await model.getTextFeatures(processorOf(loaded).encode(texts));
  return [norms("the features of images", seen.features), norms("the features of texts", read.features)];
}

function sameTokens(what: string, first: readonly number[], other: readonly number[]): Check {
  const [expected, found] = [other.join(" "), first.join(" ")];
  return { what, expected, found, passed: expected === found };
}

/** Runs the checks of a task. If the task cannot run, the only check fails with the reason. */
async function taskChecks(
  platform: Platform<never>,
  source: string,
  task: NetworkTask,
  options: VerbOptions,
): Promise<readonly Check[]> {
  const loading = verbOptions(options);
  const run = {
    match: () => withModel(ImageTextRetrieval.load(platform, source, loading), checkMatch),
    caption: () => withModel(ConditionalGeneration.load(platform, source, loading), checkCaption),
    ask: () => withModel(QuestionAnswering.load(platform, source, loading), checkAsk),
    compare: () => withModel(NaturalLanguageVisualReasoning.load(platform, source, loading), checkCompare),
    embed: () => withModel(FeatureExtraction.load(platform, source, loading), checkEmbed),
  };
  try {
    return await run[task]();
  } catch (error) {
    if (!(error instanceof BlipError)) throw error;
    return [{ what: task, expected: "to run", found: error.message, passed: false }];
  }
}

/** Checks the files without reading weights: tasks, heads, known faults. */
async function fileChecks(
  platform: Platform<never>,
  source: string,
  tasks: readonly string[],
  options: VerbOptions,
): Promise<readonly Check[]> {
  const { architecture, warnings, missing } = await inspect(platform, source, verbOptions(options));
  const { heads, hiddenSize } = (architecture.text ?? {}) as Readonly<Record<string, number | undefined>>;
  const divides = heads !== undefined && hiddenSize !== undefined && hiddenSize % heads === 0;
  // BLIP's released text models have width 768 and heads of width 64.
  const trained = hiddenSize !== 768 || heads === 12;
  const unknown = warnings.filter(({ code }) => !knownFaults.test(code));
  const known = warnings.filter(({ code }) => knownFaults.test(code));
  const lacks = missing.length > 0 ? ` (it lacks ${missing.join(", ")})` : "";
  return [
    {
      what: "tasks",
      expected: "at least one task with all its weights",
      found: `${tasks.join(", ") || "none"}${lacks}`,
      passed: tasks.length > 0,
    },
    {
      what: "text heads",
      expected:
        hiddenSize === 768 ? "12, as in the training of BLIP's weights" : "a number that divides the width",
      found: `${heads ?? "unknown"} for a width of ${hiddenSize ?? "unknown"}`,
      passed: divides && trained,
    },
    {
      what: "known faults",
      expected: "only known ones, which are corrected or reported",
      found: [...unknown, ...known].map(({ code, message }) => `${code}: ${message}`).join("; ") || "none",
      passed: unknown.length === 0,
    },
  ];
}

/**
 * Checks a model without published samples, task by task.
 * @throws {ModelError} if the model cannot be found or read @throws the signal's reason
 */
export async function* checkModel(
  platform: Platform<never>,
  source: string,
  options: VerbOptions,
): AsyncGenerator<Check, void, undefined> {
  const { tasks: all } = await inspect(platform, source, verbOptions(options));
  yield* await fileChecks(platform, source, all, options);
  const runnable = [...new Set(all.flatMap((task) => networkTaskOf(task) ?? []))];
  // Matching computes the same features, so skip `embed` if both can run.
  const asked = runnable.filter((task) => task !== "embed" || !runnable.includes("match"));
  for (const task of asked) {
    options.signal?.throwIfAborted();
    yield* await taskChecks(platform, source, task, options);
  }
}
