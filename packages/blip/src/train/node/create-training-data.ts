// Training data from files and folders, which threads load.
import { expectOptions, optionNames, type InputError } from "@blip-ts/base";
import { readDataset, type Dataset, type PathOptions } from "@blip-ts/datasets/node";
import { availableParallelism } from "node:os";
import type { TrainingData, TrainingTask } from "../data/batch.ts";
import { readerTasks, type ReaderTask } from "../data/items.ts";
import { inProcessLoader, type ImagePlan } from "../data/load-sample.ts";
import { type TrainingDataOptions, trainingDataOptionNames } from "../data/options.ts";
import { openTrainingData } from "../data/training-data.ts";
import { nodeDecode } from "./decode-source.ts";
import { badWorkers } from "./errors.ts";
import type { TrainingDecode } from "./messages.ts";
import { startSampleThread } from "./start-thread.ts";
import { threadLoader } from "./thread-loader.ts";

/** How to read the files of a run's data. */
export type Reader = Omit<PathOptions, "onRowError">;

/** Options to read data from files in Node. */
export interface NodeTrainingDataOptions extends TrainingDataOptions {
  /**
   * Threads that decode and augment. Default: one less than the processor's cores, from 1 to 8. 0: the main thread.
   * Decoders share Node's pool of 4 threads. For more than 4, set the environment variable UV_THREADPOOL_SIZE.
   */
  readonly workers?: number | undefined;
  /**
   * How to read the files: `imageRoot`, `format`, `split`, `columns`, `annotations`, ... Default: detected.
   */
  readonly reader?: Reader | undefined;
  /** How to decode. Default, as with `compat: "blip"`: drop alpha, turn images upright, and clip 16-bit grey. */
  readonly decode?: Partial<TrainingDecode> | undefined;
  /** Aborts opening the data. It does not affect the batches. */
  readonly signal?: AbortSignal | undefined;
}

const nodeTrainingDataNames = optionNames<NodeTrainingDataOptions>()({
  ...trainingDataOptionNames,
  workers: true,
  reader: true,
  decode: true,
  signal: true,
});

const defaultWorkers = (): number => Math.min(8, Math.max(1, availableParallelism() - 1));

/**
 * Opens a task's training data from one file or folder, or several in sequence. docs/datasets.md lists the formats.
 * @throws {UsageError} `train-data/bad-option`, `dataset/bad-option`
 * @throws {InputError} `train-data/no-samples`, `train-data/too-few`, `train-data/mixed`, `train-data/too-large`,
 * `dataset/...` @throws the signal's reason
 */
export async function createTrainingData<T extends TrainingTask>(
  task: T,
  path: string | readonly string[],
  options: NodeTrainingDataOptions,
): Promise<TrainingData<T>> {
  expectOptions("createTrainingData", options, nodeTrainingDataNames);
  const { workers = defaultWorkers(), reader = {}, decode = {}, signal, ...rest } = options;
  if (!(Number.isInteger(workers) && workers >= 0 && workers <= 256)) throw badWorkers(workers);
  const decoding: TrainingDecode = { alpha: "drop", orientation: "upright", grey16: "clip", ...decode };
  const open = (onRowError: (error: InputError) => void): Promise<Dataset<ReaderTask<T>>> =>
    readDataset<ReaderTask<T>>(readerTasks[task], path, { ...reader, onRowError });
  const loader = (plan: ImagePlan) =>
    workers === 0
      ? inProcessLoader(plan, nodeDecode(decoding))
      : threadLoader(startSampleThread({ plan, decode: decoding }), workers);
  return openTrainingData(task, { open, loader }, rest, signal);
}
