// Validates the current weights during a run: the loss over all batches of the validation data, and the task's metrics.
import type { StoredTensor } from "@blip-ts/checkpoint";
import type { TrainingBatch, TrainingData } from "../data/batch.ts";
import type { Trainer } from "../loop/trainer.ts";
import type { BaseModel, BegunWeights } from "./begin.ts";
import { metricsMissing, tooFewToValidate } from "./errors.ts";
import { withUpdates, type BegunLora } from "./lora.ts";
import { validationGraph } from "./loop.ts";
import type { TrainOptions } from "./options.ts";
import type { Settings } from "./settings.ts";
import { resultFiles, resultWeights } from "./save.ts";
import { comparesRows, type DataObjective } from "./tasks.ts";
import { filesInMemory, metricNames, type Measure, type Metrics, type Validation } from "./validation.ts";

export interface ValidationParts {
  readonly settings: Settings;
  readonly base: BaseModel;
  readonly objective: DataObjective;
  /** The objective of the task's whole network, if the run uses only a part of it. */
  readonly network?: DataObjective | undefined;
  readonly begun: BegunWeights;
  /** The initial weights of the whole network. */
  readonly whole: ReadonlyMap<string, StoredTensor>;
  /** The adapter, if the run trains an adapter. */
  readonly lora: BegunLora | undefined;
  /** The validation data, if given. Without it, `validator` is also undefined. */
  readonly validation: TrainingData | undefined;
  readonly validator: DataObjective | undefined;
}

/**
 * The mean loss over all rows of the validation data, or over its full batches if the loss compares rows.
 * @throws {InputError} `train/too-few-to-validate`
 */
async function meanLoss(
  trainer: Trainer<TrainingBatch>,
  { task, seed }: Settings,
  validation: TrainingData,
  validator: DataObjective,
  { signal, onValidating }: TrainOptions,
): Promise<number> {
  const { samples, batchSize } = validation;
  const rounded = comparesRows(task) ? Math.floor : Math.ceil;
  const total = samples === undefined ? undefined : rounded(samples / batchSize);
  let [sum, count, done, rows] = [0, 0, 0, 0];
  for await (const batch of validation.batches({ untilEpoch: 1 })) {
    signal?.throwIfAborted();
    rows += batch.size;
    if (comparesRows(task) && batch.size < batchSize) break;
    const context = { step: 0, part: 0, seed, run: () => Promise.resolve({}) };
    const outputs = await trainer.run(validationGraph, await validator.inputs(batch, context));
    const weight = validator.weight?.(batch) ?? 1;
    sum += Number(outputs[validator.graph.loss]?.data[0]) * weight;
    count += weight;
    done++;
    onValidating?.({ step: "loss", done, total });
  }
  if (done === 0) throw tooFewToValidate(task, rows, batchSize);
  return sum / count;
}

/** Computes the task's metrics with a second copy of the model, loaded during training. */
function metricsOf(
  measure: Measure,
  trainer: Trainer<TrainingBatch>,
  { settings, base, objective, network = objective, begun, whole, lora }: ValidationParts,
  { threads, signal, onWarning, onValidating }: TrainOptions,
): () => Promise<Metrics> {
  const { task, validationLimit: limit, validationBeams, prompt } = settings;
  let told = false;
  return async () => {
    const trained = trainer.weights();
    const weights = resultWeights(network, trained, new Map([...whole, ...begun.weights]));
    const updated = lora ? await withUpdates(settings, lora, trained, weights) : weights;
    const files = filesInMemory("the model in training", await resultFiles(base, task, updated));
    const measured = await measure(files, {
      ...{ limit, beams: validationBeams ?? undefined, prompt: prompt ?? undefined, threads, signal },
      // The run already reported warnings about the model at its start.
      onWarning: () => undefined,
      onStep: onValidating,
    });
    const missing = metricNames[task].filter((name) => measured[name] === undefined);
    if (missing.length > 0 && !told) onWarning?.(metricsMissing(missing));
    told = true;
    return measured;
  };
}

/**
 * Creates the function that validates the current weights.
 * @param measure computes the metrics; without it, or with a `validationLimit` of 0, there are no metrics
 * @returns undefined without validation data
 */
export function validateOn(
  trainer: Trainer<TrainingBatch>,
  parts: ValidationParts,
  measure: Measure | undefined,
  options: TrainOptions,
): (() => Promise<Validation>) | undefined {
  const { validation, validator, settings } = parts;
  if (!validation || !validator) return undefined;
  const metrics =
    measure && settings.validationLimit > 0 ? metricsOf(measure, trainer, parts, options) : undefined;
  return async () => ({
    loss: await meanLoss(trainer, settings, validation, validator, options),
    metrics: (await metrics?.()) ?? {},
  });
}
