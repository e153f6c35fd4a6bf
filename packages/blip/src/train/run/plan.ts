// Plans a run before the first step: steps, trained parameters, memory and time, over all remaining phases.
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

/** The first batch of a phase, and the phase's cost. */
interface PhasePlan {
  readonly first: TrainingBatch;
  readonly trained: number;
  readonly memory: MemoryEstimate;
  /** The work of a batch, in operations of the engine's matrix product. */
  readonly operations: number;
  /** Seconds to read a batch. */
  readonly load: number;
  /** The number of remaining batches. */
  readonly batches: number;
  /** Seconds of updates and saved states. */
  readonly besides: number;
}

interface Planned {
  readonly plan: Pick<TrainingPlan, "parameters">;
  readonly memory: (feeds: Parameters<typeof estimateMemory>[1]) => MemoryEstimate;
  /** The number of completed steps. */
  readonly done: number;
}

/** The number of batches to time after the first, and the maximum seconds to spend on them. */
const [looked, longLook] = [4, 1];

/**
 * Reads the first batch, and times the next few. `load` is the shortest time, because the earliest batches also start
 * threads.
 * @returns undefined if there is no batch; the run reports the reason later
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

/** Plans a phase from its first batch. Returns undefined if there is no batch. */
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

/** @returns operations per second, measured with the phase's first batch or with the engine's matrix product */
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
 * Plans the remaining phases of a run.
 * @param later the phases after the trainer's phase
 * @param mayMeasure called with the memory that the largest phase needs; returns whether a batch may be timed
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
