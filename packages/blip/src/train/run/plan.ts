// What is said before the first step: steps, numbers that are trained, memory and time, of all phases that are to come.
import { must } from "@blip-ts/base";
import type { Platform } from "../../platform.ts";
import type { TrainingBatch } from "../data/batch.ts";
import type { Trainer } from "../loop/trainer.ts";
import { frozenBy } from "../optimizer/groups.ts";
import { estimateMemory, type MemoryEstimate } from "../step/estimate.ts";
import { planTraining, type TrainingPlan } from "../step/plan.ts";
import { secondsPerBatch, secondsPerState, secondsPerUpdate } from "./estimate-time.ts";
import { defaultSaveSteps } from "./loop.ts";
import type { RunPlan, TrainOptions } from "./options.ts";
import type { BegunPhase, OpenedPhase } from "./phases.ts";

interface PhasePlan {
  readonly trained: number;
  readonly memory: MemoryEstimate;
  readonly seconds: number;
}

interface Planned {
  readonly plan: Pick<TrainingPlan, "parameters">;
  readonly memory: (feeds: Parameters<typeof estimateMemory>[1]) => MemoryEstimate;
  /** Steps that were made. */
  readonly done: number;
}

/** Of a first batch's sizes; undefined if there is none. */
async function phasePlan(
  platform: Platform<never>,
  { settings, data, objective, steps, epochs }: OpenedPhase,
  { plan, memory, done }: Planned,
  { threads, saveSteps = defaultSaveSteps }: TrainOptions,
): Promise<PhasePlan | undefined> {
  const batches = data.batches();
  const next = await batches.next();
  await batches.return?.();
  if (next.done === true) return undefined;
  const first: TrainingBatch = next.value;
  const context = { step: 0, part: 0, seed: settings.seed, run: () => Promise.resolve({}) };
  const feeds = await objective.inputs(first, context);
  const { parameters } = plan;
  const trainedNames = new Set(
    parameters.flatMap(({ name, role }) => (role.kind === "trained" ? [name] : [])),
  );
  const { graph, ties = {} } = objective.graph;
  const isTrained = (name: string) => trainedNames.has(ties[name] ?? name);
  const { recompute, accumulate } = settings;
  const batch = await secondsPerBatch(platform, graph, feeds, { isTrained, recompute }, threads);
  const left = Math.max(0, steps - done);
  const states = Math.floor(left / saveSteps) + Math.ceil((epochs * left) / steps) + 1;
  const numbers = parameters.flatMap(({ dims, role }) =>
    role.kind === "trained" ? [dims.reduce((product, size) => product * size, 1)] : [],
  );
  return {
    trained: numbers.reduce((sum, count) => sum + count, 0),
    memory: memory(feeds),
    seconds:
      left * (batch * accumulate + secondsPerUpdate(parameters)) + states * secondsPerState(parameters),
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

/**
 * @param later the phases behind the one that the trainer is of
 * @returns undefined if the data has no batch
 */
export async function planOf(
  platform: Platform<never>,
  phase: BegunPhase,
  later: readonly OpenedPhase[],
  trainer: Trainer<TrainingBatch>,
  options: TrainOptions,
): Promise<RunPlan | undefined> {
  const now = { plan: trainer.plan, done: trainer.steps, memory: trainer.estimate.bind(trainer) };
  const own = await phasePlan(platform, phase, now, options);
  if (!own) return undefined;
  const plans = [own];
  for (const next of later) {
    const plan = await phasePlan(platform, next, plannedLater(next), options);
    if (plan) plans.push(plan);
  }
  const all = [phase, ...later];
  const largest = (values: readonly number[]) => Math.max(...values);
  return {
    samples: phase.data.samples,
    steps: phase.before.steps + all.reduce((sum, { steps }) => sum + steps, 0),
    phases: phase.index + all.length,
    samplesPerStep: largest(all.map(({ settings }) => settings.batchSize * settings.accumulate)),
    lr: largest(all.map(({ settings }) => settings.lr)),
    trained: largest(plans.map(({ trained }) => trained)),
    begun: phase.begun.begun,
    memory: must(
      plans.map(({ memory }) => memory).sort((a, b) => b.total - a.total),
      0,
    ),
    seconds: plans.reduce((sum, { seconds }) => sum + seconds, 0),
  };
}
