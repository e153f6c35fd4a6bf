// What a trainer gets: batches of pixel values and texts, and where in the data each of them ends.
import { optionNames, type Closable, type OwnFloats } from "@blip-ts/base";

/** What is trained. `match` is BLIP's retrieval fine-tuning (ITC and ITM). */
export const trainingTasks = ["match", "caption", "vqa", "nlvr", "pretrain"] as const;

/** What can be trained. */
export type TrainingTask = (typeof trainingTasks)[number];

/**
 * A place between two batches, as JSON holds it. Batches that are asked for from here are the ones that would have come
 * next, number for number, whatever the number of workers.
 */
export interface TrainingPosition {
  /** From 0. */
  readonly epoch: number;
  /** Batches of this epoch before the place. */
  readonly batch: number;
  /** Samples of this epoch's order before the place, those that were left out among them. */
  readonly sample: number;
  /** What the order follows from. Another seed, batch size or data set has other batches and is refused. */
  readonly seed: number;
  readonly batchSize: number;
  /** Samples of the data set; null for streams, which are not counted in advance. */
  readonly samples: number | null;
}

interface BatchOf<T extends TrainingTask> {
  readonly task: T;
  /** Samples of the batch, B. */
  readonly size: number;
  /**
   * [B, 3, S, S], normalised; `nlvr`: [2 B, 3, S, S], the first images of all samples before the second ones. It is the
   * reader's own: it may be transferred to another thread.
   */
  readonly pixels: OwnFloats;
  /** S, in pixels. */
  readonly imageSize: number;
  /** From 0. */
  readonly epoch: number;
  /** Of this epoch, from 0. */
  readonly batch: number;
  /** The number of each sample in the data set [B]; in a stream its place in the epoch. */
  readonly samples: readonly number[];
  /** Where the next batch begins. */
  readonly position: TrainingPosition;
}

/** What the batches of all tasks have. */
export type CommonFields = Omit<BatchOf<TrainingTask>, "task">;

export interface MatchBatch extends BatchOf<"match"> {
  /** Cleaned by BLIP's `pre_caption`, one per image [B]. */
  readonly captions: readonly string[];
  /** Equal for texts of the same image [B]: whole numbers from 0 in order of appearance. */
  readonly imageIds: readonly number[];
  /**
   * A caption that is false of each image, of rows that have one [B]; only with `falseCaptions`, and if at least one row
   * has one.
   */
  readonly falseCaptions?: readonly (string | undefined)[];
}

export interface CaptionBatch extends BatchOf<"caption"> {
  /** The prompt and the cleaned caption [B]. */
  readonly captions: readonly string[];
  /** "a picture of " unless told. It is not to be learned: its tokens are masked. */
  readonly prompt: string;
}

export interface VqaBatch extends BatchOf<"vqa"> {
  /** Cleaned by BLIP's `pre_question` [B]. */
  readonly questions: readonly string[];
  /** Distinct answers of all questions, one question behind the other [A]. */
  readonly answers: readonly string[];
  /** The weight of each answer [A]: the share of people who gave it, 0.2 for Visual Genome's. */
  readonly weights: readonly number[];
  /** Answers per question [B]; they add up to A. */
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
   * A caption that is false of each image, of rows that have one [B]; only with `falseCaptions`, and if at least one row
   * has one.
   */
  readonly falseCaptions?: readonly (string | undefined)[];
  /** The number of what each patch shows, -1 if it is not known [B], of samples that say so; only with `patches`. */
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

/** A sample that is left out, and why: `line` is what a person reads. */
export interface SkippedSample {
  /** `captions.jsonl, line 3: dog.jpg: expected a picture (...), found text. ...` */
  readonly line: string;
  readonly error: Error;
}

/** Since the data was opened. */
export interface TrainingDataStats {
  readonly batches: number;
  readonly samples: number;
  /** Rows and images that could not be used, each time they were met. */
  readonly skipped: number;
  /** Seconds that the trainer waited for batches. */
  readonly waitedSeconds: number;
  /** Share of the time since the first batch was asked for that the trainer waited, 0 to 1: how much training was starved. */
  readonly waitShare: number;
  /** Workers that died and were replaced. */
  readonly replacedWorkers: number;
}

export interface BatchesOptions {
  /** The `position` of the last batch that was used; the beginning unless given. */
  readonly from?: TrainingPosition | undefined;
  /** The epoch behind the last one: batches of epochs below it are given. Without an end unless told. */
  readonly untilEpoch?: number | undefined;
  /** For a look at batches before they are used: `stats()` and `onSkip` do not hear of them. */
  readonly preview?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export const batchesOptionNames = optionNames<BatchesOptions>()({
  from: true,
  untilEpoch: true,
  preview: true,
  signal: true,
});

/** Data to train on, as batches in an order that the seed decides. */
export interface TrainingData<T extends TrainingTask = TrainingTask> extends Closable {
  /** What is trained. */
  readonly task: T;
  /** What was found, for people: `CSV, read as "table" (...)`. */
  readonly description: string;
  /** Samples of a batch. */
  readonly batchSize: number;
  /** Side of the images, in pixels. */
  readonly imageSize: number;
  /** Decides about order and augmentation. */
  readonly seed: number;
  /** Samples of an epoch that could be read from the lists; undefined for streams (shards, tables with images). */
  readonly samples: number | undefined;
  /** Batches of an epoch if no image is bad; undefined for streams. */
  readonly batchesPerEpoch: number | undefined;
  /**
   * Batches, prepared ahead. One iteration at a time.
   * @throws {UsageError} `train-data/bad-position`, `train-data/busy`
   * @throws {InputError} `train-data/no-samples`, `train-data/too-few`, `train-data/all-bad`, and what the data set's
   * own files throw (`dataset/...`) @throws the signal's reason
   */
  batches(options?: BatchesOptions): AsyncIterableIterator<TrainingBatch<T>>;
  /** A copy. */
  stats(): TrainingDataStats;
}
