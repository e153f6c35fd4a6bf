// What can be wrong with a training run, but its options (recipes/errors.ts). Codes are `train/...` and `usage/...`.
import { ModelError, UsageError, type Warning } from "@blip-ts/base";

export const outOccupied = (out: string, found: string): UsageError =>
  new UsageError(
    "train/out-occupied",
    `${out}: expected a folder that is empty or not there, found ${found}. Resume the run that it holds (--resume), or name ` +
      "another folder.",
    { out, found },
  );

export const noRun = (out: string): UsageError =>
  new UsageError(
    "train/no-run",
    `${out}: expected the run.json of a run to resume, got none. Name the folder that was trained into, or start anew.`,
    { out },
  );

export const otherRun = (out: string, setting: string, expected: string, got: string): UsageError =>
  new UsageError(
    "train/other-run",
    `${out}, ${setting}: expected ${expected} as the run began with, got ${got}. Resume with the same settings.`,
    { out, setting, expected, got },
  );

export const unknownLength = (): UsageError =>
  new UsageError(
    "train/unknown-length",
    "data: expected a number of batches per epoch, got a stream (shards, tables with images), whose samples are not " +
      "counted in advance. Say how many batches are an epoch with batchesPerEpoch (--batches-per-epoch).",
  );

export const tooFewSteps = (batches: number, accumulate: number): UsageError =>
  new UsageError(
    "train/too-few-steps",
    `accumulate: expected at most ${batches} batches, which is all of the run, got ${accumulate}. ` +
      "Accumulate fewer, or train more epochs.",
    { batches, accumulate },
  );

export const metricsMissing = (missing: readonly string[]): Warning => ({
  code: "train/no-metric",
  message:
    `validation: expected data that gives ${missing.join(", ")}, got data without references. ` +
    "The loss decides which weights are best; give references, or choose by the loss (--best-by loss).",
});

/** What a step that gave no finite number was. */
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
