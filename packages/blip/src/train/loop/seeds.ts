// Seeds of batches: a function of the training's seed and the batch's place, so no state is needed.
import { seededRandom } from "../../decode/random.ts";

/** @returns a whole number from 0 to below 2^32 */
export function seedOf(seed: number, step: number, part: number): number {
  return Math.floor(seededRandom((seed >>> 0) + part * 2 ** 32, step)() * 2 ** 32);
}
