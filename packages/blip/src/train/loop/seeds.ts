// The seed of a batch is a function of the run's seed and the batch's position, so no state needs to be saved.
import { seededRandom } from "../../decode/random.ts";

/** @returns a whole number from 0 to below 2^32 */
export function seedOf(seed: number, step: number, part: number): number {
  return Math.floor(seededRandom((seed >>> 0) + part * 2 ** 32, step)() * 2 ** 32);
}
