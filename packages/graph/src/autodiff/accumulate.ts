// Adds up the gradients that a value receives from all operations that read it.
import { must } from "@blip-ts/base";
import type { GraphBuilder } from "../builder.ts";
import type { Value } from "../graph.ts";
import { addDims, multiplyDims, type Dim } from "../types/dim.ts";
import { zeros } from "./parts.ts";
import type { Gradient, RangeGradient, RowsGradient } from "./rule.ts";

/** The gradients received for one value. */
export interface Received {
  readonly dense: Value[];
  readonly ranges: RangeGradient[];
  readonly rows: RowsGradient[];
}

export function receive(into: Received, gradient: NonNullable<Gradient>): void {
  if ("range" in gradient) into.ranges.push(gradient);
  else if ("ids" in gradient) into.rows.push(gradient);
  else into.dense.push(gradient);
}

const withSize = (shape: Value["shape"], axis: number, size: Dim) =>
  shape.map((dim, index) => (index === axis ? size : dim));

interface Numbered extends RangeGradient {
  readonly start: number;
  readonly end: number;
}
const isNumbered = (gradient: RangeGradient): gradient is Numbered =>
  typeof gradient.start === "number" && typeof gradient.end === "number";

/**
 * The ranges in order, if they lie along one axis and do not overlap, as those of several slices of one value do;
 * otherwise undefined.
 */
function disjoint(ranges: readonly RangeGradient[]): readonly RangeGradient[] | undefined {
  if (!ranges.every(isNumbered)) return undefined;
  const sorted = [...ranges].sort((a, b) => a.start - b.start);
  const fits = sorted.every((one, index) => {
    const before = sorted[index - 1];
    return before === undefined || (before.axis === one.axis && before.end <= one.start);
  });
  return fits ? sorted : undefined;
}

/** Joins ranges along one axis, with zeros in the gaps. */
function sideBySide(b: GraphBuilder, value: Value, ranges: readonly RangeGradient[]): Value {
  const axis = must(ranges, 0).axis;
  const parts: Value[] = [];
  let at: Dim = 0;
  const fill = (until: Dim) => {
    const size = addDims(until, multiplyDims(at, -1));
    if (size !== 0) parts.push(zeros(b, withSize(value.shape, axis, size)));
  };
  for (const { start, end, range } of ranges) {
    fill(start);
    parts.push(range);
    at = end;
  }
  fill(must(value.shape, axis));
  const [only] = parts;
  return parts.length === 1 && only ? only : b.concat(parts, axis);
}

/** The whole gradient of a value; undefined if none arrived. */
export function accumulated(
  b: GraphBuilder,
  value: Value,
  { dense, ranges, rows }: Received,
): Value | undefined {
  const groups = disjoint(ranges) ? [ranges] : ranges.map((range) => [range]);
  const parts = [
    ...dense,
    ...groups
      .filter((group) => group.length > 0)
      .map((group) => sideBySide(b, value, disjoint(group) ?? group)),
    ...rows.map((one) => b.scatterAdd(one.ids, one.rows, must(value.shape, 0))),
  ];
  return parts.reduce<Value | undefined>((sum, part) => (sum ? b.add(sum, part) : part), undefined);
}
