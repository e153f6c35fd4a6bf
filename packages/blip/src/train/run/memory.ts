// Memory that a run needs and that there is: a warning before the first step, and what helps once there is none left.
import type { Warning } from "@blip-ts/base";
import { isOutOfMemory } from "@blip-ts/engine";
import type { MemoryEstimate } from "../step/estimate.ts";
import type { Settings } from "./settings.ts";
import { littleMemory, outOfMemory } from "./errors.ts";

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6).toLocaleString("en")} MB`;

/** The estimate in words: "about 5,120 MB (weights 1,100 MB, gradients ...)". */
export const memoryText = ({ total, weights, gradients, moments, activations }: MemoryEstimate): string =>
  `about ${megabytes(total)} (weights ${megabytes(weights)}, gradients ${megabytes(gradients)}, ` +
  `moments ${megabytes(moments)}, a step ${megabytes(activations)})`;

type Needing = Pick<Settings, "batchSize" | "accumulate" | "recompute" | "freeze">;

/** Options that need less memory, of those that the run has not used yet, the ones that cost least first. */
export function savings({ batchSize, accumulate, recompute, freeze }: Needing): string {
  const half = Math.max(1, Math.floor(batchSize / 2));
  return [
    ...(batchSize > 1
      ? [`a smaller batch (batchSize: ${half}, accumulate: ${Math.ceil((accumulate * batchSize) / half)})`]
      : []),
    ...(recompute ? [] : ["layers that are computed a second time (recompute: true)"]),
    ...(freeze === null ? ['parts that are not trained (freeze: "imageEncoder")'] : []),
    "smaller images (imageSize)",
  ].join(", ");
}

/**
 * What is said if a run is estimated to need more than there is.
 * @param free bytes that were free before the run took any
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
 * Does a run's work.
 * @param work may tell what memory the run is estimated to need
 * @throws {ModelError} `train/memory` with that estimate and the options that need less, if the work fails for want of memory
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
