// Batches texts of different lengths: sorts them, groups texts of equal length, and pads only if padding costs less
// than another call. Indices restore the caller's order.
import { atLeast } from "@blip-ts/base";
import type { Tensor } from "@blip-ts/graph";
import type { CheckedTexts } from "./text-feeds.ts";
import type { BatchLimits } from "../load/memory-plan.ts";

/** The ids of a text, and its mask: 1 for tokens, 0 for padding. */
export interface TokenRow {
  readonly ids: BigInt64Array;
  readonly mask: BigInt64Array;
}

/** Splits a batch into rows, padding included. */
export function textRows({ inputIds, attentionMask }: CheckedTexts): TokenRow[] {
  const [count, length] = atLeast(inputIds.dims, 2);
  return Array.from({ length: count }, (_, row) => ({
    ids: inputIds.data.subarray(row * length, (row + 1) * length),
    mask: attentionMask.data.subarray(row * length, (row + 1) * length),
  }));
}

/** Removes trailing padding from a row. A row that is only padding keeps one position. */
export function trimmed({ ids, mask }: TokenRow): TokenRow {
  const length = Math.max(1, mask.lastIndexOf(1n) + 1);
  return { ids: ids.subarray(0, length), mask: mask.subarray(0, length) };
}

/** Stacks rows into a batch, padded on the right to the longest row. */
export function stackRows(rows: readonly TokenRow[]): CheckedTexts {
  const length = Math.max(...rows.map(({ ids }) => ids.length));
  const stack = (part: keyof TokenRow): Tensor<"int64"> => {
    const data = new BigInt64Array(rows.length * length);
    rows.forEach((row, index) => data.set(row[part], index * length));
    return { dtype: "int64", dims: [rows.length, length], data };
  };
  return { inputIds: stack("ids"), attentionMask: stack("mask") };
}

/**
 * The cost of another call, in tokens: each call streams the text model's weights through the processor once. At base
 * size on 2 cores, a call of 8 tokens takes as long as 20 more tokens in a larger call.
 */
const callTokens = 16;

/**
 * Groups rows of these lengths into batches: sorts the rows by length and splits them so that padding and calls
 * together cost least.
 * @returns the indices in `lengths` of each batch's rows; batches of longer rows come later, and rows of equal length
 * keep their order
 */
export function batchesByLength(lengths: readonly number[], limits: BatchLimits): number[][] {
  const order = lengths.map((_, index) => index).sort((a, b) => at(lengths, a) - at(lengths, b) || a - b);
  // For each `end`: the least cost of the first `end` rows, and the start of their last batch.
  const costs = [0];
  const starts = [0];
  for (let end = 1; end <= order.length; end++) {
    const longest = at(lengths, at(order, end - 1));
    const rows = Math.max(1, Math.min(limits.rows, Math.floor(limits.tokens / longest)));
    let [cost, start] = [Infinity, end - 1];
    for (let from = end - 1; from >= Math.max(0, end - rows); from--) {
      const costFrom = at(costs, from) + (end - from) * longest + callTokens;
      if (costFrom < cost) [cost, start] = [costFrom, from];
    }
    costs.push(cost);
    starts.push(start);
  }
  const batches: number[][] = [];
  for (let end = order.length; end > 0; end = at(starts, end))
    batches.unshift(order.slice(at(starts, end), end));
  return batches;
}

function at(list: readonly number[], index: number): number {
  const one = list[index];
  if (one === undefined) throw new Error(`there is no element ${index}`);
  return one;
}
