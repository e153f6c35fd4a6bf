// The measures of this package: the rows of `blip bench`, each as a probe that takes one sample per call.
import { type Closable, type PlainError, asyncDispose, revivedError } from "@blip-ts/base";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  BlipForConditionalGeneration,
  BlipForImageTextRetrieval,
  MatrixProduct,
  type ModelOptions,
  type Tensor,
} from "blip-ts";
import {
  captionTokens,
  formulaIds,
  formulaNumbers,
  pairs,
  pixelScale,
  repeated,
  stateScale,
  textTokens,
} from "./inputs.ts";
import { installed } from "./installed.ts";
import { notFinite } from "../errors.ts";

/** The computation types of a network. */
export const dtypes = ["fp32", "fp16", "int8"] as const;
export type BenchDType = (typeof dtypes)[number];

export const measures = {
  product: "the engine's own matrix product, 577x768x3072",
  image: "one image through the image encoder",
  "1x128": "1 image with 128 texts of 12 tokens (ITM), the image's states given",
  "128x1": "128 images with 1 text of 12 tokens (ITM), the images' states given",
  greedy: "a caption of 20 tokens, greedy, the image's states given",
  "beam-3": "a caption of 20 tokens, 3 beams, the image's states given",
  "first-score": "from process start to the first ITM score",
  memory: "peak resident memory of that process",
  "install-size": "the package and all its dependencies on disk",
} as const;

export type MeasureName = keyof typeof measures;

export const measureNames = Object.keys(measures) as MeasureName[];

/** Whether a measure is independent of a model; then its row has no type in its name. */
export const isModelless = (measure: MeasureName): measure is "product" | "install-size" =>
  measure === "product" || measure === "install-size";

/** A prepared measure, with loaded models and ready inputs. */
export interface Probe {
  /** @returns the sample's value in the measure's unit, and some outputs to compare with a peer's */
  sample(): Promise<Sample>;
  /** The floating-point operations of a sample, if they do not depend on the method of computation. */
  readonly operations?: number;
}

export interface Sample {
  readonly value: number;
  readonly outputs?: readonly number[];
  /** The resident memory in bytes, if the sample was a child process. */
  readonly memory?: number;
}

/** @throws {ModelError} `model/not-finite`: the speed of a model without finite outputs is meaningless */
async function timed(work: () => Promise<readonly number[]>): Promise<Sample> {
  const start = performance.now();
  const outputs = await work();
  const value = (performance.now() - start) / 1000;
  if (!outputs.every(Number.isFinite)) throw notFinite();
  return { value, outputs };
}

const head = ({ data }: Tensor<"float32">, count: number): number[] => Array.from(data.subarray(0, count));

/** The models of a source, each loaded on demand. */
export class BenchModels implements Closable {
  readonly source: string;
  readonly #options: ModelOptions;
  readonly #matching = new Map<BenchDType, Promise<BlipForImageTextRetrieval>>();
  readonly #captioning = new Map<BenchDType, Promise<BlipForConditionalGeneration>>();
  #product: Promise<MatrixProduct> | undefined;

  constructor(source: string, options: ModelOptions = {}) {
    this.source = source;
    this.#options = options;
  }

  get threads(): number | undefined {
    return this.#options.threads;
  }

  matching(dtype: BenchDType): Promise<BlipForImageTextRetrieval> {
    return memoized(this.#matching, dtype, () =>
      BlipForImageTextRetrieval.fromPretrained(this.source, { ...this.#options, dtype }),
    );
  }

  captioning(dtype: BenchDType): Promise<BlipForConditionalGeneration> {
    return memoized(this.#captioning, dtype, () =>
      BlipForConditionalGeneration.fromPretrained(this.source, { ...this.#options, dtype }),
    );
  }

  product(): Promise<MatrixProduct> {
    this.#product ??= MatrixProduct.load({ threads: this.#options.threads });
    return this.#product;
  }

  /** Frees the models of a type. */
  async release(dtype: BenchDType): Promise<void> {
    for (const models of [this.#matching, this.#captioning]) {
      const model = await models.get(dtype)?.catch(() => undefined);
      models.delete(dtype);
      await model?.close();
    }
  }

  /** Frees all models. */
  async close(): Promise<void> {
    for (const dtype of dtypes) await this.release(dtype);
    await (await this.#product)?.close();
  }

  /** Calls `close`, for `await using`. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }
}

function memoized<K, V>(map: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  const made = map.get(key) ?? make();
  map.set(key, made);
  return made;
}

/** Twice the multiply-adds of the vision transformer, without element-wise work (models/vit.py). */
function imageOperations({ vision }: BlipForImageTextRetrieval["config"], size: number): number {
  const { hiddenSize: D, intermediateSize: M, layers, patchSize } = vision;
  const patches = Math.floor(size / patchSize) ** 2;
  const N = patches + 1;
  const layer = N * D * 3 * D + 2 * N * N * D + N * D * D + 2 * N * D * M;
  return 2 * (layers * layer + patches * D * 3 * patchSize ** 2);
}

export interface PrepareOptions {
  /** The tasks that the model can do. */
  readonly tasks: readonly string[];
  /** The number of pairs in the two matching measures; by default 128. */
  readonly pairs?: number | undefined;
}

/**
 * Prepares a measure.
 * @throws {ModelError} if the model does not support the measure
 * @throws {UsageError} if the model cannot compute in this type
 */
export async function prepare(
  measure: Exclude<MeasureName, "memory">,
  dtype: BenchDType,
  models: BenchModels,
  { tasks, pairs: count = pairs }: PrepareOptions,
): Promise<Probe> {
  switch (measure) {
    case "product": {
      const product = await models.product();
      return {
        operations: product.operations,
        sample: () => timed(async () => (await product.run(), [])),
      };
    }
    case "image":
      return imageProbe(
        tasks.includes("match") ? await matcherEncoder(models, dtype) : await captionEncoder(models, dtype),
      );
    case "1x128":
      return matchProbe(await models.matching(dtype), 1, count);
    case "128x1":
      return matchProbe(await models.matching(dtype), count, 1);
    case "greedy":
      return captionProbe(await models.captioning(dtype), 1);
    case "beam-3":
      return captionProbe(await models.captioning(dtype), 3);
    case "first-score": {
      await models.matching(dtype);
      return { sample: () => firstScore({ source: models.source, dtype, threads: models.threads }) };
    }
    case "install-size":
      return { sample: async () => ({ value: sum((await installed()).map(({ bytes }) => bytes)) }) };
  }
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

interface ImageEncoder {
  readonly config: BlipForImageTextRetrieval["config"];
  readonly size: number;
  readonly states: (pixels: Tensor<"float32">) => Promise<Tensor<"float32">>;
}

async function matcherEncoder(models: BenchModels, dtype: BenchDType): Promise<ImageEncoder> {
  const model = await models.matching(dtype);
  const states = async (pixels: Tensor<"float32">) => (await model.encodeImages(pixels)).states;
  return { config: model.config, size: model.loaded.imageSize, states };
}

async function captionEncoder(models: BenchModels, dtype: BenchDType): Promise<ImageEncoder> {
  const model = await models.captioning(dtype);
  const states = (pixels: Tensor<"float32">) => model.images.states(pixels);
  return { config: model.config, size: model.loaded.imageSize, states };
}

function imageProbe({ config, size, states }: ImageEncoder): Probe {
  const pixels = formulaNumbers([1, 3, size, size], pixelScale);
  return {
    operations: imageOperations(config, size),
    sample: () => timed(async () => head(await states(pixels), 8)),
  };
}

/** Probes the ITM logits of one image's states with several texts, or of several images' states with one text. */
function matchProbe(model: BlipForImageTextRetrieval, images: number, texts: number): Probe {
  const { config, loaded } = model;
  const N = Math.floor(loaded.imageSize / config.vision.patchSize) ** 2 + 1;
  const states = formulaNumbers([images, N, config.vision.hiddenSize], stateScale);
  const ids = formulaIds(texts, textTokens, config.text.vocabSize);
  const inputIds = texts === 1 ? repeated(ids, images) : ids;
  return {
    sample: () => timed(async () => Array.from((await model.scoreTexts(states, { inputIds })).data)),
  };
}

/** Probes captions of equal length: [SEP] is forbidden before the last token. */
function captionProbe(model: BlipForConditionalGeneration, beams: number): Probe {
  const { config, loaded, generator } = model;
  const N = Math.floor(loaded.imageSize / config.vision.patchSize) ** 2 + 1;
  const states = formulaNumbers([1, N, config.vision.hiddenSize], stateScale);
  const length = captionTokens + 1;
  const options = { beams, minLength: length, maxLength: length, beamScoring: "transformers-5.23" } as const;
  return {
    sample: () =>
      timed(async () => {
        const [[best] = []] = await generator.generate({ states }, [[loaded.tokens.dec]], options);
        return best?.tokens ?? [];
      }),
  };
}

/** The program that computes one score: next to this file when built, or in dist/ when run from the sources. */
function firstScoreProgram(): string {
  const here = import.meta.url;
  return fileURLToPath(
    new URL(here.endsWith(".ts") ? "../../../blip/dist/first-score.js" : "./first-score.js", here),
  );
}

/** The child process's input. */
export interface FirstScoreOrder {
  readonly source: string;
  readonly dtype: BenchDType;
  readonly threads?: number | undefined;
  /** The path of an image. By default, an image is generated. */
  readonly image?: string | undefined;
}

/** The child process's output if the model cannot be used. */
export interface NoScore {
  readonly failed: PlainError;
}

/** The child process's output. */
export interface FirstScore {
  /** The time of the score, in milliseconds since the epoch. */
  readonly at: number;
  readonly logits: readonly number[];
  /** The child's peak resident memory in bytes. */
  readonly memory: number;
}

/** Runs a child process until its score arrives. @throws {ModelError} the child's error about the model */
export async function firstScore(order: FirstScoreOrder): Promise<Sample> {
  const start = Date.now();
  const { stdout } = await promisify(execFile)(process.execPath, [
    firstScoreProgram(),
    JSON.stringify(order),
  ]);
  const said = JSON.parse(stdout) as FirstScore | NoScore;
  if ("failed" in said) throw revivedError(said.failed);
  const { at, logits, memory } = said;
  return { value: (at - start) / 1000, outputs: logits, memory };
}
