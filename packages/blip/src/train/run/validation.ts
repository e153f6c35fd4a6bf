// What validation says of the weights as they are: the mean loss of all batches, and the task's own metrics, which are
// computed by the code that evaluates models: whoever starts a run brings it (`Measure`).
import type { ModelFiles } from "../../files.ts";
import type { SavedFiles } from "../../save/save.ts";
import { safetensorsSource } from "@blip-ts/checkpoint";
import type { Warning } from "@blip-ts/base";
import type { TrainingTask } from "../data/batch.ts";

/** Metrics by name: see `metricNames`. */
export type Metrics = Readonly<Record<string, number>>;

export interface Validation {
  /** The mean over the validation data, without dropout. */
  readonly loss: number;
  /** Of the first rows of the validation data. A metric that the data cannot give is not among them. */
  readonly metrics: Metrics;
}

/**
 * The metrics of each task, the one that BLIP chooses its weights by first. `match`: R@1 in percent and the mean of all
 * recalls (R@1, 5 and 10 both ways), of the 16 best of each cosine ranking re-ranked by ITM; `cosineRMean` is that mean
 * without ITM. `pretrain`: the same by cosine alone. `caption`: CIDEr-D from 0 to 10, BLEU-4 from 0 to 1. `vqa`: percent.
 * `nlvr`: from 0 to 1.
 */
export const metricNames = {
  match: ["rMean", "imageToTextR1", "textToImageR1", "cosineRMean"],
  caption: ["ciderD", "bleu4"],
  vqa: ["accuracy"],
  nlvr: ["accuracy"],
  pretrain: ["rMean", "imageToTextR1", "textToImageR1"],
} as const satisfies Readonly<Record<TrainingTask, readonly string[]>>;

/** How far a validation is in one of its steps. */
export interface ValidationProgress {
  /** `loss`: batches of which the loss is computed; the others are those of evaluations: rows read, texts, images, ... */
  readonly step: "loss" | "data" | "texts" | "images" | "pairs" | "rows";
  /** Rows that are done. */
  readonly done: number;
  /** Undefined if it is not known before. */
  readonly total: number | undefined;
}

export interface MeasureOptions {
  /** Rows of the validation data, from the first. */
  readonly limit: number;
  /** Beams of captions and answers; BLIP's 3 if not given. */
  readonly beams: number | undefined;
  /** What captions begin with; BLIP's own if not given. */
  readonly prompt: string | undefined;
  readonly threads: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onWarning: (warning: Warning) => void;
  readonly onStep: ((progress: ValidationProgress) => void) | undefined;
}

/**
 * Evaluates a model on the run's validation data.
 * @returns the metrics of `metricNames` that the data can give
 * @throws {ModelError} if the model cannot be used @throws {InputError} if the data cannot be read
 * @throws the signal's reason
 */
export type Measure = (model: ModelFiles, options: MeasureOptions) => Promise<Metrics>;

/** What weights are compared by: the lower loss, or the higher metric. */
const score = ({ loss, metrics }: Validation, by: string): number =>
  by === "loss" ? -loss : (metrics[by] ?? -Infinity);

/**
 * Are these weights better than the best so far? Of the same metric, the lower loss is.
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

/** From a state's file. */
export function validationOf(json: unknown): Validation | undefined {
  if (!isRecord(json) || typeof json.loss !== "number" || !isRecord(json.metrics)) return undefined;
  const metrics = Object.entries(json.metrics).flatMap(([name, value]) =>
    typeof value === "number" ? [[name, value] as const] : [],
  );
  return { loss: json.loss, metrics: Object.fromEntries(metrics) };
}

/** A folder that lies nowhere, as a model: its weights are read from the training when somebody asks for them. */
export function filesInMemory(name: string, { texts, weights, metadata }: SavedFiles): ModelFiles {
  return {
    ...{ name, kind: "folder" },
    weights: { kind: "single", source: safetensorsSource(`${name}/model.safetensors`, weights, metadata) },
    read: (file) => Promise.resolve(texts.get(file)),
  };
}
