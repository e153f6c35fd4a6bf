// Training data of a task: epochs of batches that depend only on the data, the seed and the options.
import { asyncDispose, type InputError, unlessAborted, expectOptions, whenAborted } from "@blip-ts/base";
import type { Dataset } from "@blip-ts/datasets";
import {
  type BatchesOptions,
  type TrainingBatch,
  type TrainingData,
  type TrainingDataStats,
  type TrainingPosition,
  type TrainingTask,
  batchesOptionNames,
} from "./batch.ts";
import { GrowingBatch } from "./collate.ts";
import { allBad, busy, closed, noSamples, tooFew } from "./errors.ts";
import type { DataIdentity } from "./identity.ts";
import type { ReaderTask } from "./items.ts";
import type { ImagePlan, SampleLoader } from "./load-sample.ts";
import { resolveOptions, type ResolvedOptions, type TrainingDataOptions } from "./options.ts";
import { checkPosition, maxEpoch, startOf } from "./position.ts";
import { SampleQueue, type Loaded } from "./sample-queue.ts";
import { openSamples, type SampleSource } from "./sample-source.ts";
import { SkipLog } from "./skip-log.ts";
import { Stopwatch } from "./stopwatch.ts";

/** The platform-specific functions for training data. */
export interface DataParts<T extends TrainingTask> {
  /** Opens the data set. Its readers call `onRowError` for each invalid row. */
  open(onRowError: (error: InputError) => void): Promise<Dataset<ReaderTask<T>>>;
  /** Creates the image loader for a plan. The training data closes it. */
  loader(plan: ImagePlan): SampleLoader;
}

interface Opened<T extends TrainingTask> {
  readonly task: T;
  readonly name: string;
  readonly description: string;
  readonly source: SampleSource;
  readonly loader: SampleLoader;
  readonly options: ResolvedOptions;
  readonly skips: SkipLog;
}

class OpenTrainingData<T extends TrainingTask> implements TrainingData<T> {
  readonly #opened: Opened<T>;
  readonly #watch = new Stopwatch();
  #running: AbortController | undefined;
  #closed = false;
  #batches = 0;
  #samples = 0;
  #badInRow = 0;

  constructor(opened: Opened<T>) {
    this.#opened = opened;
  }

  get task(): T {
    return this.#opened.task;
  }

  get description(): string {
    return this.#opened.description;
  }

  get batchSize(): number {
    return this.#opened.options.batchSize;
  }

  get imageSize(): number {
    return this.#opened.options.imageSize;
  }

  get seed(): number {
    return this.#opened.options.seed;
  }

  get identity(): DataIdentity {
    return this.#opened.source.identity;
  }

  get samples(): number | undefined {
    return this.#opened.source.samples ?? undefined;
  }

  get batchesPerEpoch(): number | undefined {
    const { samples, batchSize } = this;
    if (samples === undefined) return undefined;
    return this.#opened.options.dropLast ? Math.floor(samples / batchSize) : Math.ceil(samples / batchSize);
  }

  stats(): TrainingDataStats {
    const { skips, loader } = this.#opened;
    return {
      batches: this.#batches,
      samples: this.#samples,
      skipped: skips.count,
      waitedSeconds: this.#watch.waited / 1000,
      waitShare: this.#watch.share,
      replacedWorkers: loader.replaced,
    };
  }

  async *batches(options: BatchesOptions = {}): AsyncGenerator<TrainingBatch<T>, undefined> {
    expectOptions("batches", options, batchesOptionNames);
    const { from, untilEpoch = maxEpoch + 1, preview = false, signal } = options;
    if (this.#closed) throw closed();
    if (this.#running !== undefined) throw busy();
    signal?.throwIfAborted();
    const position = from === undefined ? startOf(this.#run) : checkPosition(from, this.#run);
    const own = new AbortController();
    this.#running = own;
    this.#opened.skips.silent = preview;
    const abort = () => own.abort(signal?.reason);
    const forget = whenAborted(signal, abort);
    try {
      yield* this.#epochs(position, untilEpoch, own.signal);
    } finally {
      forget();
      own.abort();
      this.#opened.skips.silent = false;
      this.#running = undefined;
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#running?.abort(closed());
    await this.#opened.loader.close();
  }

  [asyncDispose](): Promise<void> {
    return this.close();
  }

  get #run(): Pick<TrainingPosition, "seed" | "batchSize" | "samples"> {
    return { seed: this.seed, batchSize: this.batchSize, samples: this.#opened.source.samples };
  }

  async *#epochs(
    start: TrainingPosition,
    untilEpoch: number,
    signal: AbortSignal,
  ): AsyncGenerator<TrainingBatch<T>, undefined> {
    let from = start;
    for (let epoch = start.epoch; epoch < untilEpoch; epoch++) {
      const room = this.batchSize * this.#opened.options.ahead + this.#opened.loader.parallel;
      const entries = this.#opened.source.entries(epoch, from.sample);
      const queue = new SampleQueue(entries, this.#opened.loader, { epoch, room, signal });
      try {
        yield* this.#epoch(queue, from, signal);
      } finally {
        await queue.close();
      }
      from = { ...startOf(this.#run), epoch: epoch + 1 };
    }
  }

  async *#epoch(
    queue: SampleQueue,
    from: TrainingPosition,
    signal: AbortSignal,
  ): AsyncGenerator<TrainingBatch<T>, undefined> {
    let position = from;
    let good = 0;
    for (;;) {
      const growing = this.#newBatch(from.epoch);
      const preview = this.#opened.skips.silent;
      const fill = () => this.#fillBatch(growing, queue, position.sample, signal);
      const sample = await (preview ? fill() : this.#watch.waiting(fill));
      good += growing.size;
      if (growing.size === 0 || (!growing.isFull && this.#opened.options.dropLast)) break;
      const { batch } = position;
      position = { ...position, batch: batch + 1, sample };
      if (!preview) {
        this.#batches++;
        this.#samples += growing.size;
      }
      // The batch has this object's task.
      yield growing.finish(batch, position) as TrainingBatch<T>;
    }
    if (position.batch === 0) this.#refuse(good);
    return undefined;
  }

  #newBatch(epoch: number): GrowingBatch {
    const { task, options } = this.#opened;
    return new GrowingBatch({ ...options, task, epoch, swap: options.augment !== false && task === "nlvr" });
  }

  /** Adds samples until the batch is full or the epoch ends. @returns the position in the epoch's order after them */
  async #fillBatch(
    growing: GrowingBatch,
    queue: SampleQueue,
    start: number,
    signal: AbortSignal,
  ): Promise<number> {
    let sample = start;
    while (!growing.isFull) {
      const loaded = await unlessAborted(queue.next(), signal);
      signal.throwIfAborted();
      if (loaded === undefined) break;
      sample++;
      if ("error" in loaded) this.#skip(loaded);
      else {
        this.#badInRow = 0;
        growing.add(loaded.entry, loaded.values);
      }
    }
    return sample;
  }

  /** @throws {InputError} `train-data/all-bad` */
  #skip({ entry, error }: Extract<Loaded, { error: InputError }>): void {
    const { skips, options, name } = this.#opened;
    skips.skip(error, entry.item.place);
    if (++this.#badInRow >= options.maxBadInRow) throw allBad(name, this.#badInRow, skips.reasons);
  }

  /** Throws after an epoch without a batch, because such epochs would repeat forever. */
  #refuse(good: number): never {
    const { name, skips, options } = this.#opened;
    if (good > 0) throw tooFew(name, good, options.batchSize);
    if (this.#badInRow > 0) throw allBad(name, this.#badInRow, skips.reasons);
    throw noSamples(name, skips.count, skips.reasons);
  }
}

/**
 * Opens a task's training data.
 * @throws {UsageError} `train-data/bad-option`
 * @throws {InputError} `train-data/no-samples`, `train-data/too-few`, `train-data/mixed`, `train-data/too-large`, and
 * errors of the data set's files (`dataset/...`) @throws the signal's reason
 */
export async function openTrainingData<T extends TrainingTask>(
  task: T,
  parts: DataParts<T>,
  options: TrainingDataOptions,
  signal?: AbortSignal,
): Promise<TrainingData<T>> {
  const resolved = resolveOptions(task, options);
  signal?.throwIfAborted();
  const skips = new SkipLog(resolved.onSkip);
  const dataset = await unlessAborted(
    parts.open((error) => skips.skip(error)),
    signal,
  );
  for (const warning of dataset.warnings) resolved.onWarning(warning);
  const source = await openSamples({ task, dataset, options: resolved, skips, signal });
  const { name, description } = dataset;
  if (source.samples !== null && source.samples < resolved.batchSize && resolved.dropLast)
    throw tooFew(name, source.samples, resolved.batchSize);
  const { seed, imageSize, augment, mean, std, pillowOrder } = resolved;
  const loader = parts.loader({ seed, imageSize, augment, mean, std, pillowOrder });
  return new OpenTrainingData({ task, name, description, source, loader, options: resolved, skips });
}
