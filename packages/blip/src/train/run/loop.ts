// Runs the epochs of a run: steps, saved states, validation, and the rows of metrics.jsonl.
import { ModelError } from "@blip-ts/base";
import { isOutOfMemory } from "@blip-ts/engine";
import type { TrainingBatch, TrainingData } from "../data/batch.ts";
import type { TrainingFiles } from "../checkpoint/files.ts";
import type { StepResult, Trainer } from "../loop/trainer.ts";
import { Clock } from "./clock.ts";
import { notFiniteRun, type NotFinite } from "./errors.ts";
import { MetricsLog } from "./log.ts";
import type { EpochReport, StepReport, TrainOptions } from "./options.ts";
import type { Settings } from "./settings.ts";
import { progressJson, type Progress } from "./progress.ts";
import { isBetter, type Validation } from "./validation.ts";

/** The name of the validation graph among the objective's graphs. */
export const validationGraph = "validation";

/** The default number of steps between states. */
export const defaultSaveSteps = 500;

export interface LoopParts {
  readonly files: TrainingFiles;
  readonly trainer: Trainer<TrainingBatch>;
  readonly data: TrainingData;
  readonly settings: Settings;
  readonly options: TrainOptions;
  /** The folder of states. */
  readonly folder: string;
  /** The number of the phase, from 1, in a run of phases. */
  readonly phase: number | undefined;
  /** The numbers of steps and of epochs of the earlier phases. */
  readonly stepsBefore: number;
  readonly epochsBefore: number;
  /** The number of steps of this phase. Without `steps` and `batchesPerEpoch`, unreadable images make it smaller. */
  readonly phaseSteps: number;
  /** The epoch after this phase's last one. */
  readonly epochs: number;
  /** The number of steps of the whole run. */
  readonly steps: number;
  /** Validates the current weights. Undefined without validation data. */
  readonly validate: (() => Promise<Validation>) | undefined;
}

/** The parts of the loss, by name: the mean over the step's batches. */
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

  /** The number of completed steps of the run. */
  get #steps(): number {
    return this.#parts.stepsBefore + this.#parts.trainer.steps;
  }

  /** Whether the phase ended because validation no longer improved. */
  get stoppedEarly(): boolean {
    return this.#ends() && (this.#isCounted ? !this.#isFull() : this.progress.epoch < this.#parts.epochs);
  }

  /** The number of the phase, for reports. */
  get #phase(): { readonly phase?: number } {
    const { phase } = this.#parts;
    return phase === undefined ? {} : { phase };
  }

  /** Whether the phase ends after a number of steps, however many batches a pass over the data has. */
  get #isCounted(): boolean {
    const { steps, batchesPerEpoch } = this.#parts.settings;
    return steps !== null || batchesPerEpoch !== null;
  }

  /** Whether the phase has reached its number of steps. */
  #isFull(): boolean {
    const { trainer, phaseSteps } = this.#parts;
    return this.#isCounted && trainer.steps >= phaseSteps;
  }

  /**
   * The epoch of a batch: with `batchesPerEpoch` by its number, otherwise its pass over the data.
   * @param number the number of the batch within the phase, from 0
   */
  #epochOf(batch: TrainingBatch, number: number): number {
    const { settings, epochsBefore } = this.#parts;
    const { batchesPerEpoch } = settings;
    return batchesPerEpoch === null ? batch.epoch : epochsBefore + Math.floor(number / batchesPerEpoch);
  }

  /** Whether validation has not improved for `patience` validations. */
  #ends(): boolean {
    const { patience } = this.#parts.settings;
    return patience !== null && this.progress.stale >= patience;
  }

  /**
   * Trains until the last epoch, or until validation no longer improves.
   * @throws {ModelError} `train/not-finite` @throws the signal's reason, after the state is saved
   */
  async run(): Promise<void> {
    const { data, settings, trainer, epochs } = this.#parts;
    const { accumulate } = settings;
    const { position, epoch, validated } = this.progress;
    await this.#log.keep({ steps: this.#steps, epochs: epoch, validated });
    // Run a validation that a signal prevented before the resume.
    await this.#validateBetween();
    const isOver = () => this.#ends() || this.#isFull();
    let pending: TrainingBatch[] = [];
    // Each step takes the same number of batches, and a position lies between steps.
    let number = trainer.steps * accumulate;
    if (!isOver())
      for await (const batch of data.batches({
        ...(!this.#isCounted && { untilEpoch: epochs }),
        ...(position && { from: position }),
      })) {
        await this.#endEpochsBelow(this.#epochOf(batch, number++));
        if (this.#ends()) break;
        pending.push(batch);
        if (pending.length < accumulate) continue;
        await this.#step(pending);
        pending = [];
        await this.#validateBetween();
        if (isOver()) break;
      }
    await this.#endEpochsBelow(this.#lastEpoch());
  }

  /**
   * The number of the last epoch, plus 1. If epochs are passes, a phase with a number of steps ends in the epoch of its
   * last step.
   */
  #lastEpoch(): number {
    const { epoch, lossCount } = this.progress;
    if (this.#parts.settings.batchesPerEpoch !== null || !this.#isFull()) return this.#parts.epochs;
    return lossCount > 0 ? epoch + 1 : epoch;
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
    if (trainer.steps % (options.saveSteps ?? defaultSaveSteps) === 0) await this.#save(false);
  }

  #report(result: StepResult): StepReport {
    const { data, steps, stepsBefore } = this.#parts;
    const { loss, norm, lr } = result;
    const step = stepsBefore + result.step;
    return {
      ...{ step, steps, ...this.#phase, epoch: this.progress.epoch },
      ...{ loss, losses: lossesOf(result), norm, lr },
      imagesPerSecond: this.#clock.imagesPerSecond,
      secondsLeft: this.#clock.secondsLeft(Math.max(0, steps - step - 1)),
      waitShare: data.stats().waitShare,
    };
  }

  async #endEpoch(): Promise<void> {
    const { options } = this.#parts;
    const { epoch, lossSum, lossCount } = this.progress;
    const validation = this.#validatesAfter(epoch) ? await this.#validate() : undefined;
    this.progress = { ...this.progress, ...{ epoch: epoch + 1, lossSum: 0, lossCount: 0 } };
    const report: EpochReport = {
      ...{ epoch, ...this.#phase, loss: lossSum / Math.max(lossCount, 1) },
      ...{
        validationLoss: validation?.loss ?? null,
        metrics: validation?.metrics ?? null,
        best: validation?.best ?? false,
      },
    };
    await this.#log.add({ step: this.#steps - 1, ended: epoch, ...report });
    await this.#save(report.best);
    await this.#log.draw();
    options.onEpoch?.(report);
  }

  /** Whether to validate at the end of this epoch. */
  #validatesAfter(epoch: number): boolean {
    if (this.#parts.settings.validationSteps === null) return true;
    return epoch + 1 === this.#lastEpoch() && this.progress.validated !== this.#steps;
  }

  /** Validates every `validationSteps` steps. */
  async #validateBetween(): Promise<void> {
    const { settings, options } = this.#parts;
    const { validationSteps } = settings;
    const steps = this.#steps;
    if (validationSteps === null || steps === 0 || steps % validationSteps !== 0) return;
    if (this.progress.validated === steps) return;
    const validation = await this.#validate();
    if (!validation) return;
    const { loss, metrics, best } = validation;
    const report = { ...this.#phase, validationLoss: loss, metrics, best };
    await this.#log.add({ step: steps - 1, validated: steps, ...report });
    await this.#save(best);
    await this.#log.draw();
    options.onValidation?.({ steps, ...report });
  }

  /** @returns undefined without validation data */
  async #validate(): Promise<(Validation & { readonly best: boolean }) | undefined> {
    const { validate, settings } = this.#parts;
    const validation = await validate?.().catch(async (error: unknown) => {
      // Save the trained weights after any error. A resumed run validates again.
      await this.#save(false);
      throw error;
    });
    if (!validation) return undefined;
    const best = isBetter(validation, this.progress.best, settings.bestBy);
    this.progress = {
      ...this.progress,
      ...{ best: best ? validation : this.progress.best, stale: best ? 0 : this.progress.stale + 1 },
      validated: this.#steps,
    };
    return { ...validation, best };
  }

  #save(best: boolean): Promise<void> {
    const { trainer, folder } = this.#parts;
    return trainer.save(folder, { position: progressJson(this.progress), best });
  }

  /** Describes a step that is not finite in not-finite.json and in the error. Rethrows other errors unchanged. */
  async #refuse(error: unknown, batches: readonly TrainingBatch[]): Promise<never> {
    // After running out of memory, there may be enough to save the weights. If not, the last state remains.
    if (isOutOfMemory(error)) await this.#save(false).catch(() => undefined);
    if (!(error instanceof ModelError) || error.code !== "train/not-finite") throw error;
    const { files, options, trainer, folder } = this.#parts;
    const { loss, norm } = error.fields as { loss: number; norm: number | undefined };
    const failure: NotFinite = {
      ...{ step: this.#steps, ...this.#phase, epoch: this.progress.epoch, loss: jsonNumber(loss) },
      norm: norm === undefined ? null : jsonNumber(norm),
      lr: trainer.learningRate,
      samples: batches.flatMap(({ samples }) => samples),
    };
    await files.replaceText(`${options.out}/not-finite.json`, `${JSON.stringify(failure, null, 2)}\n`);
    await this.#save(false);
    const advice = `The weights before this step are in ${folder}.`;
    throw notFiniteRun(failure, advice, error);
  }
}
