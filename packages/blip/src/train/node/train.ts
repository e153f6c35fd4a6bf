// Training in Node: reads data from files and folders, and writes the run's folder to disk.
import { expectOptions, optionNames, picked, withoutNames } from "@blip-ts/base";
import { pathOptionNames } from "@blip-ts/datasets/node";
import type { Platform } from "../../platform.ts";
import { nodePlatform } from "../../platform/node/node-platform.ts";
import { lockFile, nodeTraining } from "../../platform/node/training-platform.ts";
import type { TrainingDataOptions } from "../data/options.ts";
import type { TrainingTask } from "../data/batch.ts";
import { runTraining, type TrainReport } from "../run/run.ts";
import { trainOptionNames, type TrainOptions } from "../run/options.ts";
import { badTrainOption, type Measure } from "../run/index.ts";
import { createTrainingData, type NodeTrainingDataOptions, type Reader } from "./create-training-data.ts";
import type { measureOn } from "./measure.ts";

/** Options of training in Node. */
export interface NodeTrainOptions extends TrainOptions {
  /**
   * Validation data. After each epoch, the validation loss and the task's metrics are computed. The run keeps the best
   * weights as its result. The metrics need a second copy of the weights: 4 bytes per number.
   */
  readonly validation?: string | readonly string[] | undefined;
  /** Threads that load images. Default: as for `createTrainingData`. */
  readonly workers?: NodeTrainingDataOptions["workers"];
  /** How to read the data's files. Default: detected from their content. */
  readonly reader?: NodeTrainingDataOptions["reader"];
  /**
   * How to read the validation data's files. Each of its fields replaces the one of `reader`. Default: as `reader`,
   * without its `split` and `annotations`, which belong to the data that the run trains on.
   */
  readonly validationReader?: NodeTrainingDataOptions["reader"];
}

const nodeTrainNames = optionNames<NodeTrainOptions>()({
  ...trainOptionNames,
  validation: true,
  workers: true,
  reader: true,
  validationReader: true,
});

/** The fields of `reader` that hold for the validation data too. */
const sharedNames = withoutNames(pathOptionNames, "onRowError", "split", "annotations");

/** How to read the validation data. @throws {UsageError} `usage/bad-option` */
function validationReaderOf({
  validation,
  reader = {},
  validationReader,
}: Pick<NodeTrainOptions, "validation" | "reader" | "validationReader">): Reader {
  if (validationReader !== undefined && validation === undefined)
    throw badTrainOption("validationReader", "validation data with it", "none", "Add the option validation.");
  return { ...picked<Omit<Reader, "split" | "annotations">>(reader, sharedNames), ...validationReader };
}

/** Loads the evaluation code on first use. */
const measureLater =
  (...data: Parameters<typeof measureOn>): Measure =>
  async (...asked) => {
    const { measureOn: measure } = await import("./measure.ts");
    return measure(...data)(...asked);
  };

/**
 * Trains or fine-tunes a model for a task, and writes run.json, metrics.jsonl, state/ and model/ into `options.out`.
 * `match`, `caption` and `vqa` write a Hugging Face folder; `nlvr` and `pretrain` write one with the original names.
 * @param task `match` (retrieval fine-tuning: ITC and ITM), `caption`, `vqa`, `nlvr` or `pretrain`
 * @param data a file or folder in a format of docs/datasets.md, or several in sequence
 * @throws {UsageError} `usage/bad-option`, `train/in-use`, `train/out-occupied`, `train/no-run`, `train/other-run`, `train-data/...`
 * @throws {ModelError} if the model cannot be used, `train/not-finite`, `train/memory`
 * @throws {InputError} if the data cannot be used @throws the signal's reason, after the state is saved
 */
export async function train(
  task: TrainingTask,
  data: string | readonly string[],
  trainOptions: NodeTrainOptions,
): Promise<TrainReport> {
  expectOptions("train", trainOptions, nodeTrainNames);
  const { validation, workers, reader, validationReader, ...options } = trainOptions;
  const reading = validationReaderOf({ validation, reader, validationReader });
  const open =
    (path: string | readonly string[], how: Reader | undefined) => (settings: TrainingDataOptions) =>
      createTrainingData(task, path, { ...settings, workers, reader: how, signal: options.signal });
  const platform: Platform<never> = nodePlatform;
  return runTraining(
    task,
    {
      ...{ platform, training: nodeTraining, openData: open(data, reader) },
      ...(validation !== undefined && {
        openValidation: open(validation, reading),
        measure: measureLater(task, validation, reading),
      }),
      freeMemory: () => process.availableMemory(),
      lock: lockFile,
    },
    options,
  );
}
