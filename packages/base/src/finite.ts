// Checks that numbers are finite. The network's logits are checked before a search masks any of them with infinities.

import { missed } from "./must.ts";

/**
 * Whether every number is finite. x * 0 is NaN for NaN and infinities and 0 for all others, so the loop has no branch.
 * It counts by index: an iterator takes twenty times as long.
 */
export function allFinite(values: ArrayLike<number>): boolean {
  let [sum, index] = [0, values.length];
  while (index-- > 0) sum += (values[index] ?? missed("number")) * 0;
  return sum === 0;
}
