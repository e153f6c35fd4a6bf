// The errors of a training run, except those of its options (recipes/errors.ts). Codes: `train/...` and `usage/...`.
import { InputError, ModelError, UsageError, type Warning } from "@blip-ts/base";

/**
 * The folder to train into is not empty.
 * @remedy Resume the run that it holds (`resume`, `--resume`), or name another folder.
 */
export const outOccupied = (out: string, found: string): UsageError =>
  new UsageError(
    "train/out-occupied",
    `${out}: expected a folder that is empty or missing, got ${found}. Resume the run that it holds (resume: true), or name ` +
      "another folder.",
    { out, found },
  );

/**
 * Another process trains into the folder.
 * @remedy Wait for it, or name another folder.
 */
export const runInUse = (out: string, owner: string): UsageError =>
  new UsageError(
    "train/in-use",
    `${out}: expected no other training that writes there, got process ${owner}. Wait for it, or name another folder.`,
    { out, owner },
  );

/**
 * The folder to resume holds no run.
 * @remedy Name the folder of the run, or start again.
 */
export const noRun = (out: string): UsageError =>
  new UsageError(
    "train/no-run",
    `${out}: expected the run.json of a run to resume, got none. Name the folder of the run, or start again.`,
    { out },
  );

/**
 * The run began with other settings or other data.
 * @remedy Resume with the same settings and data.
 */
export const otherRun = (out: string, setting: string, expected: string, got: string): UsageError =>
  new UsageError(
    "train/other-run",
    `${out}, ${setting}: expected ${expected} as the run began with, got ${got}. Resume with the same settings and data.`,
    { out, setting, expected, got },
  );

/**
 * The data is a stream, whose samples are not counted in advance.
 * @remedy Set the number of batches per epoch with `batchesPerEpoch` (`--batches-per-epoch`).
 */
export const unknownLength = (): UsageError =>
  new UsageError(
    "train/unknown-length",
    "data: expected a number of batches per epoch, got a stream (shards, tables with images), whose samples are not " +
      "counted in advance. Say how many batches are an epoch with batchesPerEpoch.",
  );

/**
 * `accumulate` is larger than the number of batches.
 * @remedy Accumulate fewer batches, or train more epochs.
 */
export const tooFewSteps = (batches: number, accumulate: number): UsageError =>
  new UsageError(
    "train/too-few-steps",
    `accumulate: expected at most ${batches} batches, which is all of the run, got ${accumulate}. ` +
      "Accumulate fewer, or train more epochs.",
    { batches, accumulate },
  );

/**
 * The validation data of `match` or `pretrain` has fewer rows than a batch. Their losses compare the rows of a batch.
 * @remedy Give more validation data, or train with smaller batches (`batchSize`).
 */
export const tooFewToValidate = (task: string, rows: number, batchSize: number): InputError =>
  new InputError(
    "train/too-few-to-validate",
    `validation: expected at least ${batchSize} rows (a batch, whose rows the loss of ${task} compares), got ${rows}. ` +
      "Give more validation data, or a smaller batchSize.",
    { task, rows, batchSize },
  );

/**
 * The recipe is BLIP's, but the model's images have another size than those of BLIP's configuration file.
 * @remedy Set `imageSize` to BLIP's size for BLIP's results, or to the model's own size to keep it without this warning.
 */
export const otherImageSize = (task: string, usual: number, own: number): Warning => ({
  code: "train/image-size",
  message:
    `images: expected ${usual} pixels, with which BLIP trains ${task}, got the model's own ${own}. ` +
    `Set imageSize: ${usual} for BLIP's size, or imageSize: ${own} to keep the model's.`,
});

/**
 * A run, or a phase of it, trains `patchNames` alone, which validation does not compute.
 * @remedy Leave out the validation data, or train another loss too.
 * @param phase the number of the phase, if the run has several
 */
export const notValidated = (phase: number | undefined): Warning => ({
  code: "train/not-validated",
  message:
    `validation: expected a loss that it computes, got patchNames alone${phase === undefined ? "" : ` in phase ${phase}`}. ` +
    "The last weights are the result. Leave out the validation data, or train another loss too.",
});

/**
 * The validation data has no references for a metric; the loss decides which weights are best.
 * @remedy Give references, or choose by the loss (`bestBy: "loss"`).
 */
export const metricsMissing = (missing: readonly string[]): Warning => ({
  code: "train/no-metric",
  message:
    `validation: expected data that gives ${missing.join(", ")}, got data without references. ` +
    'The loss decides which weights are best; give references, or choose by the loss (bestBy: "loss").',
});

/** The report of a step whose loss or gradient norm is not finite. */
export interface NotFinite {
  readonly step: number;
  readonly phase?: number;
  readonly epoch: number;
  readonly loss: number | string;
  readonly norm: number | string | null;
  readonly lr: number;
  /** Numbers of the samples in the data. */
  readonly samples: readonly number[];
}

/**
 * The loss or the norm of the gradients of a step is not finite.
 * @remedy Lower the learning rate, clip gradients, or look at the samples that the message names.
 */
export const notFiniteRun = (
  { step, loss, norm, lr, samples }: NotFinite,
  lastState: string,
  cause: unknown,
): ModelError =>
  new ModelError(
    "train/not-finite",
    `step ${step}: expected a finite loss and norm, got loss ${loss}${norm === null ? "" : `, norm ${norm}`} at learning ` +
      `rate ${lr}, samples ${samples.join(", ")}. ${lastState} Lower the learning rate, clip gradients, or look at the samples.`,
    { step, loss, norm, lr, samples },
    { cause },
  );

/**
 * The model to train lacks an image encoder, or a text encoder or decoder.
 * @remedy Name another model.
 */
export const noEncoders = (model: string): UsageError =>
  new UsageError(
    "train/model",
    `${model}: expected a model with an image encoder and a text encoder or decoder, got one without. Name another model.`,
    { model },
  );

/**
 * The work of a run failed because memory was exhausted.
 * @remedy Use the options that the message names: smaller batches, `recompute`, `freeze`, smaller images. Close other
 * programs.
 * @param needed the run's estimated need, in words
 * @param savings options that need less
 */
export const outOfMemory = (
  needed: string | undefined,
  savings: string,
  estimate: unknown,
  cause: Error,
): ModelError =>
  new ModelError(
    "train/memory",
    `memory: expected ${needed ?? "room for the weights, gradients and moments"}, got "${cause.message}". ` +
      `These need less: ${savings}. Closing other programs also frees memory.`,
    { needed: estimate, cause: cause.message },
    { cause },
  );

/**
 * A run is estimated to need more memory than is free.
 * @remedy Use the options that the message names: smaller batches, `recompute`, `freeze`, smaller images.
 */
export const littleMemory = (needed: string, free: string, savings: string): Warning => ({
  code: "train/low-memory",
  message:
    `memory: expected ${needed}, got ${free}. The system may end the run, or slow it down. ` +
    `These need less: ${savings}.`,
});
