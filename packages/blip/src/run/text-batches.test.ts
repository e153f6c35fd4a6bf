// Batches of texts: every row once, little padding, the caller's order.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { batchesByLength, stackRows, textRows, trimmed } from "./text-batches.ts";

const limits = { tokens: 64, rows: 8 };
const row = (...ids: number[]) => ({
  ids: BigInt64Array.from(ids, BigInt),
  mask: BigInt64Array.from(ids, (id) => (id === 0 ? 0n : 1n)),
});

describe("batches by length", () => {
  test("hold every row once, within the limits, shorter ones first", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 80 }), { maxLength: 60 }), (lengths) => {
        const batches = batchesByLength(lengths, limits);
        expect(batches.flat().toSorted((a, b) => a - b)).toEqual(lengths.map((_, index) => index));
        const sizes = batches.map((batch) => batch.map((index) => lengths[index] ?? NaN));
        expect(sizes.flat()).toEqual(lengths.toSorted((a, b) => a - b));
        for (const batch of sizes) {
          expect(batch.length).toBeLessThanOrEqual(limits.rows);
          if (batch.length > 1) expect(batch.length * Math.max(...batch)).toBeLessThanOrEqual(limits.tokens);
        }
      }),
    );
  });

  test("put equal lengths together, and pad no more than another call would cost", () => {
    const lengths = [20, 5, 20, 5, 20, 5];
    expect(batchesByLength(lengths, { tokens: 512, rows: 64 })).toEqual([
      [1, 3, 5],
      [0, 2, 4],
    ]);
    // One token of padding costs less than a call.
    expect(batchesByLength([6, 5, 6], { tokens: 512, rows: 64 })).toEqual([[1, 0, 2]]);
  });
});

describe("rows of texts", () => {
  test("lose the padding at their end, and get it again in a batch", () => {
    const [short, long] = [row(7, 8, 0, 0), row(1, 2, 3, 4)];
    expect(trimmed(short).ids).toEqual(BigInt64Array.of(7n, 8n));
    expect(trimmed(row(0, 0)).ids).toEqual(BigInt64Array.of(0n));
    const stacked = stackRows([trimmed(short), long]);
    expect(stacked.inputIds.dims).toEqual([2, 4]);
    expect(textRows(stacked)).toEqual([short, long]);
  });

  test("keep a hole in their mask", () => {
    expect(trimmed(row(7, 0, 8, 0)).mask).toEqual(BigInt64Array.of(1n, 0n, 1n));
  });
});
