// A training run, from the model that it begins with to the folder that it leaves.
import { closing, orClosed } from "@blip-ts/base";
import { frozenParts } from "../optimizer/groups.ts";
import type { Platform } from "../../platform.ts";
import { imageConfigOf } from "../../load/image-settings.ts";
import type { TrainingBatch, TrainingData, TrainingTask } from "../data/batch.ts";
import { trainingTasks } from "../data/batch.ts";
import type { TrainingDataOptions } from "../data/options.ts";
import { createTrainer, type Trainer, type TrainingPlatform } from "../loop/trainer.ts";
import { openBase, weightsToBegin, type BaseModel, type BegunWeights } from "./begin.ts";
import { tooFewSteps, unknownLength } from "./errors.ts";
import { secondsPerStep } from "./estimate-time.ts";
import { hasState, modelFolder, prepareFolder, stateFolder } from "./folder.ts";
import { beginLora, saveLora, type BegunLora } from "./lora.ts";
import { TrainingLoop, validationGraph } from "./loop.ts";
import { resolveSettings, type RunPlan, type Settings, type TrainOptions } from "./options.ts";
import { atBeginning, progressOf } from "./progress.ts";
import { scheduleOf } from "./recipes.ts";
import { resultWeights, saveResult } from "./save.ts";
import { networkTaskOf, objectiveOf, trainingTaskNamed, type DataObjective } from "./tasks.ts";

/** What a platform brings. */
export interface RunParts {
  readonly platform: Platform<never>;
  readonly training: TrainingPlatform;
  openData(options: TrainingDataOptions): Promise<TrainingData>;
  openValidation?: ((options: TrainingDataOptions) => Promise<TrainingData>) | undefined;
}

/** What a run did. */
export interface TrainReport {
  readonly task: TrainingTask;
  readonly steps: number;
  readonly epochs: number;
  /** Of the last step of this process; null if it made none. */
  readonly loss: number | null;
  /** The lowest validation loss, whose weights are the result; null without validation data. */
  readonly validationLoss: number | null;
  readonly stoppedEarly: boolean;
  readonly seconds: number;
  readonly imagesPerSecond: number;
  /** Rows and images that could not be used, each time they were met. */
  readonly skipped: number;
  /** The folder of the result: a model, or with `lora` an adapter. */
  readonly model: string;
}

interface Opened {
  readonly settings: Settings;
  readonly base: BaseModel;
  readonly data: TrainingData;
  readonly validation: TrainingData | undefined;
  readonly objective: DataObjective;
  readonly validator: DataObjective | undefined;
  readonly begun: BegunWeights;
  readonly lora: BegunLora | undefined;
  readonly batchesPerEpoch: number;
  readonly steps: number;
}

/** Images as the model's own settings normalise them. */
async function dataOptions(base: BaseModel, settings: Settings, options: TrainOptions) {
  const { imageSize } = base.config.vision;
  const { mean, std } = await imageConfigOf(base.opened, imageSize);
  const { augment, prompt, batchSize, seed } = settings;
  return {
    ...{ batchSize, seed, imageSize, mean, std },
    ...(augment !== true && { augment }),
    ...(prompt !== null && { prompt }),
    ...(options.onSkip && { onSkip: options.onSkip }),
  } satisfies TrainingDataOptions;
}

function openedWith(
  base: BaseModel,
  settings: Settings,
  data: TrainingData,
  validation: TrainingData | undefined,
  options: TrainOptions,
): Opened {
  const batchesPerEpoch = settings.batchesPerEpoch ?? data.batchesPerEpoch;
  if (batchesPerEpoch === undefined) throw unknownLength();
  const batches = batchesPerEpoch * settings.epochs;
  const steps = Math.floor(batches / settings.accumulate);
  if (steps === 0) throw tooFewSteps(batches, settings.accumulate);
  const parts = {
    ...{ config: base.config, tokens: base.tokens, settings, samples: data.samples, batchesPerEpoch },
    encode: (text: string) => base.tokenizer.ids(text),
    ...(options.onWarning && { warn: options.onWarning }),
  };
  const validator = validation && objectiveOf(parts, true);
  const plain = objectiveOf(parts);
  const whole = validator ? { ...plain, graphs: { [validationGraph]: validator.graph.graph } } : plain;
  const lora = settings.lora ? beginLora(whole, base, settings, settings.lora) : undefined;
  const objective = lora?.objective ?? whole;
  const begun = lora ?? weightsToBegin(objective.graph, base.tensors, settings);
  return { settings, base, data, validation, objective, validator, begun, lora, batchesPerEpoch, steps };
}

function openTrainer(
  training: TrainingPlatform,
  { settings, objective, begun, lora, batchesPerEpoch }: Opened,
  { threads, signal }: TrainOptions,
): Promise<Trainer<TrainingBatch>> {
  const { accumulate, freeze, recompute, seed, decay, clip, momentum } = settings;
  return createTrainer(training, {
    ...{ objective, weights: begun.weights, seed, threads, signal, recompute },
    stepsPerEpoch: batchesPerEpoch / accumulate,
    ...(accumulate > 1 && { accumulate: true }),
    ...(lora && { frozen: lora.frozen }),
    ...(freeze !== null && { frozen: frozenParts[freeze as keyof typeof frozenParts] }),
    optimizer: {
      ...{ schedule: scheduleOf(settings, settings.lr), decay, momentum },
      ...(clip !== null && { clip }),
    },
  });
}

/** What is said before the first step, of a first batch's sizes. */
async function planOf(
  platform: Platform<never>,
  opened: Opened,
  trainer: Trainer<TrainingBatch>,
  { threads }: TrainOptions,
): Promise<RunPlan | undefined> {
  const { settings, data, objective, begun, lora, steps } = opened;
  const batches = data.batches();
  const next = await batches.next();
  await batches.return?.();
  if (next.done === true) return undefined;
  const first: TrainingBatch = next.value;
  const context = { step: 0, part: 0, seed: settings.seed, run: () => Promise.resolve({}) };
  const feeds = await objective.inputs(first, context);
  // Of frozen matrices there are no gradients: what a step computes is seen in its own graph alone.
  const passes = lora ? { graph: trainer.plan.graph, times: 1 } : { graph: objective.graph.graph, times: 3 };
  const seconds = await secondsPerStep(platform, passes, feeds, threads);
  const numbers = trainer.plan.parameters.flatMap(({ dims, role }) =>
    role.kind === "trained" ? [dims.reduce((product, size) => product * size, 1)] : [],
  );
  return {
    ...{ samples: data.samples, steps, samplesPerStep: settings.batchSize * settings.accumulate },
    lr: settings.lr,
    trained: numbers.reduce((sum, count) => sum + count, 0),
    begun: begun.begun,
    memory: trainer.estimate(feeds),
    seconds: seconds * settings.accumulate * Math.max(0, steps - trainer.steps),
  };
}

/** The mean loss of all samples of the validation data that fill a batch. */
function validateOn(
  trainer: Trainer<TrainingBatch>,
  { validation, validator, settings }: Opened,
): (() => Promise<number>) | undefined {
  if (!validation || !validator) return undefined;
  return async () => {
    let [sum, count] = [0, 0];
    for await (const batch of validation.batches({ untilEpoch: 1 })) {
      const context = { step: 0, part: 0, seed: settings.seed, run: () => Promise.resolve({}) };
      const outputs = await trainer.run(validationGraph, await validator.inputs(batch, context));
      const weight = validator.weight?.(batch) ?? 1;
      sum += Number(outputs[validator.graph.loss]?.data[0]) * weight;
      count += weight;
    }
    return sum / count;
  };
}

async function trainOpened(
  { platform, training }: RunParts,
  opened: Opened,
  trainer: Trainer<TrainingBatch>,
  options: TrainOptions,
): Promise<TrainReport> {
  const begunAt = Date.now();
  const { files } = training;
  const { settings, base, data, objective, begun, lora, steps } = opened;
  const { out } = options;
  const goesOn = options.resume === true && (await hasState(files, out));
  const progress = goesOn ? progressOf(await trainer.resume(stateFolder(out))) : undefined;
  const plan = await planOf(platform, opened, trainer, options);
  if (plan) options.onPlan?.(plan);
  options.signal?.throwIfAborted();
  const validate = validateOn(trainer, opened);
  const loop = new TrainingLoop(
    { files, trainer, data, settings, options, steps, validate },
    progress ?? atBeginning,
  );
  await loop.run();
  const done = trainer.steps;
  const { best, epoch } = loop.progress;
  if (best !== undefined) await trainer.resume(stateFolder(out), { which: "best" });
  const model = modelFolder(out);
  // Of a run that had ended before it was resumed.
  await files.remove(model);
  if (lora) await saveLora(base, settings, lora, trainer.weights(), model);
  else
    await saveResult(base, settings.task, resultWeights(objective, trainer.weights(), begun.weights), model);
  return {
    ...{ task: settings.task, steps: done, epochs: epoch, loss: loop.lastLoss ?? null },
    ...{ validationLoss: best ?? null, stoppedEarly: epoch < settings.epochs, model },
    ...{ seconds: (Date.now() - begunAt) / 1000, imagesPerSecond: loop.imagesPerSecond },
    skipped: data.stats().skipped,
  };
}

/**
 * Trains a task and writes run.json, metrics.jsonl, state/ (the last and the best one) and model/ into `options.out`.
 * @throws {UsageError} `usage/bad-option`, `train/out-occupied`, `train/no-run`, `train/other-run`, `train-data/...`
 * @throws {ModelError} where the model cannot be used, `train/not-finite`, `train/memory`
 * @throws {InputError} where the data cannot be used @throws the signal's reason, when the state is saved
 */
export async function runTraining(
  name: string,
  parts: RunParts,
  options: TrainOptions,
): Promise<TrainReport> {
  const task = trainingTaskNamed(name, trainingTasks);
  const settings = resolveSettings(task, options, parts.openValidation !== undefined);
  const { platform, training } = parts;
  const base = await openBase(platform, settings, networkTaskOf[task], options.signal);
  for (const warning of base.warnings)
    if (options.onWarning) options.onWarning(warning);
    else platform.warn(warning);
  const dataSettings = await dataOptions(base, settings, options);
  const data = await parts.openData(dataSettings);
  return closing(data, async () => {
    const plain = { ...dataSettings, augment: false, shuffle: false } as const;
    const validation = await parts.openValidation?.(plain);
    const use = async () => {
      const opened = openedWith(base, settings, data, validation, options);
      await prepareFolder(training.files, options.out, settings, options.resume ?? false);
      const trainer = await openTrainer(training, opened, options);
      return closing(trainer, () => trainOpened(parts, opened, trainer, options));
    };
    if (!validation) return use();
    const report = await orClosed(validation, use);
    await validation.close();
    return report;
  });
}
