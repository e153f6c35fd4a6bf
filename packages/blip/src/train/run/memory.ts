// Compares a run's memory need with the free memory: a warning before the first step, and advice when memory runs out.
import type { Warning } from "@blip-ts/base";
import { isOutOfMemory } from "@blip-ts/engine";
import type { MemoryEstimate } from "../step/estimate.ts";
import type { Settings } from "./settings.ts";
import { comparesRows } from "./tasks.ts";
import { littleMemory, outOfMemory } from "./errors.ts";

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6).toLocaleString("en")} MB`;

/** The estimate in words: "about 5,120 MB (weights 1,100 MB, gradients ...)". */
export const memoryText = ({ total, weights, gradients, moments, activations }: MemoryEstimate): string =>
  `about ${megabytes(total)} (weights ${megabytes(weights)}, gradients ${megabytes(gradients)}, ` +
  `moments ${megabytes(moments)}, a step ${megabytes(activations)})`;

type Needing = Pick<Settings, "task" | "batchSize" | "accumulate" | "recompute" | "freeze" | "lora">;

/** The options that would save memory and that the run may use but does not use yet, cheapest first. */
export function savings({ task, batchSize, accumulate, recompute, freeze, lora }: Needing): string {
  // The loss of these tasks needs two rows to compare.
  const least = comparesRows(task) ? 2 : 1;
  const half = Math.max(least, Math.floor(batchSize / 2));
  return [
    ...(batchSize > least
      ? [`a smaller batch (batchSize: ${half}, accumulate: ${Math.ceil((accumulate * batchSize) / half)})`]
      : []),
    ...(recompute ? [] : ["layers that are computed a second time (recompute: true)"]),
    ...(freeze === null && lora === null ? ['parts that are not trained (freeze: "imageEncoder")'] : []),
    "smaller images (imageSize)",
  ].join(", ");
}

/**
 * The warning for a run that is estimated to need more memory than is free.
 * @param free the bytes that were free before the run allocated any
 */
export function memoryWarning(
  needed: MemoryEstimate,
  free: number | undefined,
  settings: Needing,
): Warning | undefined {
  if (free === undefined || needed.total <= free) return undefined;
  return littleMemory(memoryText(needed), `${megabytes(free)} that are free`, savings(settings));
}

/**
 * Runs the work of a run.
 * @param work may call its argument with the run's estimated memory need
 * @throws {ModelError} `train/memory` with the estimate and the options that need less, if the work runs out of memory
 */
export async function withMemoryAdvice<T>(
  settings: Needing,
  work: (tell: (needed: MemoryEstimate) => void) => Promise<T>,
): Promise<T> {
  let needed: MemoryEstimate | undefined;
  try {
    return await work((estimate) => (needed = estimate));
  } catch (error) {
    if (error instanceof Error && isOutOfMemory(error))
      throw outOfMemory(needed && memoryText(needed), savings(settings), needed, error);
    throw error;
  }
}
