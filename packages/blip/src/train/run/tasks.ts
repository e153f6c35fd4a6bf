// The differences between tasks: the objective, the encoding of texts, and the class of the result.
import type { Warning } from "@blip-ts/base";
import { imageTokens, type BlipConfig } from "../../model/config.ts";
import type { NetworkTask } from "../../tasks/task.ts";
import type { TrainingBatch, TrainingTask } from "../data/batch.ts";
import type { ImageBatch, PairBatch } from "../objectives/batches.ts";
import type { ComposedObjective, WeightedPart } from "../objectives/compose.ts";
import {
  encodeCaptions,
  encodePairs,
  encodeQuestions,
  encodeStatements,
  type Encode,
} from "../objectives/encode.ts";
import {
  captionObjective,
  matchObjective,
  nlvrObjective,
  pretrainObjective,
  vqaObjective,
} from "../objectives/tasks.ts";
import { filledCaptions, filledQuestions, filledStatements } from "../objectives/fill.ts";
import { patchNames } from "../objectives/patch-names.ts";
import type { SpecialTokens } from "../objectives/token-rows.ts";
import type { Settings } from "./settings.ts";
import { badTrainOption, lossesOf } from "../recipes/index.ts";

/** Maps a training task to the package's task whose network it trains. */
export const networkTaskOf: Readonly<Record<TrainingTask, NetworkTask>> = {
  match: "match",
  caption: "caption",
  vqa: "ask",
  nlvr: "compare",
  pretrain: "match",
};

/** Whether a row's loss depends on the other rows of its batch, so that only full batches have a loss. */
export const comparesRows = (task: TrainingTask): boolean => task === "match" || task === "pretrain";

/** Whether validation computes one of the losses. It computes no `patchNames`, which trains a head of its own. */
export const hasValidationLoss = ({ task, losses }: Pick<Settings, "task" | "losses">): boolean =>
  lossesOf[task].some((name) => name !== "patchNames" && (losses?.[name] ?? 1) > 0);

/** An objective that reads the batches of training data. */
export type DataObjective = ComposedObjective<TrainingBatch>;

export interface ObjectiveParts {
  readonly config: BlipConfig;
  readonly tokens: SpecialTokens;
  readonly encode: Encode;
  readonly settings: Settings;
  /** The number of samples of the data, if known. */
  readonly samples: number | undefined;
  readonly batchesPerEpoch: number;
  readonly warn?: (warning: Warning) => void;
}

/** Wraps an objective so that it reads the batches of training data. */
function reading<Batch extends ImageBatch, T extends TrainingTask>(
  objective: ComposedObjective<Batch>,
  task: T,
  encode: (batch: TrainingBatch<T>) => Batch,
): DataObjective {
  const known = new WeakMap<TrainingBatch, Batch>();
  const encoded = (batch: TrainingBatch): Batch => {
    if (batch.task !== task) throw new Error(`a batch of ${batch.task} in training of ${task}`);
    const inputs = known.get(batch) ?? encode(batch as TrainingBatch<T>);
    known.set(batch, inputs);
    return inputs;
  };
  return {
    ...objective,
    inputs: (batch, context) => objective.inputs(encoded(batch), context),
    weight: (batch) => objective.weight?.(encoded(batch)) ?? 1,
    after: (outputs, batch, context) => objective.after?.(outputs, encoded(batch), context),
  };
}

/** The loss `patch-names`, if the recipe uses it. */
function patchLosses({ losses, patchNames: kinds }: Settings): WeightedPart<PairBatch>[] {
  if (losses?.patchNames === undefined || !kinds) return [];
  const { names, weights } = kinds;
  const part = patchNames({ kinds: names.length, ...(weights && { weights }) });
  return [{ part, weight: losses.patchNames }];
}

/** The patch labels of a batch [B, count]: -1 for rows without labels. */
function patchesOf({ size, patches }: TrainingBatch<"pretrain">, count: number): readonly number[] {
  const unknown = new Array<number>(count).fill(-1);
  return (patches ?? new Array<undefined>(size).fill(undefined)).flatMap((row) => row ?? unknown);
}

/**
 * Builds the objective of a run.
 * @param validates whether to build it for validation: without dropout, and with a queue of one batch
 * @throws {UsageError} `objective/...`
 */
export function objectiveOf(parts: ObjectiveParts, validates = false): DataObjective {
  const { config, tokens, encode, settings, samples, batchesPerEpoch, warn } = parts;
  const { task, batchSize, seed } = settings;
  const rates = validates
    ? { dropout: 0, dropPath: 0 }
    : { dropout: settings.dropout, dropPath: settings.dropPath };
  const { losses } = settings;
  const options = { batch: batchSize, ...rates, tokens, ...(losses && { losses }) };
  const contrastive = {
    ...options,
    ...{
      samples,
      seed,
      queue: validates ? batchSize : settings.queue,
      alpha: validates ? 0 : settings.alpha,
      falseCaptions: settings.falseCaptions,
    },
    rampSteps: Math.ceil(batchesPerEpoch / settings.accumulate) * (task === "pretrain" ? 2 : 1),
    ...(warn && !validates && { warn }),
  };
  switch (task) {
    case "match":
      return reading(matchObjective(config, contrastive), task, (batch) => encodePairs(batch, encode));
    case "pretrain": {
      const more = validates ? [] : patchLosses(settings);
      const count = imageTokens(config.vision) - 1;
      return reading(pretrainObjective(config, { ...contrastive, more }), task, (batch) => ({
        ...encodePairs(batch, encode),
        ...(more.length > 0 && { patches: patchesOf(batch, count) }),
      }));
    }
    case "caption":
      return reading(captionObjective(config, options), task, (batch) =>
        filledCaptions(encodeCaptions(batch, encode), batchSize),
      );
    case "vqa":
      return reading(vqaObjective(config, options), task, (batch) =>
        filledQuestions(encodeQuestions(batch, encode), batchSize),
      );
    case "nlvr":
      return reading(nlvrObjective(config, options), task, (batch) =>
        filledStatements(encodeStatements(batch, encode), batchSize),
      );
  }
}

/** @throws {UsageError} `usage/bad-option` */
export function trainingTaskNamed(name: string, known: readonly TrainingTask[]): TrainingTask {
  const task = known.find((one) => one === name);
  if (task) return task;
  throw badTrainOption("task", known.join(", "), name);
}
