// The range and the ticks of an axis.
export interface Axis {
  readonly least: number;
  readonly most: number;
  readonly ticks: readonly { readonly at: number; readonly label: string }[];
}

/** The smallest number that is at least `least` and is 1, 2 or 5 times a power of ten. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const times = [1, 2, 5, 10].find((one) => one * power >= least * (1 - 1e-9));
  return (times ?? 10) * power;
}

/** 0.0015 -> "0.0015", 1.5e-6 -> "1.5e-6", 120000 -> "120,000". */
function labelOf(value: number, step: number): string {
  if (value === 0) return "0";
  if (Math.abs(value) < 1e-3) return Number(value.toPrecision(3)).toExponential();
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/**
 * An axis that covers the values and starts and ends at round numbers.
 * @param count the approximate maximum number of ticks
 * @param whole whether ticks are whole numbers
 */
export function axisOf(values: readonly number[], count: number, whole = false): Axis {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (!(low < high)) {
    const room = Math.abs(low) / 10 || 1;
    [low, high] = [low - room, high + room];
  }
  const step = Math.max(roundStep((high - low) / count), whole ? 1 : 0);
  const [first, end] = [Math.floor(low / step + 1e-9), Math.ceil(high / step - 1e-9)];
  const ticks = Array.from({ length: end - first + 1 }, (_, index) => {
    const at = (first + index) * step;
    return { at, label: labelOf(at, step) };
  });
  return { least: first * step, most: end * step, ticks };
}
