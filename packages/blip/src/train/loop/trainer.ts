// The core of the training loop: a step takes a batch, updates the weights, and returns the loss.
import { asyncDispose, type Closable, orClosed, unlessAborted } from "@blip-ts/base";
import type { MadeTensor, StoredTensor } from "@blip-ts/checkpoint";
import { TrainingSession, type OutputMode, type StartTraining } from "@blip-ts/engine";
import type { Tensor } from "@blip-ts/graph";
import type { TrainingFiles } from "../checkpoint/files.ts";
import { openState, saveState, type Json, type SaveOptions, type Which } from "../checkpoint/state.ts";
import { noParts, notFiniteStep, trainerClosed } from "../errors.ts";
import type { BatchContext, Objective } from "../objective.ts";
import { createOptimizer, type Optimizer, type OptimizerOptions } from "../optimizer/optimizer.ts";
import { estimateMemory, type MemoryEstimate } from "../step/estimate.ts";
import { planForward, planTraining, type PlanOptions, type TrainingPlan } from "../step/plan.ts";
import { seedOf } from "./seeds.ts";
import { secondsPerRun } from "./time-runs.ts";
import { exportTensors, restoreTensors, stateTensors, writeWeights } from "./weights.ts";

/** The platform-specific functions for training. */
export interface TrainingPlatform {
  /** Starts the thread that computes the training steps. */
  readonly startTraining: StartTraining;
  readonly files: TrainingFiles;
}

export interface TrainerOptions<Batch> extends Omit<PlanOptions, "groups"> {
  readonly objective: Objective<Batch>;
  /** The initial weights, by the names of the objective's graph. Names under ties may be missing. */
  readonly weights: ReadonlyMap<string, StoredTensor>;
  readonly optimizer: OptimizerOptions;
  /** The number of updates per epoch, for the schedule. */
  readonly stepsPerEpoch: number;
  /** Lets a step add up the gradients of several batches. Needs 4 more bytes per trained number. */
  readonly accumulate?: boolean | undefined;
  /** The seed of all random draws for batches. Default: 0. */
  readonly seed?: number | undefined;
  /** Threads of ONNX Runtime. Default: one per core. */
  readonly threads?: number | undefined;
  /** How to transfer gradients. Default: the fastest mode in a self-test. */
  readonly handOver?: OutputMode | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface StepOptions {
  /** Rejects the call immediately. A running step still finishes, but counts only if its update had already begun. */
  readonly signal?: AbortSignal | undefined;
}

export interface StepResult {
  /** The number of this step, from 0. */
  readonly step: number;
  /** The mean loss over all items of the step's batches. */
  readonly loss: number;
  /** The global norm of the gradients, before clipping. */
  readonly norm: number;
  readonly lr: number;
  /** The objective's other outputs, per batch. */
  readonly outputs: readonly Readonly<Record<string, Tensor>>[];
}

const trainGraph = "objective.graph";

export class Trainer<Batch> implements Closable {
  /** The parameters, and the graph to run. */
  readonly plan: TrainingPlan;
  readonly #options: TrainerOptions<Batch>;
  readonly #optimizer: Optimizer;
  readonly #session: TrainingSession;
  readonly #files: TrainingFiles;
  readonly #hasFollowers: boolean;
  /** The last promise of the work queue. Work runs one item at a time. */
  #queue: Promise<unknown> = Promise.resolve();
  #steps = 0;
  #seed: number;
  /** The step before which followers were last updated. */
  #followed = -1;
  #closing: Promise<void> | undefined;

  /** Call `createTrainer` instead. */
  constructor(
    options: TrainerOptions<Batch>,
    parts: {
      readonly plan: TrainingPlan;
      readonly optimizer: Optimizer;
      readonly session: TrainingSession;
      readonly files: TrainingFiles;
    },
  ) {
    this.#options = options;
    this.plan = parts.plan;
    this.#optimizer = parts.optimizer;
    this.#session = parts.session;
    this.#files = parts.files;
    this.#seed = options.seed ?? 0;
    this.#hasFollowers = parts.plan.parameters.some(({ role }) => role.kind === "follower");
  }

  /** The number of completed updates, including updates before a resume. */
  get steps(): number {
    return this.#steps;
  }

  /** The learning rate of the next step. */
  get learningRate(): number {
    return this.#optimizer.learningRate(this.#steps);
  }

  /** How gradients are transferred on this platform. */
  get handOver(): OutputMode {
    return this.#session.outputs;
  }

  /**
   * Estimates the bytes that a step needs for inputs of these sizes.
   * @param feeds the graph's inputs, or their dimensions
   */
  estimate(feeds: Readonly<Record<string, Pick<Tensor, "dims">>>): MemoryEstimate {
    return estimateMemory(this.plan, feeds, this.#options.accumulate);
  }

  /**
   * Measures how long a batch's gradients take on this machine. Computes them a few times without an update, so the
   * result of the next step does not change.
   * @returns seconds per batch, without the update
   * @throws {UsageError} `train/feed` if the objective's inputs do not fit its graph, `usage/disposed`
   */
  measure(batch: Batch, { signal }: StepOptions = {}): Promise<number> {
    const run = async () => {
      signal?.throwIfAborted();
      await this.#run(await this.#options.objective.inputs(batch, this.#context(this.#steps, 0)), undefined);
    };
    return unlessAborted(
      this.#inTurn(() => secondsPerRun(run)),
      signal,
    );
  }

  /**
   * Makes one update from one batch.
   * @throws {ModelError} `train/not-finite`: the weights are those before this step
   * @throws {UsageError} `train/feed` if the objective's inputs do not fit its graph, `usage/disposed`
   */
  step(batch: Batch, options: StepOptions = {}): Promise<StepResult> {
    return this.stepOver([batch], options);
  }

  /**
   * Makes one update from several batches, each in proportion to `objective.weight`.
   * @throws as `step`; {UsageError} `train/parts` if there are several batches and the trainer does not `accumulate`
   */
  async stepOver(batches: readonly Batch[], { signal }: StepOptions = {}): Promise<StepResult> {
    if (batches.length < 1 || (batches.length > 1 && this.#options.accumulate !== true))
      throw noParts(batches.length);
    signal?.throwIfAborted();
    return unlessAborted(
      this.#inTurn(() => this.#update(batches, signal)),
      signal,
    );
  }

  async #update(batches: readonly Batch[], signal: AbortSignal | undefined): Promise<StepResult> {
    signal?.throwIfAborted();
    const { objective } = this.#options;
    const step = this.#steps;
    // Update the followers before the forward pass, as in models/blip_retrieval.py.
    if (this.#hasFollowers && this.#followed !== step) {
      await this.#session.follow(this.#optimizer.momentum);
      this.#followed = step;
    }
    await this.#clampWeights();
    const counts = batches.map((batch) => objective.weight?.(batch) ?? 1);
    const total = counts.reduce((sum, count) => sum + count, 0);
    const contexts = batches.map((_, part) => this.#context(step, part));
    const results: Readonly<Record<string, Tensor>>[] = [];
    let loss = 0;
    for (const [part, batch] of batches.entries()) {
      const [context, count] = [contexts[part], counts[part]];
      if (!context || count === undefined) continue;
      const share = batches.length === 1 ? undefined : { share: count / total, first: part === 0 };
      const result = await this.#run(await objective.inputs(batch, context), share);
      if (!Number.isFinite(result.loss))
        throw notFiniteStep({ step, part, loss: result.loss, norm: undefined });
      loss += result.loss * (share?.share ?? 1);
      results.push(result.outputs);
      signal?.throwIfAborted();
    }
    const from = batches.length === 1 ? "gradient" : "sum";
    const { norm, applied } = await this.#session.update(this.#optimizer.update(step, from));
    if (!applied) throw notFiniteStep({ step, part: batches.length - 1, loss, norm });
    this.#steps = step + 1;
    results.forEach((outputs, part) => {
      const [batch, context] = [batches[part] as Batch, contexts[part]];
      if (context) objective.after?.(outputs, batch, context);
    });
    return { step, loss, norm, lr: this.#optimizer.learningRate(step), outputs: results };
  }

  /** Clamps the weights in `bounds`, as models/blip_retrieval.py clamps its temperature before each forward pass. */
  async #clampWeights(): Promise<void> {
    for (const [name, { lowest, highest }] of Object.entries(this.#options.objective.bounds ?? {})) {
      if (!this.plan.parameters.some((parameter) => parameter.name === name)) continue;
      const values = await this.#session.read(name, "weight");
      const clamped = values.map((value) => Math.min(Math.max(value, lowest), highest));
      if (clamped.some((value, index) => value !== values[index]))
        await this.#session.write(name, "weight", clamped);
    }
  }

  async #run(feeds: Readonly<Record<string, Tensor>>, share: { share: number; first: boolean } | undefined) {
    const { graph, outputs: others = [] } = this.#options.objective;
    const outputs = await this.#session.run(trainGraph, feeds, { wanted: [graph.loss, ...others], share });
    return { loss: Number(outputs[graph.loss]?.data[0]), outputs };
  }

  #context(step: number, part: number): BatchContext {
    return {
      ...{ step, part, seed: seedOf(this.#seed, step, part) },
      run: (name, feeds) => this.#session.run(name, feeds, { wanted: this.#outputsOf(name) }),
    };
  }

  #outputsOf(name: string): string[] {
    return (this.#options.objective.graphs?.[name]?.outputs ?? []).map((output) => output.name);
  }

  /**
   * Runs one of the objective's other graphs with the current weights, for validation.
   * @throws {UsageError} `train/graph`, `train/feed`
   */
  run(
    name: string,
    feeds: Readonly<Record<string, Tensor>>,
    { signal }: StepOptions = {},
  ): Promise<Readonly<Record<string, Tensor>>> {
    return unlessAborted(
      this.#inTurn(() => this.#session.run(name, feeds, { wanted: this.#outputsOf(name) })),
      signal,
    );
  }

  /** The trained weights by their names in the graph, read on use. Weights that are not trained are not included. */
  weights(): ReadonlyMap<string, MadeTensor> {
    return exportTensors(this.plan, (name) => this.#inTurn(() => this.#session.read(name, "weight")));
  }

  /**
   * Writes the complete state as the folder's last state: weights, moments, step, seed, the objective's state, and the
   * position in the data. A run that resumes from it computes the same numbers.
   * @param position the caller's position in the data
   * @throws {UsageError} `save/cannot-write`
   */
  async save(
    folder: string,
    { position = null, ...options }: SaveOptions & { position?: Json } = {},
  ): Promise<void> {
    const { objective } = this.#options;
    await this.#inTurn(() => {
      const [step, seed] = [this.#steps, this.#seed];
      const facts = { objective: objective.name, step, seed, followed: this.#followed === step, position };
      const tensors = stateTensors(this.plan, this.#session, objective.state?.() ?? {});
      return saveState(this.#files, folder, facts, tensors, options);
    });
  }

  /**
   * Continues from a saved state.
   * @returns the position in the data
   * @throws {UsageError} `train/no-state`
   * @throws {ModelError} `train/state` if the state belongs to another objective or model
   */
  async resume(
    folder: string,
    { which = "last", signal }: StepOptions & { which?: Which } = {},
  ): Promise<Json> {
    return this.#inTurn(async () => {
      const { objective } = this.#options;
      const { facts, tensors } = await openState(this.#files, folder, which);
      const others = await restoreTensors(
        folder,
        { objective: objective.name, plan: this.plan },
        facts,
        tensors,
        {
          session: this.#session,
          signal,
        },
      );
      objective.restore?.(others);
      this.#steps = facts.step;
      this.#seed = facts.seed;
      this.#followed = facts.followed ? facts.step : -1;
      return facts.position;
    });
  }

  /** Waits for the running step, then frees everything. A second call has no effect. */
  close(): Promise<void> {
    this.#closing ??= this.#queue.then(() => this.#session.close());
    return this.#closing;
  }

  /** Calls `close`, for `await using`. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing) return Promise.reject(trainerClosed());
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => undefined);
    return done;
  }
}

/**
 * Creates a trainer: allocates memory, and loads the graphs and the weights.
 * @throws {UsageError} `train/loss`, `train/frozen`, `train/optimizer`, `train/schedule`, `train/parameter-size`
 * @throws {ModelError} `train/weight` if a weight is missing or has another shape, `train/memory`, `model/engine`
 */
export async function createTrainer<Batch>(
  { startTraining, files }: TrainingPlatform,
  options: TrainerOptions<Batch>,
): Promise<Trainer<Batch>> {
  const { objective, weights, accumulate, threads, handOver, signal } = options;
  const { groups } = options.optimizer;
  const optimizer = createOptimizer(options.optimizer, options.stepsPerEpoch);
  const plan = planTraining(objective, { ...options, groups });
  const session = await TrainingSession.open(startTraining, plan.parameters, {
    ...{ threads, outputs: handOver, signal, sums: accumulate },
  });
  return orClosed(
    session,
    async () => {
      await session.addGraph(trainGraph, { graph: plan.graph, gradients: plan.gradients, weights });
      const names = new Set(plan.parameters.map(({ name }) => name));
      for (const [name, graph] of Object.entries(objective.graphs ?? {}))
        await session.addGraph(name, { graph: planForward(graph, objective.graph, names), weights });
      await writeWeights(plan, session, weights, signal);
      return new Trainer(options, { plan, optimizer, session, files });
    },
    signal,
  );
}
