// The errors of the threads that load samples. Codes: `train-data/...`.
import { UsageError } from "@blip-ts/base";

/**
 * The threads that load images die before they load one.
 * @remedy Use `workers: 0` to load in the main thread, or fewer workers.
 */
export const noThreads = (detail: string): UsageError =>
  new UsageError(
    "train-data/no-workers",
    `workers: expected threads that load images, got threads that died before they loaded one (${detail}). ` +
      "Give workers: 0 to load in the main thread, or fewer workers.",
    { detail },
  );

/**
 * `workers` is not a whole number from 0 to 256.
 * @remedy Give another number.
 */
export const badWorkers = (found: unknown): UsageError =>
  new UsageError(
    "train-data/bad-option",
    `workers: expected a whole number from 0 to 256, got ${String(found)}. Give another value.`,
    { name: "workers", found },
  );
