// What is said of times that were measured again and again.
import { atLeast, must } from "@blip-ts/base";

export interface Summary {
  readonly median: number;
  /** First and third quartile: the spread that is printed. */
  readonly low: number;
  readonly high: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
}

/** The value below which the share `at` of sorted values lies, between two of them where it falls there. */
function quantile(sorted: readonly number[], at: number): number {
  if (sorted.length === 0) return NaN;
  const place = at * (sorted.length - 1);
  const [below, above] = [must(sorted, Math.floor(place)), must(sorted, Math.ceil(place))];
  return below + (above - below) * (place - Math.floor(place));
}

/** Of no values everything is NaN. */
export function summarize(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  const [median, low, high, min, max] = atLeast(
    [0.5, 0.25, 0.75, 0, 1].map((at) => quantile(sorted, at)),
    5,
  );
  return { median, low, high, min, max, runs: values.length };
}

/** Of values measured in turn, run by run: how many times `b` goes into `a`. What has no counterpart is left out. */
export function ratios(a: readonly number[], b: readonly number[]): number[] {
  return a.slice(0, b.length).map((value, run) => value / must(b, run));
}
