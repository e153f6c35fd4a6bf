// The type of a shape rule, and checks that the families share.
import { GraphError } from "../errors.ts";
import type { OpAttributes, OpKind, ValueType } from "../graph.ts";
import { formatShape, sameDim, type Dim } from "../types/dim.ts";
import type { DType } from "../types/dtype.ts";

/** Maps the inputs' types to the output's type. @throws {GraphError} if they do not fit */
export type ShapeRule<K extends OpKind> = (
  inputs: readonly ValueType[],
  attributes: OpAttributes[K],
) => ValueType;

/** The input at an index, which must exist. */
export function inputAt(inputs: readonly ValueType[], index: number): ValueType {
  const input = inputs[index];
  if (input === undefined)
    throw new GraphError(`expected at least ${index + 1} inputs, got ${inputs.length}`);
  return input;
}

export function expectCount(inputs: readonly unknown[], least: number, most = least): void {
  if (inputs.length < least || inputs.length > most)
    throw new GraphError(
      `expected ${least === most ? least : `${least} to ${most}`} inputs, got ${inputs.length}`,
    );
}

export function expectRank(type: ValueType, rank: number, what: string): void {
  if (type.shape.length !== rank)
    throw new GraphError(`${what}: expected ${rank} dimensions, got ${formatShape(type.shape)}`);
}

export function expectFloat(type: ValueType, what: string): void {
  if (type.dtype !== "float32" && type.dtype !== "float16")
    throw new GraphError(`${what}: expected floating point, got ${type.dtype}`);
}

export function expectDType(type: ValueType, dtype: DType, what: string): void {
  if (type.dtype !== dtype) throw new GraphError(`${what}: expected ${dtype}, got ${type.dtype}`);
}

export function expectSameDType(types: readonly ValueType[]): void {
  const [first, ...others] = types;
  const other = others.find(({ dtype }) => dtype !== first?.dtype);
  if (first && other) throw new GraphError(`element types differ: ${first.dtype} and ${other.dtype}`);
}

export function expectDim(found: Dim, expected: Dim, what: string): void {
  if (!sameDim(found, expected))
    throw new GraphError(`${what}: expected ${formatShape([expected])}, got ${formatShape([found])}`);
}

/** The dimension at an axis. Negative axes count from the end. */
export function dimAt(type: ValueType, axis: number): Dim {
  const dim = type.shape.at(axis);
  if (dim === undefined) throw new GraphError(`no axis ${axis} in ${formatShape(type.shape)}`);
  return dim;
}
