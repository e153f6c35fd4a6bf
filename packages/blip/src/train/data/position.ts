// Checks the position at which a run continues, because it comes from JSON.
import type { TrainingPosition } from "./batch.ts";
import { badPosition } from "./errors.ts";

type Run = Pick<TrainingPosition, "seed" | "batchSize" | "samples">;

/** The last epoch with its own random numbers: `random.ts` has 24 bits for the epoch. */
export const maxEpoch = 2 ** 24 - 1;

export const startOf = (run: Run): TrainingPosition => ({
  epoch: 0,
  batch: 0,
  sample: 0,
  seed: run.seed,
  batchSize: run.batchSize,
  samples: run.samples,
});

/** @throws {UsageError} `train-data/bad-position` if the position belongs to a run with other batches */
export function checkPosition(position: TrainingPosition, run: Run): TrainingPosition {
  for (const [field, most] of [
    ["epoch", maxEpoch],
    ["batch", Number.MAX_SAFE_INTEGER],
    ["sample", run.samples ?? Number.MAX_SAFE_INTEGER],
  ] as const) {
    const value: unknown = position[field];
    if (!(typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= most))
      throw badPosition(field, `a whole number from 0 to ${most}`, String(value));
  }
  for (const field of ["seed", "batchSize", "samples"] as const)
    if (position[field] !== run[field]) throw badPosition(field, String(run[field]), String(position[field]));
  return position;
}
