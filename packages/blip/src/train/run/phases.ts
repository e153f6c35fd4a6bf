// The phases of a run; a recipe without phases has a single phase. Each phase is opened with its own settings, and
// starts from the weights that the earlier phases produced.
import { asyncDispose, closing, type Warning } from "@blip-ts/base";
import type { StoredTensor } from "@blip-ts/checkpoint";
import { imageConfigOf } from "../../load/image-settings.ts";
import { imageTokens } from "../../model/config.ts";
import type { TrainingFiles } from "../checkpoint/files.ts";
import { openState } from "../checkpoint/state.ts";
import type { TrainingData, TrainingPosition } from "../data/batch.ts";
import type { TrainingDataOptions } from "../data/options.ts";
import { frozenBy, frozenParts } from "../optimizer/groups.ts";
import { badTrainOption } from "../recipes/index.ts";
import { weightsToBegin, withoutMomentum, type BaseModel, type BegunWeights } from "./begin.ts";
import { notValidated, tooFewSteps, tooFewToValidate, unknownLength } from "./errors.ts";
import { stateFolder } from "./folder.ts";
import { beginLora, type BegunLora } from "./lora.ts";
import { validationGraph } from "./loop.ts";
import type { TrainOptions } from "./options.ts";
import { atBeginning, progressOf, type Progress } from "./progress.ts";
import type { Settings } from "./settings.ts";
import { comparesRows, hasValidationLoss, objectiveOf, type DataObjective } from "./tasks.ts";

export interface Phase {
  /** The index of the phase, from 0. */
  readonly index: number;
  readonly settings: Settings;
  /** The folder of the phase's states. */
  readonly folder: string;
  /** The number of the phase, from 1; undefined if the recipe has no phases. */
  readonly number: number | undefined;
}

/** @param out the run's folder */
export function phasesOf(settings: Settings, out: string): readonly Phase[] {
  const folder = stateFolder(out);
  if (!settings.phases) return [{ index: 0, settings, folder, number: undefined }];
  return settings.phases.map((phase, index) => ({
    index,
    // Only the first phase may start from random weights.
    settings: { ...settings, ...phase, init: settings.init && index === 0 },
    folder: `${folder}/phase-${index + 1}`,
    number: index + 1,
  }));
}

/** A phase with its data and its objective. */
export interface OpenedPhase extends Phase {
  readonly base: BaseModel;
  readonly data: TrainingData;
  readonly validation: TrainingData | undefined;
  readonly objective: DataObjective;
  /** The task's whole network, if `objective` computes only a part of it: some of the task's losses have weight 0. */
  readonly network: DataObjective | undefined;
  readonly validator: DataObjective | undefined;
  readonly lora: BegunLora | undefined;
  readonly batchesPerEpoch: number;
  /** The number of epochs, and of steps, if every image can be read. */
  readonly epochs: number;
  readonly steps: number;
}

/** A phase with its initial weights. */
export interface BegunPhase extends OpenedPhase {
  readonly begun: BegunWeights;
  /** The initial weights of the task's whole network. The result contains those that the phase does not use. */
  readonly whole: ReadonlyMap<string, StoredTensor>;
  /** The actual numbers of steps and epochs of the earlier phases, and the first pass that none of them has begun. */
  readonly before: { readonly steps: number; readonly epochs: number; readonly pass: number };
}

export interface DataParts {
  openData(options: TrainingDataOptions): Promise<TrainingData>;
  openValidation?: ((options: TrainingDataOptions) => Promise<TrainingData>) | undefined;
}

interface Opened {
  readonly data: TrainingData;
  readonly validation: TrainingData | undefined;
}

/** The data of all phases. Phases with the same data settings share it. */
export class DataOfPhases {
  readonly #parts: DataParts;
  readonly #base: BaseModel;
  readonly #options: TrainOptions;
  readonly #opened = new Map<string, Opened>();
  readonly #told = new Set<string>();

  constructor(parts: DataParts, base: BaseModel, options: TrainOptions) {
    this.#parts = parts;
    this.#base = base;
    this.#options = options;
  }

  async open(settings: Settings): Promise<Opened> {
    const { augment, prompt, shorten, falseCaptions, batchSize, losses } = settings;
    const named = losses?.patchNames !== undefined;
    const key = JSON.stringify([augment, prompt, shorten, falseCaptions, batchSize, named]);
    const known = this.#opened.get(key);
    if (known) return known;
    const options = await this.#optionsFor(settings);
    const data = await this.#parts.openData({ ...options, onWarning: (warning) => this.#warn(warning) });
    this.#opened.set(key, { data, validation: undefined });
    const validation = await this.#parts.openValidation?.({
      ...options,
      ...{ augment: false, shuffle: false, shorten: 0, dropLast: false },
      // Validation data may lack false captions.
      onWarning: (warning) => {
        if (warning.code !== "train-data/no-false-captions") this.#warn(warning);
      },
    });
    const opened = { data, validation };
    this.#opened.set(key, opened);
    return opened;
  }

  /** Passes each warning on once: the phases read the same files. */
  #warn(warning: Warning): void {
    if (this.#told.has(warning.message)) return;
    this.#told.add(warning.message);
    this.#options.onWarning?.(warning);
  }

  /** The data options of a phase. Images are normalised with the model's own settings. */
  async #optionsFor(settings: Settings): Promise<TrainingDataOptions> {
    const { vision } = this.#base.config;
    const { imageSize } = vision;
    const names = settings.losses?.patchNames === undefined ? undefined : settings.patchNames?.names;
    const { mean, std } = await imageConfigOf(this.#base.opened, imageSize);
    const { augment, prompt, shorten, falseCaptions, batchSize, seed } = settings;
    return {
      ...{ batchSize, seed, imageSize, mean, std },
      ...(augment !== true && { augment }),
      ...(prompt !== null && { prompt }),
      ...(shorten !== null && { shorten }),
      ...(falseCaptions && { falseCaptions }),
      ...(names && { patches: { names, count: imageTokens(vision) - 1 } }),
      ...(this.#options.onSkip && { onSkip: this.#options.onSkip }),
    };
  }

  /** The number of rows and images that could not be used. Each attempt counts. */
  get skipped(): number {
    return [...this.#opened.values()].reduce((sum, { data }) => sum + data.stats().skipped, 0);
  }

  async close(): Promise<void> {
    const all = [...this.#opened.values()].flatMap(({ data, validation }) =>
      validation ? [data, validation] : [data],
    );
    const closed = await Promise.allSettled(all.map((data) => data.close()));
    for (const result of closed) if (result.status === "rejected") throw result.reason;
  }

  [asyncDispose](): Promise<void> {
    return this.close();
  }
}

function lengthOf({ steps, epochs, accumulate }: Settings, batchesPerEpoch: number) {
  if (steps !== null) return { steps, epochs: Math.ceil((steps * accumulate) / batchesPerEpoch) };
  const batches = batchesPerEpoch * epochs;
  if (batches < accumulate) throw tooFewSteps(batches, accumulate);
  return { steps: Math.floor(batches / accumulate), epochs };
}

/**
 * The validation data of a phase; undefined, with a warning, if the phase has no loss to validate.
 * @throws {InputError} `train/too-few-to-validate`
 */
function validationOf(
  { settings, number }: Phase,
  validation: TrainingData | undefined,
  { onWarning }: TrainOptions,
): TrainingData | undefined {
  if (!validation) return undefined;
  if (!hasValidationLoss(settings)) {
    onWarning?.(notValidated(number));
    return undefined;
  }
  const { samples = Infinity, batchSize } = validation;
  if (comparesRows(settings.task) && samples < batchSize)
    throw tooFewToValidate(settings.task, samples, batchSize);
  return validation;
}

/**
 * @throws {UsageError} `usage/bad-option`, `train/unknown-length`, `train/too-few-steps`, `train/lora-...`,
 * `objective/...` @throws {InputError} `train/too-few-to-validate`
 */
export async function openPhase(
  phase: Phase,
  base: BaseModel,
  source: DataOfPhases,
  options: TrainOptions,
): Promise<OpenedPhase> {
  const { settings } = phase;
  const { onWarning } = options;
  const { data, validation: opened } = await source.open(settings);
  const validation = validationOf(phase, opened, options);
  const batchesPerEpoch = settings.batchesPerEpoch ?? data.batchesPerEpoch;
  if (batchesPerEpoch === undefined) throw unknownLength();
  const length = lengthOf(settings, batchesPerEpoch);
  const parts = {
    ...{ config: base.config, tokens: base.tokens, settings, samples: data.samples, batchesPerEpoch },
    encode: (text: string) => base.tokenizer.ids(text),
  };
  const validator = validation && objectiveOf(parts, true);
  // Only the first phase warns, because the warnings are the same in each phase.
  const plain = objectiveOf({ ...parts, ...(onWarning && phase.index === 0 && { warn: onWarning }) });
  const isPart = Object.values(settings.losses ?? {}).includes(0);
  const network = isPart ? objectiveOf({ ...parts, settings: { ...settings, losses: null } }) : undefined;
  const whole = validator ? { ...plain, graphs: { [validationGraph]: validator.graph.graph } } : plain;
  const lora = settings.lora ? beginLora(whole, base, settings, settings.lora) : undefined;
  const objective = lora?.objective ?? whole;
  const weights = objective.graph.graph.weights.map(({ name, shape }) => ({ name, dims: shape }));
  const unused = settings.freeze === null ? undefined : frozenBy(settings.freeze).unused(weights);
  if (unused !== undefined)
    throw badTrainOption(
      "freeze",
      `${Object.keys(frozenParts).join(" or ")}, or prefixes of the names of trained weights`,
      unused,
    );
  return {
    ...phase,
    base,
    data,
    validation,
    objective,
    network,
    validator,
    lora,
    batchesPerEpoch,
    ...length,
  };
}

/** The result of a finished phase: its weights, its numbers of steps and epochs, and the pass to go on with. */
async function endOf(files: TrainingFiles, { folder, objective }: OpenedPhase) {
  const last = await openState(files, folder);
  const progress = progressOf(last.facts.position) ?? atBeginning;
  const { tensors } = progress.best === undefined ? last : await openState(files, folder, "best");
  const { momentum = {} } = objective.graph;
  const prefix = "weight ";
  const weights = [...tensors].flatMap(([key, tensor]): [string, StoredTensor][] => {
    const name = key.slice(prefix.length);
    return key.startsWith(prefix) && !Object.hasOwn(momentum, name) ? [[name, tensor]] : [];
  });
  const { epoch: epochs, position } = progress;
  // With `batchesPerEpoch`, an epoch may have several passes, or a pass several epochs.
  const pass = Math.max(epochs, (position?.epoch ?? -1) + 1);
  return { weights, steps: last.facts.step, epochs, pass };
}

/**
 * Adds a phase's initial weights: the model's weights, overwritten by the results of each earlier phase.
 * @param opened all phases
 * @throws {UsageError} `train/no-state` @throws {ModelError} `train/state`
 */
export async function beginPhase(
  files: TrainingFiles,
  opened: readonly OpenedPhase[],
  phase: OpenedPhase,
): Promise<BegunPhase> {
  const { base, settings, objective, lora } = phase;
  // A run with random initial weights uses no weights of the model: weights that no phase has trained are random too.
  let tensors: BaseModel["tensors"] = opened[0]?.settings.init === true ? new Map() : base.tensors;
  let [steps, epochs, pass] = [0, 0, 0];
  for (const earlier of opened.slice(0, phase.index)) {
    const { weights } = weightsToBegin(earlier.objective.graph, tensors, earlier.settings);
    const end = await endOf(files, earlier);
    tensors = new Map([...tensors, ...weights, ...end.weights]);
    [steps, epochs, pass] = [steps + end.steps, end.epochs, end.pass];
  }
  // Only the first phase begins with the model's own momentum encoders.
  if (phase.index > 0) tensors = withoutMomentum(tensors, (phase.network ?? objective).graph);
  const begun = lora ?? weightsToBegin(objective.graph, tensors, settings);
  const { network } = phase;
  const whole = network ? weightsToBegin(network.graph, tensors, settings).weights : begun.weights;
  return { ...phase, begun, whole, before: { steps, epochs, pass } };
}

/** The initial progress of a phase: after the epochs of the earlier phases. */
export function beginningOf({ before, data }: Pick<BegunPhase, "before" | "data">): Progress {
  const { seed, batchSize, samples = null } = data;
  const { steps, epochs: epoch, pass } = before;
  const position: TrainingPosition = { epoch: pass, batch: 0, sample: 0, seed, batchSize, samples };
  return { ...atBeginning, epoch, validated: steps, ...(pass > 0 && { position }) };
}

/** Opens all phases, runs `work`, then closes their data. */
export const withPhases = <T>(
  source: DataOfPhases,
  phases: readonly Phase[],
  open: (phase: Phase) => Promise<OpenedPhase>,
  work: (opened: readonly OpenedPhase[]) => Promise<T>,
): Promise<T> =>
  closing(source, async () => {
    const opened: OpenedPhase[] = [];
    for (const phase of phases) opened.push(await open(phase));
    return work(opened);
  });
