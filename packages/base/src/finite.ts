// Are numbers finite? Asked of a network's own logits, before a search forbids any.

import { missed } from "./must.ts";

/**
 * Is every number finite? x * 0 is NaN for NaN and infinities and 0 for all others, so that no number needs a branch.
 * Counted by index: an iterator takes twenty times as long.
 */
export function allFinite(values: ArrayLike<number>): boolean {
  let [sum, index] = [0, values.length];
  while (index-- > 0) sum += (values[index] ?? missed("number")) * 0;
  return sum === 0;
}
