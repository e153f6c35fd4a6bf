// The batches of a trainer: pixel values, texts, and the position in the data after the batch.
import { optionNames, type Closable, type OwnFloats } from "@blip-ts/base";
import type { DataIdentity } from "./identity.ts";

/** The training tasks. `match` is BLIP's retrieval fine-tuning (ITC and ITM). */
export const trainingTasks = ["match", "caption", "vqa", "nlvr", "pretrain"] as const;

/** The name of a training task. */
export type TrainingTask = (typeof trainingTasks)[number];

/**
 * A position between two batches, in a form that JSON can store. Iteration from a position returns the same next
 * batches bit for bit, for any number of workers.
 */
export interface TrainingPosition {
  /** From 0. */
  readonly epoch: number;
  /** The number of batches of this epoch before the position. */
  readonly batch: number;
  /** The number of samples of this epoch's order before the position, including samples that were left out. */
  readonly sample: number;
  /** The seed of the order. Resuming with another seed, batch size or data set is an error. */
  readonly seed: number;
  readonly batchSize: number;
  /** The number of samples of the data set; null for streams, which are not counted in advance. */
  readonly samples: number | null;
}

interface BatchOf<T extends TrainingTask> {
  readonly task: T;
  /** The number of samples, B. */
  readonly size: number;
  /**
   * [B, 3, S, S], normalised; `nlvr`: [2 B, 3, S, S], first the left images of all samples, then the right ones. The
   * caller owns it and may transfer it to another thread.
   */
  readonly pixels: OwnFloats;
  /** S, in pixels. */
  readonly imageSize: number;
  /** From 0. */
  readonly epoch: number;
  /** The number of the batch within its epoch, from 0. */
  readonly batch: number;
  /** The number of each sample in the data set [B]; in a stream, its place in the epoch. */
  readonly samples: readonly number[];
  /** The position after this batch. */
  readonly position: TrainingPosition;
}

/** The fields that the batches of all tasks share. */
export type CommonFields = Omit<BatchOf<TrainingTask>, "task">;

export interface MatchBatch extends BatchOf<"match"> {
  /** Cleaned by BLIP's `pre_caption`, one per image [B]. */
  readonly captions: readonly string[];
  /** The image's id [B], equal for texts of the same image: whole numbers from 0 in order of appearance. */
  readonly imageIds: readonly number[];
  /**
   * A false caption per image, for rows that have one [B]. Present only with `falseCaptions`, and only if at least one
   * row has one.
   */
  readonly falseCaptions?: readonly (string | undefined)[];
}

export interface CaptionBatch extends BatchOf<"caption"> {
  /** The prompt and the cleaned caption [B]. */
  readonly captions: readonly string[];
  /** Default: "a picture of ". Its tokens are masked, so they are not trained on. */
  readonly prompt: string;
}

export interface VqaBatch extends BatchOf<"vqa"> {
  /** Cleaned by BLIP's `pre_question` [B]. */
  readonly questions: readonly string[];
  /** The distinct answers of all questions, in the order of the questions [A]. */
  readonly answers: readonly string[];
  /** The weight of each answer [A]: the share of people who gave it, or 0.2 for Visual Genome's answers. */
  readonly weights: readonly number[];
  /** The number of answers per question [B]; the sum is A. */
  readonly answerCounts: readonly number[];
}

export interface NlvrBatch extends BatchOf<"nlvr"> {
  /** Cleaned by `pre_caption` [B]. */
  readonly sentences: readonly string[];
  /** 1 if the sentence is true of the two images [B]. */
  readonly labels: readonly (0 | 1)[];
}

export interface PretrainBatch extends BatchOf<"pretrain"> {
  /** Cleaned by `pre_caption`, without a prompt [B]. */
  readonly captions: readonly string[];
  /**
   * A false caption per image, for rows that have one [B]. Present only with `falseCaptions`, and only if at least one
   * row has one.
   */
  readonly falseCaptions?: readonly (string | undefined)[];
  /** The number of each patch's name, -1 if unknown [B], for samples that have labels; only with `patches`. */
  readonly patches?: readonly (readonly number[] | undefined)[];
}

export interface BatchByTask {
  readonly match: MatchBatch;
  readonly caption: CaptionBatch;
  readonly vqa: VqaBatch;
  readonly nlvr: NlvrBatch;
  readonly pretrain: PretrainBatch;
}

export type TrainingBatch<T extends TrainingTask = TrainingTask> = BatchByTask[T];

/** A sample that is left out, with the reason. `line` is the reason as text. */
export interface SkippedSample {
  /** `captions.jsonl, line 3: dog.jpg: expected an image (...), got text. ...` */
  readonly line: string;
  readonly error: Error;
}

/** Statistics since the data was opened. */
export interface TrainingDataStats {
  readonly batches: number;
  readonly samples: number;
  /** The number of rows and images that could not be used. Each attempt counts. */
  readonly skipped: number;
  /** Seconds that the trainer waited for batches. */
  readonly waitedSeconds: number;
  /** The share of the time since the first request that the trainer spent waiting, 0 to 1. */
  readonly waitShare: number;
  /** The number of workers that died and were replaced. */
  readonly replacedWorkers: number;
}

export interface BatchesOptions {
  /** Where to start: the `position` of the last batch that was used. Default: the beginning. */
  readonly from?: TrainingPosition | undefined;
  /** Iteration ends before this epoch. Default: it never ends. */
  readonly untilEpoch?: number | undefined;
  /** Returns batches for inspection: `stats()` does not count them, and `onSkip` is not called. */
  readonly preview?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export const batchesOptionNames = optionNames<BatchesOptions>()({
  from: true,
  untilEpoch: true,
  preview: true,
  signal: true,
});

/** Training data: batches in an order that the seed determines. */
export interface TrainingData<T extends TrainingTask = TrainingTask> extends Closable {
  /** The training task. */
  readonly task: T;
  /** A readable description of the detected format: `CSV, read as "table" (...)`. */
  readonly description: string;
  /** Samples per batch. */
  readonly batchSize: number;
  /** The side of the images, in pixels. */
  readonly imageSize: number;
  /** The seed of the order and of augmentation. */
  readonly seed: number;
  /** Identifies the content of the data, for resumed runs. */
  readonly identity: DataIdentity;
  /** Usable samples per epoch, counted from the lists; undefined for streams (shards, tables with images). */
  readonly samples: number | undefined;
  /** Batches per epoch if every image can be read; undefined for streams. */
  readonly batchesPerEpoch: number | undefined;
  /**
   * Returns an iterator over batches, which are prepared ahead. Only one iteration may run at a time.
   * @throws {UsageError} `train-data/bad-position`, `train-data/busy`
   * @throws {InputError} `train-data/no-samples`, `train-data/too-few`, `train-data/all-bad`, and errors of the data
   * set's own files (`dataset/...`) @throws the signal's reason
   */
  batches(options?: BatchesOptions): AsyncIterableIterator<TrainingBatch<T>>;
  /** Returns a copy of the statistics. */
  stats(): TrainingDataStats;
}
