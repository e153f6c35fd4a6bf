// Statistics of repeated measurements.
import { atLeast, must } from "@blip-ts/base";

export interface Summary {
  readonly median: number;
  /** The first and third quartile: the printed spread. */
  readonly low: number;
  readonly high: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
}

/** The quantile `at` of sorted values, interpolated between adjacent values. */
function quantile(sorted: readonly number[], at: number): number {
  if (sorted.length === 0) return NaN;
  const place = at * (sorted.length - 1);
  const [below, above] = [must(sorted, Math.floor(place)), must(sorted, Math.ceil(place))];
  return below + (above - below) * (place - Math.floor(place));
}

/** Summarizes values. Without values, all statistics are NaN. */
export function summarize(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  const [median, low, high, min, max] = atLeast(
    [0.5, 0.25, 0.75, 0, 1].map((at) => quantile(sorted, at)),
    5,
  );
  return { median, low, high, min, max, runs: values.length };
}

/** The ratios `a / b` of alternating measurements, run by run. Values without a counterpart are left out. */
export function ratios(a: readonly number[], b: readonly number[]): number[] {
  return a.slice(0, b.length).map((value, run) => value / must(b, run));
}
