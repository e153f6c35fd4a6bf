// Computes the metrics of `blip eval` with the current weights of a training run.
import type { InputError } from "@blip-ts/base";
import { readDataset, type Dataset, type ExampleOf, type PathOptions } from "@blip-ts/datasets/node";
import { evaluateOn } from "../../evaluate/evaluate.ts";
import type { EvaluatedImage } from "../../evaluate/host.ts";
import type { EvaluateOptions } from "../../evaluate/options.ts";
import { resultAt } from "../../evaluate/report.ts";
import type { Platform } from "../../platform.ts";
import { nodeEvaluationHost } from "../../platform/node/evaluate/host.ts";
import { nodePlatform } from "../../platform/node/node-platform.ts";
import type { TrainingTask } from "../data/batch.ts";
import type { Measure } from "../run/index.ts";
import type { Reader } from "./create-training-data.ts";

/** The number of candidates per ranking that ITM scores. BLIP's 128 take eight times as long. */
const reranked = 16;

/** The evaluation of a task, and the paths of its metrics in the report. */
interface Evaluation {
  readonly task: "retrieval" | "caption" | "vqa" | "nlvr";
  readonly options: Pick<EvaluateOptions, "k">;
  readonly metrics: Readonly<Record<string, string>>;
}

const ranks = (at: string) => ({
  rMean: `${at}.rMean`,
  imageToTextR1: `${at}.imageToText.r1`,
  textToImageR1: `${at}.textToImage.r1`,
});

const evaluations: Readonly<Record<TrainingTask, Evaluation>> = {
  match: {
    ...{ task: "retrieval", options: { k: reranked } },
    metrics: { ...ranks(`reranked.k${reranked}`), cosineRMean: "cosine.rMean" },
  },
  pretrain: { task: "retrieval", options: { k: 0 }, metrics: ranks("cosine") },
  caption: { task: "caption", options: {}, metrics: { ciderD: "ciderD", bleu4: "bleu4" } },
  vqa: { task: "vqa", options: {}, metrics: { accuracy: "accuracy", exactMatch: "exactMatch" } },
  nlvr: { task: "nlvr", options: {}, metrics: { accuracy: "accuracy" } },
};

/** Turns pairs into a retrieval test in which each row is a separate image. */
async function* asRetrieval(
  pairs: AsyncIterable<ExampleOf<"pretrain">>,
): AsyncGenerator<ExampleOf<"retrieval">> {
  for await (const { image, caption, place } of pairs)
    yield { image, imageId: place.at, captions: [caption], place };
}

async function openPairs(
  path: string | readonly string[],
  options: PathOptions,
): Promise<Dataset<"retrieval">> {
  const pairs = await readDataset("pretrain", path, options);
  const examples = { [Symbol.asyncIterator]: () => asRetrieval(pairs.examples) };
  return { ...pairs, task: "retrieval", examples, parts: [{ name: pairs.name, examples }] };
}

/**
 * Creates the function that evaluates a model on validation data.
 * @param path the validation data
 * @param reader how to read its files
 */
export function measureOn(
  task: TrainingTask,
  path: string | readonly string[],
  reader: Reader | undefined,
): Measure {
  const { task: evaluated, options: fixed, metrics } = evaluations[task];
  const name = typeof path === "string" ? path : path.join(", ");
  const open = (onRowError: (error: InputError) => void) => {
    const options = { ...reader, onRowError };
    return task === "pretrain" ? openPairs(path, options) : readDataset(evaluated, path, options);
  };
  return async (model, { limit, beams, prompt, threads, signal, onWarning, onStep }) => {
    const platform: Platform<EvaluatedImage> = { ...nodePlatform, openModel: () => Promise.resolve(model) };
    const options: EvaluateOptions = {
      ...{ ...fixed, model: model.name, limit, threads, signal, onWarning, onStep },
      ...(evaluated === "caption" && { prompt }),
      ...(beams !== undefined && (evaluated === "caption" || evaluated === "vqa") && { beams }),
    };
    const { results } = await evaluateOn(platform, nodeEvaluationHost, evaluated, { name, open }, options);
    return Object.fromEntries(
      Object.entries(metrics).flatMap(([metric, at]) => {
        const value = resultAt(results, at);
        return value === undefined ? [] : [[metric, value] as const];
      }),
    );
  };
}
