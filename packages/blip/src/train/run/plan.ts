// What is said before the first step: steps, numbers that are trained, memory and time, of all phases that are to come.
import { InputError, last, must } from "@blip-ts/base";
import type { Platform } from "../../platform.ts";
import type { TrainingBatch, TrainingData } from "../data/batch.ts";
import type { Trainer } from "../loop/trainer.ts";
import { frozenBy } from "../optimizer/groups.ts";
import { estimateMemory, type MemoryEstimate } from "../step/estimate.ts";
import { planTraining, type TrainingPlan } from "../step/plan.ts";
import {
  operationsAsProduct,
  productRate,
  secondsPerBatch,
  secondsPerState,
  secondsPerUpdate,
  workOf,
} from "./estimate-time.ts";
import { defaultSaveSteps } from "./loop.ts";
import type { RunPlan, TrainOptions } from "./options.ts";
import type { BegunPhase, OpenedPhase } from "./phases.ts";

/** A phase's first batch, and what it needs. */
interface PhasePlan {
  readonly first: TrainingBatch;
  readonly trained: number;
  readonly memory: MemoryEstimate;
  /** Of a batch, in operations of the engine's own product. */
  readonly operations: number;
  /** Seconds in which a batch is read. */
  readonly load: number;
  /** Batches that are to come. */
  readonly batches: number;
  /** Seconds of updates and of states that are written. */
  readonly besides: number;
}

interface Planned {
  readonly plan: Pick<TrainingPlan, "parameters">;
  readonly memory: (feeds: Parameters<typeof estimateMemory>[1]) => MemoryEstimate;
  /** Steps that were made. */
  readonly done: number;
}

/** Batches behind the first one that are waited for, in at most so many seconds. */
const [looked, longLook] = [4, 1];

/**
 * The first batch, and the seconds in which one of the next came, the quickest of them: the first ones start threads.
 * @returns undefined if there is none: the run says why
 */
async function lookAt(data: TrainingData): Promise<Pick<PhasePlan, "first" | "load"> | undefined> {
  const batches = data.batches({ preview: true });
  try {
    const first = await batches.next();
    if (first.done === true) return undefined;
    const loads: number[] = [];
    for (let passed = 0; loads.length < looked && passed < longLook; passed += last(loads)) {
      const begun = Date.now();
      await batches.next();
      loads.push((Date.now() - begun) / 1000);
    }
    return { first: first.value, load: Math.min(...loads) };
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  } finally {
    await batches.return?.();
  }
}

/** Of a first batch's sizes; undefined if there is none. */
async function phasePlan(
  { settings, data, objective, steps, epochs }: OpenedPhase,
  { plan, memory, done }: Planned,
  { saveSteps = defaultSaveSteps }: TrainOptions,
): Promise<PhasePlan | undefined> {
  const look = await lookAt(data);
  if (!look) return undefined;
  const context = { step: 0, part: 0, seed: settings.seed, run: () => Promise.resolve({}) };
  const feeds = await objective.inputs(look.first, context);
  const { parameters } = plan;
  const trainedNames = new Set(
    parameters.flatMap(({ name, role }) => (role.kind === "trained" ? [name] : [])),
  );
  const { graph, ties = {} } = objective.graph;
  const isTrained = (name: string) => trainedNames.has(ties[name] ?? name);
  const { recompute, accumulate } = settings;
  const left = Math.max(0, steps - done);
  const states = Math.floor(left / saveSteps) + Math.ceil((epochs * left) / steps) + 1;
  const numbers = parameters.flatMap(({ dims, role }) =>
    role.kind === "trained" ? [dims.reduce((product, size) => product * size, 1)] : [],
  );
  return {
    ...look,
    trained: numbers.reduce((sum, count) => sum + count, 0),
    memory: memory(feeds),
    operations: operationsAsProduct(workOf(graph, feeds, { isTrained, recompute })),
    batches: left * accumulate,
    besides: left * secondsPerUpdate(parameters) + states * secondsPerState(parameters),
  };
}

function plannedLater({ objective, settings }: OpenedPhase): Planned {
  const { recompute, freeze, accumulate } = settings;
  const plan = planTraining(objective, {
    recompute,
    ...(freeze !== null && { frozen: frozenBy(freeze).frozen }),
  });
  return { plan, done: 0, memory: (feeds) => estimateMemory(plan, feeds, accumulate > 1) };
}

/** @returns operations per second: of the phase's own batch, or of the engine's product */
async function rateOf(
  platform: Platform<never>,
  { first, operations }: PhasePlan,
  trainer: Trainer<TrainingBatch>,
  { threads, signal }: TrainOptions,
  measures: boolean,
): Promise<number> {
  if (!measures) return productRate(platform, threads);
  return operations / Math.max(1e-6, await trainer.measure(first, { signal }));
}

/**
 * @param later the phases behind the one that the trainer is of
 * @param mayMeasure is told the memory that the largest phase needs, and says whether a batch is to be computed for its time
 * @returns undefined if the data has no batch
 */
export async function planOf(
  platform: Platform<never>,
  phase: BegunPhase,
  later: readonly OpenedPhase[],
  trainer: Trainer<TrainingBatch>,
  { mayMeasure, ...options }: TrainOptions & { readonly mayMeasure: (memory: MemoryEstimate) => boolean },
): Promise<RunPlan | undefined> {
  const now = { plan: trainer.plan, done: trainer.steps, memory: trainer.estimate.bind(trainer) };
  const own = await phasePlan(phase, now, options);
  if (!own) return undefined;
  const plans = [own];
  for (const next of later) {
    const plan = await phasePlan(next, plannedLater(next), options);
    if (plan) plans.push(plan);
  }
  const memory = must(
    plans.map((plan) => plan.memory).sort((a, b) => b.total - a.total),
    0,
  );
  const measured = mayMeasure(memory);
  const rate = await rateOf(platform, own, trainer, options, measured);
  const all = [phase, ...later];
  const largest = (values: readonly number[]) => Math.max(...values);
  const secondsOf = ({ operations, load, batches, besides }: PhasePlan) =>
    batches * secondsPerBatch(operations / rate, load) + besides;
  return {
    samples: phase.data.samples,
    steps: phase.before.steps + all.reduce((sum, { steps }) => sum + steps, 0),
    phases: phase.index + all.length,
    samplesPerStep: largest(all.map(({ settings }) => settings.batchSize * settings.accumulate)),
    lr: largest(all.map(({ settings }) => settings.lr)),
    trained: largest(plans.map(({ trained }) => trained)),
    begun: phase.begun.begun,
    memory,
    seconds: plans.reduce((sum, plan) => sum + secondsOf(plan), 0),
    measured,
  };
}
