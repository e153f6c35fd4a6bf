// Helpers for reference evaluators: arrays of doubles, and loops over their elements and rows.
import { missed } from "@blip-ts/base";
import { GraphError } from "../errors.ts";
import type { NodeOf, OpKind } from "../graph.ts";
import type { Dim } from "../types/dim.ts";
import { sizeOf } from "../types/dtype.ts";

/** An array of numbers. Every element type is a JavaScript number here. */
export interface Numbers {
  readonly dims: readonly number[];
  readonly data: Float64Array;
}

/** Computes the output's data from the inputs, given the output's dimensions. */
export type Evaluator<K extends OpKind> = (
  inputs: readonly Numbers[],
  node: NodeOf<K>,
  dims: readonly number[],
  /** The value of a named dimension in this run. */
  valueOf: (dim: Dim) => number,
) => Float64Array;

/** The n-th argument of an evaluator. The shape rule has checked that it exists. */
export function argument(inputs: readonly Numbers[], index: number): Numbers {
  const input = inputs[index];
  if (!input) throw new GraphError(`input ${index} is missing`);
  return input;
}

export const at = (data: Float64Array, index: number): number => data[index] ?? missed("number");

/** The coordinates of the element at an index, row-major. */
function coordinates(index: number, dims: readonly number[]): number[] {
  const result: number[] = [];
  for (const dim of [...dims].reverse()) {
    result.unshift(index % dim);
    index = Math.floor(index / dim);
  }
  return result;
}

/** A copy of the coordinates with another value along one axis. */
export function moved(coords: readonly number[], axis: number, coordinate: number): number[] {
  const result = [...coords];
  result[axis] = coordinate;
  return result;
}

/** The index of an element from its coordinates, aligned at the last axis. Axes of size 1 repeat. */
export function position(coords: readonly number[], dims: readonly number[]): number {
  const skipped = coords.length - dims.length;
  return dims.reduce(
    (sum, dim, axis) => sum * dim + (dim === 1 ? 0 : (coords[axis + skipped] ?? missed("number"))),
    0,
  );
}

export const make = (
  dims: readonly number[],
  element: (coords: readonly number[], index: number) => number,
) => Float64Array.from({ length: sizeOf(dims) }, (_, index) => element(coordinates(index, dims), index));

export const binary =
  (compute: (a: number, b: number) => number) =>
  (inputs: readonly Numbers[], _node: unknown, dims: readonly number[]): Float64Array => {
    const [a, b] = [argument(inputs, 0), argument(inputs, 1)];
    return make(dims, (c) => compute(at(a.data, position(c, a.dims)), at(b.data, position(c, b.dims))));
  };

export const unary =
  (compute: (x: number) => number) =>
  (inputs: readonly Numbers[]): Float64Array =>
    argument(inputs, 0).data.map(compute);

/** Applies a function to each row along the last axis. */
export const byRow =
  (compute: (row: Float64Array) => Float64Array) =>
  ({ data, dims }: Numbers): Float64Array => {
    const width = dims.at(-1) ?? 1;
    const result = new Float64Array(data.length);
    for (let start = 0; start < data.length; start += width)
      result.set(compute(data.subarray(start, start + width)), start);
    return result;
  };
