// A training run, from its initial model to its folder.
import { closing, must, type Closable } from "@blip-ts/base";
import { frozenBy } from "../optimizer/groups.ts";
import type { Platform } from "../../platform.ts";
import type { TrainingBatch, TrainingTask } from "../data/batch.ts";
import { trainingTasks } from "../data/batch.ts";
import { createTrainer, type Trainer, type TrainingPlatform } from "../loop/trainer.ts";
import { scheduleOf, type CustomRecipe } from "../recipes/index.ts";
import { openBase, type BaseModel } from "./begin.ts";
import { runInUse } from "./errors.ts";
import { hasState, lockName, modelFolder, prepareFolder } from "./folder.ts";
import { saveLora } from "./lora.ts";
import { TrainingLoop } from "./loop.ts";
import { memoryWarning, withMemoryAdvice } from "./memory.ts";
import type { TrainOptions } from "./options.ts";
import {
  beginningOf,
  beginPhase,
  DataOfPhases,
  openPhase,
  phasesOf,
  withPhases,
  type BegunPhase,
  type DataParts,
  type OpenedPhase,
} from "./phases.ts";
import type { MemoryEstimate } from "../step/estimate.ts";
import { planOf } from "./plan.ts";
import { progressOf } from "./progress.ts";
import { resultWeights, saveResult } from "./save.ts";
import { imageSizeWarnings, recipeFor } from "./reference.ts";
import { recipeOf, resolveSettings } from "./settings.ts";
import { validateOn } from "./validate.ts";
import type { Measure, Metrics } from "./validation.ts";
import { networkTaskOf, trainingTaskNamed } from "./tasks.ts";

/** The platform-specific functions for a run. */
export interface RunParts extends DataParts {
  readonly platform: Platform<never>;
  readonly training: TrainingPlatform;
  /** Computes the task's metrics on the validation data. Without it, validation gives only the loss. */
  readonly measure?: Measure | undefined;
  /** Returns the bytes of free memory. Without it, there is no memory warning before a run begins. */
  readonly freeMemory?: (() => number) | undefined;
  /** Locks a file for this process. Returns the lock, or the process that holds it. Without it, nothing is locked. */
  readonly lock?: ((path: string) => Promise<Closable | { readonly owner: string }>) | undefined;
}

/** The report of a finished run. */
export interface TrainReport {
  /** The training task. */
  readonly task: TrainingTask;
  /** The total number of steps. */
  readonly steps: number;
  /** The total number of epochs. */
  readonly epochs: number;
  /** The loss of the last step; null if this process trained no step. */
  readonly loss: number | null;
  /** The validation loss of the best weights, which are the result; null without validation data. */
  readonly validationLoss: number | null;
  /** The metrics of the best weights; null without validation data. */
  readonly metrics: Metrics | null;
  /** Whether the last phase stopped early. The validation results also belong to the last phase. */
  readonly stoppedEarly: boolean;
  /** The duration of this run, in seconds. */
  readonly seconds: number;
  /** Images per second of this run. */
  readonly imagesPerSecond: number;
  /** The number of rows and images that could not be used. Each attempt counts. */
  readonly skipped: number;
  /** The result's folder: a model, or an adapter with `lora`. */
  readonly model: string;
}

function openTrainer(
  training: TrainingPlatform,
  { settings, objective, begun, lora, batchesPerEpoch, index }: BegunPhase,
  { threads, signal }: TrainOptions,
): Promise<Trainer<TrainingBatch>> {
  const { accumulate, freeze, recompute, decay, clip, momentum, steps } = settings;
  const stepsPerEpoch = batchesPerEpoch / accumulate;
  const epochs = steps === null ? settings.epochs : steps / stepsPerEpoch;
  return createTrainer(training, {
    ...{ objective, weights: begun.weights, threads, signal, recompute },
    // Each phase has its own random numbers.
    seed: settings.seed + index,
    stepsPerEpoch,
    ...(accumulate > 1 && { accumulate: true }),
    ...(lora && { frozen: lora.frozen }),
    ...(freeze !== null && { frozen: frozenBy(freeze).frozen }),
    optimizer: {
      ...{ schedule: scheduleOf({ ...settings, epochs }, settings.lr), decay, momentum },
      ...(clip !== null && { clip }),
    },
  });
}

/** A run with open phases. */
interface Run {
  readonly parts: RunParts;
  readonly options: TrainOptions;
  readonly source: DataOfPhases;
  readonly opened: readonly OpenedPhase[];
  readonly base: BaseModel;
  readonly begunAt: number;
  /** Called with the estimated memory need. Returns whether a batch may be timed before the first step. */
  readonly mayMeasure: (memory: MemoryEstimate) => boolean;
}

/** Writes the result, and replaces an earlier result if a finished run is resumed. */
async function saveModel(
  { parts, options, base }: Run,
  { settings, objective, network = objective, begun, whole, lora }: BegunPhase,
  trainer: Trainer<TrainingBatch>,
): Promise<string> {
  const model = modelFolder(options.out);
  await parts.training.files.remove(model);
  const trained = trainer.weights();
  if (lora) await saveLora(base, settings, lora, trained, model);
  else {
    const others = new Map([...whole, ...begun.weights]);
    await saveResult(base, settings.task, resultWeights(network, trained, others), model);
  }
  return model;
}

/** @returns the loop, after it has ended */
async function trainPhase(
  { parts, options, opened, mayMeasure }: Run,
  phase: BegunPhase,
  trainer: Trainer<TrainingBatch>,
  tellPlan: boolean,
): Promise<TrainingLoop> {
  const { files } = parts.training;
  const { data, settings, before, folder } = phase;
  const goesOn = options.resume === true && (await hasState(files, folder));
  const progress = goesOn ? progressOf(await trainer.resume(folder)) : undefined;
  const later = opened.slice(phase.index + 1);
  if (tellPlan) {
    const plan = await planOf(parts.platform, phase, later, trainer, { ...options, mayMeasure });
    if (plan) options.onPlan?.(plan);
  }
  options.signal?.throwIfAborted();
  const loop = new TrainingLoop(
    {
      ...{ files, trainer, data, settings, options, folder },
      phase: phase.number,
      ...{ stepsBefore: before.steps, epochsBefore: before.epochs, phaseSteps: phase.steps },
      epochs: before.epochs + phase.epochs,
      steps: before.steps + [phase, ...later].reduce((sum, { steps }) => sum + steps, 0),
      validate: validateOn(trainer, phase, parts.measure, options),
    },
    progress ?? beginningOf(phase),
  );
  await loop.run();
  return loop;
}

/** The phase to continue with: the last one that has a state. */
async function firstPhase({ parts, options, opened }: Run): Promise<number> {
  if (options.resume !== true) return 0;
  let first = 0;
  for (const { index, folder } of opened) if (await hasState(parts.training.files, folder)) first = index;
  return first;
}

async function trainOpened(run: Run, begun: BegunPhase, first: number): Promise<TrainReport | undefined> {
  const { parts, options, source, opened, begunAt } = run;
  const trainer = await openTrainer(parts.training, begun, options);
  return closing(trainer, async () => {
    const loop = await trainPhase(run, begun, trainer, begun.index === first);
    const steps = begun.before.steps + trainer.steps;
    if (begun.index < opened.length - 1) return undefined;
    const { best, epoch } = loop.progress;
    if (best !== undefined) await trainer.resume(begun.folder, { which: "best" });
    return {
      ...{ task: begun.settings.task, steps, epochs: epoch, loss: loop.lastLoss ?? null },
      ...{ validationLoss: best?.loss ?? null, metrics: best?.metrics ?? null },
      ...{ stoppedEarly: loop.stoppedEarly, model: await saveModel(run, begun, trainer) },
      ...{ seconds: (Date.now() - begunAt) / 1000, imagesPerSecond: loop.imagesPerSecond },
      skipped: source.skipped,
    };
  });
}

/** Trains the phases in order. */
async function trainPhases(run: Run): Promise<TrainReport> {
  const first = await firstPhase(run);
  for (const phase of run.opened.slice(first)) {
    const begun = await beginPhase(run.parts.training.files, run.opened, phase);
    const report = await trainOpened(run, begun, first);
    if (report) return report;
  }
  throw new Error("a run has a last phase");
}

/** Keeps other processes out of the folder during the work. @throws {UsageError} `train/in-use` */
async function alone<T>(out: string, lock: RunParts["lock"], work: () => Promise<T>): Promise<T> {
  const taken = await lock?.(`${out}/${lockName}`);
  if (taken === undefined) return work();
  if ("owner" in taken) throw runInUse(out, taken.owner);
  return closing(taken, work);
}

/**
 * Trains a task and writes run.json, metrics.jsonl, state/ (the last and the best state) and model/ into `options.out`.
 * @throws {UsageError} `usage/bad-option`, `train/recipe`, `train/in-use`, `train/out-occupied`, `train/no-run`, `train/other-run`,
 * `train-data/...`
 * @throws {ModelError} if the model cannot be used, `train/not-finite`, `train/memory`
 * @throws {InputError} if the data cannot be used @throws the signal's reason, after the state is saved
 */
export async function runTraining(
  name: string,
  parts: RunParts,
  options: TrainOptions,
): Promise<TrainReport> {
  const task = trainingTaskNamed(name, trainingTasks);
  const { platform, training } = parts;
  const recipe = await recipeOf(options.recipe, training.files);
  const resolved = (own: CustomRecipe) =>
    resolveSettings(task, options, own, parts.openValidation !== undefined);
  const base = await openBase(platform, resolved(recipe), networkTaskOf[task], options.signal);
  const settings = resolved(recipeFor(base.config, recipe));
  for (const warning of [...base.warnings, ...imageSizeWarnings(base.config, settings, recipe)])
    if (options.onWarning) options.onWarning(warning);
    else platform.warn(warning);
  const source = new DataOfPhases(parts, base, options);
  const phases = phasesOf(settings, options.out);
  const open = (phase: (typeof phases)[number]) => openPhase(phase, base, source, options);
  return withMemoryAdvice(settings, (tell) =>
    withPhases(source, phases, open, async (opened) => {
      const begunAt = Date.now();
      const free = parts.freeMemory?.();
      const told: TrainOptions = {
        ...options,
        onPlan: (plan) => {
          options.onPlan?.(plan);
          const warning = memoryWarning(plan.memory, free, settings);
          if (warning) options.onWarning?.(warning);
        },
      };
      const mayMeasure = (memory: MemoryEstimate) => {
        tell(memory);
        return options.onPlan !== undefined && (free === undefined || memory.total <= free);
      };
      return alone(options.out, parts.lock, async () => {
        await prepareFolder(training.files, options.out, {
          ...{ settings, resume: options.resume ?? false, data: must(opened, 0).data.identity },
          validationData: opened.find(({ validation }) => validation)?.validation?.identity ?? null,
        });
        return trainPhases({ parts, options: told, source, opened, base, begunAt, mayMeasure });
      });
    }),
  );
}
