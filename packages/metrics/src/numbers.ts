// Checks and means of lists of numbers, shared by several metrics.
import { notFinite } from "./errors.ts";

/** @throws {UsageError} `usage/bad-option` if one of `values` is not a finite number */
export function expectFinite(name: string, values: ArrayLike<number>): void {
  for (let index = 0; index < values.length; index++)
    if (!Number.isFinite(values[index])) throw notFinite(`${name}[${index}]`, values[index]);
}

/** Computes the mean; NaN for an empty list. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
