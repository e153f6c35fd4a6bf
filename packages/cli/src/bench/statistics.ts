// What is said of times that were measured again and again.

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
  const place = at * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)] ?? NaN, sorted[Math.ceil(place)] ?? NaN];
  return below + (above - below) * (place - Math.floor(place));
}

/** Of no values everything is NaN. */
export function summarize(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  const [median, low, high, min, max] = [0.5, 0.25, 0.75, 0, 1].map((at) => quantile(sorted, at));
  return {
    ...{ median: median ?? NaN, low: low ?? NaN, high: high ?? NaN, min: min ?? NaN, max: max ?? NaN },
    runs: values.length,
  };
}

/** Of values measured in turn, run by run: how many times `b` goes into `a`. What has no counterpart is left out. */
export function ratios(a: readonly number[], b: readonly number[]): number[] {
  return a.slice(0, b.length).map((value, run) => value / (b[run] ?? NaN));
}
