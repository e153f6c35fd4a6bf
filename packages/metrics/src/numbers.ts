// What several metrics ask of lists of numbers.
import { notFinite } from "./errors.ts";

/** @throws {UsageError} `usage/bad-option` if one of `values` is no finite number */
export function expectFinite(name: string, values: ArrayLike<number>): void {
  for (let index = 0; index < values.length; index++)
    if (!Number.isFinite(values[index])) throw notFinite(`${name}[${index}]`, values[index]);
}

/** Sum over count; NaN of nothing. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
