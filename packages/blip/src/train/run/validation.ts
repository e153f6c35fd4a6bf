// The results of validating the current weights: the mean loss of all batches, and the task's metrics. The evaluation
// code computes the metrics; the caller of a run passes it in (`Measure`).
import type { ModelFiles } from "../../files.ts";
import type { SavedFiles } from "../../save/save.ts";
import { safetensorsSource } from "@blip-ts/checkpoint";
import type { Warning } from "@blip-ts/base";
import type { TrainingTask } from "../data/batch.ts";

/** Metrics by name: see `metricNames`. */
export type Metrics = Readonly<Record<string, number>>;

export interface Validation {
  /** The mean loss over the validation data (`match`, `pretrain`: over its full batches), without dropout. */
  readonly loss: number;
  /** The metrics on the first rows of the validation data, without those that the data does not allow. */
  readonly metrics: Metrics;
}

/**
 * The metrics of each task. The first metric is BLIP's criterion for the best weights. `match`: R@1 in percent and the
 * mean of all recalls (R@1, 5 and 10 in both directions), with the best 16 of each cosine ranking re-ranked by ITM;
 * `cosineRMean` is the mean without ITM. `pretrain`: the same metrics by cosine only. `caption`: CIDEr-D from 0 to 10,
 * BLEU-4 from 0 to 1. `vqa`: percent. `nlvr`: from 0 to 1.
 */
export const metricNames = {
  match: ["rMean", "imageToTextR1", "textToImageR1", "cosineRMean"],
  caption: ["ciderD", "bleu4"],
  vqa: ["accuracy", "exactMatch"],
  nlvr: ["accuracy"],
  pretrain: ["rMean", "imageToTextR1", "textToImageR1"],
} as const satisfies Readonly<Record<TrainingTask, readonly string[]>>;

/** The progress within a step of a validation. */
export interface ValidationProgress {
  /** `loss` counts batches whose loss is computed. The other steps are those of evaluations. */
  readonly step: "loss" | "data" | "texts" | "images" | "pairs" | "rows";
  /** The number of finished rows or batches. */
  readonly done: number;
  /** The total; undefined if it is not known in advance. */
  readonly total: number | undefined;
}

export interface MeasureOptions {
  /** The number of rows to use, from the start of the validation data. */
  readonly limit: number;
  /** The number of beams for captions and answers. Default: BLIP's 3. */
  readonly beams: number | undefined;
  /** The prompt of captions. Default: BLIP's own. */
  readonly prompt: string | undefined;
  readonly threads: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onWarning: (warning: Warning) => void;
  readonly onStep: ((progress: ValidationProgress) => void) | undefined;
}

/**
 * Evaluates a model on the run's validation data.
 * @returns the metrics of `metricNames` that the data allows
 * @throws {ModelError} if the model cannot be used @throws {InputError} if the data cannot be read
 * @throws the signal's reason
 */
export type Measure = (model: ModelFiles, options: MeasureOptions) => Promise<Metrics>;

/** The score of the validated weights: the negative loss, or a metric. */
const score = ({ loss, metrics }: Validation, by: string): number =>
  by === "loss" ? -loss : (metrics[by] ?? -Infinity);

/**
 * Whether these weights are better than the best so far. For equal metrics, the lower loss wins.
 * @param by `loss`, or the name of a metric
 */
export function isBetter(validation: Validation, best: Validation | undefined, by: string): boolean {
  if (!Number.isFinite(validation.loss)) return false;
  if (!best) return true;
  const [own, other] = [score(validation, by), score(best, by)];
  return own === other ? validation.loss < best.loss : own > other;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Reads a validation from a state's file. */
export function validationOf(json: unknown): Validation | undefined {
  if (!isRecord(json) || typeof json.loss !== "number" || !isRecord(json.metrics)) return undefined;
  const metrics = Object.entries(json.metrics).flatMap(([name, value]) =>
    typeof value === "number" ? [[name, value] as const] : [],
  );
  return { loss: json.loss, metrics: Object.fromEntries(metrics) };
}

/** A model folder in memory. Weights are read from the training session on demand. */
export function filesInMemory(name: string, { texts, weights, metadata }: SavedFiles): ModelFiles {
  return {
    ...{ name, kind: "folder" },
    weights: { kind: "single", source: safetensorsSource(`${name}/model.safetensors`, weights, metadata) },
    read: (file) => Promise.resolve(texts.get(file)),
  };
}
