// The epochs of a run: batches to steps, states, validation, and the rows of metrics.jsonl.
import { ModelError } from "@blip-ts/base";
import type { TrainingBatch, TrainingData } from "../data/batch.ts";
import type { TrainingFiles } from "../checkpoint/files.ts";
import type { StepResult, Trainer } from "../loop/trainer.ts";
import { Clock } from "./clock.ts";
import { notFiniteRun, type NotFinite } from "./errors.ts";
import { stateFolder } from "./folder.ts";
import { MetricsLog } from "./log.ts";
import type { Settings, StepReport, TrainOptions } from "./options.ts";
import { progressJson, type Progress } from "./progress.ts";

/** The graph of validation among the objective's. */
export const validationGraph = "validation";

export interface LoopParts {
  readonly files: TrainingFiles;
  readonly trainer: Trainer<TrainingBatch>;
  readonly data: TrainingData;
  readonly settings: Settings;
  readonly options: TrainOptions;
  /** Steps of the whole run. */
  readonly steps: number;
  /** The mean loss over the validation data; undefined if there is none. */
  readonly validate: (() => Promise<number>) | undefined;
}

/** Parts of the loss, by name: the mean over the step's batches. */
function lossesOf({ outputs }: StepResult): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const found of outputs)
    for (const [name, { data, dims }] of Object.entries(found))
      if (name.startsWith("loss ") && dims.length === 0)
        sums[name.slice("loss ".length)] =
          (sums[name.slice("loss ".length)] ?? 0) + Number(data[0]) / outputs.length;
  return sums;
}

const jsonNumber = (value: number): number | string => (Number.isFinite(value) ? value : String(value));

export class TrainingLoop {
  readonly #parts: LoopParts;
  readonly #log: MetricsLog;
  readonly #clock = new Clock();
  progress: Progress;
  lastLoss: number | undefined;

  constructor(parts: LoopParts, progress: Progress) {
    this.#parts = parts;
    this.progress = progress;
    this.#log = new MetricsLog(parts.files, parts.options.out);
  }

  get imagesPerSecond(): number {
    return this.#clock.imagesPerSecond;
  }

  /** Whether no better validation loss came for too long. */
  #ends(): boolean {
    const { patience } = this.#parts.settings;
    return patience !== null && this.progress.stale >= patience;
  }

  /**
   * Trains until the last epoch, or until validation no longer gets better.
   * @throws {ModelError} `train/not-finite` @throws the signal's reason, when the state is saved
   */
  async run(): Promise<void> {
    const { data, settings, trainer } = this.#parts;
    const { epochs, accumulate } = settings;
    await this.#log.keep(trainer.steps, this.progress.epoch);
    const { position } = this.progress;
    let pending: TrainingBatch[] = [];
    if (!this.#ends())
      for await (const batch of data.batches({
        untilEpoch: epochs,
        ...(position && { from: position }),
      })) {
        await this.#endEpochsBelow(batch.epoch);
        if (this.#ends()) break;
        pending.push(batch);
        if (pending.length < accumulate) continue;
        await this.#step(pending);
        pending = [];
      }
    await this.#endEpochsBelow(epochs);
  }

  async #endEpochsBelow(epoch: number): Promise<void> {
    while (this.progress.epoch < epoch && !this.#ends()) await this.#endEpoch();
  }

  async #step(batches: readonly TrainingBatch[]): Promise<void> {
    const { trainer, options } = this.#parts;
    const result = await trainer.stepOver(batches).catch((error: unknown) => this.#refuse(error, batches));
    const last = batches.at(-1);
    this.lastLoss = result.loss;
    const { lossSum, lossCount } = this.progress;
    this.progress = {
      ...this.progress,
      ...{ position: last?.position, lossSum: lossSum + result.loss, lossCount: lossCount + 1 },
    };
    this.#clock.tick(batches.reduce((sum, { size }) => sum + size, 0));
    const report = this.#report(result);
    await this.#log.add({ ...report });
    options.onStep?.(report);
    if (options.signal?.aborted === true) {
      await this.#save(false);
      options.signal.throwIfAborted();
    }
    if (trainer.steps % (options.saveSteps ?? 500) === 0) await this.#save(false);
  }

  #report(result: StepResult): StepReport {
    const { data, steps } = this.#parts;
    const { step, loss, norm, lr } = result;
    return {
      ...{ step, steps, epoch: this.progress.epoch, loss, losses: lossesOf(result), norm, lr },
      imagesPerSecond: this.#clock.imagesPerSecond,
      secondsLeft: this.#clock.secondsLeft(Math.max(0, steps - step - 1)),
      waitShare: data.stats().waitShare,
    };
  }

  async #endEpoch(): Promise<void> {
    const { validate, options, trainer } = this.#parts;
    const { epoch, lossSum, lossCount, best, stale } = this.progress;
    const score = validate ? await validate() : undefined;
    const isBest = score !== undefined && (best === undefined || score < best);
    this.progress = {
      ...this.progress,
      ...{ epoch: epoch + 1, lossSum: 0, lossCount: 0 },
      ...{ best: isBest ? score : best, stale: isBest || score === undefined ? 0 : stale + 1 },
    };
    const loss = lossSum / Math.max(lossCount, 1);
    const report = { epoch, loss, validationLoss: score ?? null, best: isBest };
    await this.#log.add({ step: trainer.steps - 1, ended: epoch, ...report });
    await this.#save(isBest);
    options.onEpoch?.(report);
  }

  #save(best: boolean): Promise<void> {
    const { trainer, options } = this.#parts;
    return trainer.save(stateFolder(options.out), { position: progressJson(this.progress), best });
  }

  /** Says what the step was, in not-finite.json and in the error; other errors pass. */
  async #refuse(error: unknown, batches: readonly TrainingBatch[]): Promise<never> {
    if (!(error instanceof ModelError) || error.code !== "train/not-finite") throw error;
    const { files, options, trainer } = this.#parts;
    const { loss, norm } = error.fields as { loss: number; norm: number | undefined };
    const found: NotFinite = {
      ...{ step: trainer.steps, epoch: this.progress.epoch, loss: jsonNumber(loss) },
      norm: norm === undefined ? null : jsonNumber(norm),
      lr: trainer.learningRate,
      samples: batches.flatMap(({ samples }) => samples),
    };
    await files.replaceText(`${options.out}/not-finite.json`, `${JSON.stringify(found, null, 2)}\n`);
    await this.#save(false);
    const kept = `The weights before this step are in ${stateFolder(options.out)}.`;
    throw notFiniteRun(found, kept, error);
  }
}
