// What a shape rule is, and the small checks that the families share.
import { GraphError } from "../errors.ts";
import type { OpAttributes, OpKind, ValueType } from "../graph.ts";
import { formatShape, sameDim, type Dim } from "../types/dim.ts";
import type { DType } from "../types/dtype.ts";

/** From the types of the inputs to the type of the output. @throws {GraphError} where they do not fit. */
export type ShapeRule<K extends OpKind> = (
  inputs: readonly ValueType[],
  attributes: OpAttributes[K],
) => ValueType;

/** The i-th input, which must be there. */
export function inputAt(inputs: readonly ValueType[], index: number): ValueType {
  const input = inputs[index];
  if (input === undefined)
    throw new GraphError(`expected at least ${index + 1} inputs, found ${inputs.length}`);
  return input;
}

export function expectCount(inputs: readonly unknown[], least: number, most = least): void {
  if (inputs.length < least || inputs.length > most)
    throw new GraphError(
      `expected ${least === most ? least : `${least} to ${most}`} inputs, found ${inputs.length}`,
    );
}

export function expectRank(type: ValueType, rank: number, what: string): void {
  if (type.shape.length !== rank)
    throw new GraphError(`${what}: expected ${rank} dimensions, found ${formatShape(type.shape)}`);
}

export function expectFloat(type: ValueType, what: string): void {
  if (type.dtype !== "float32" && type.dtype !== "float16")
    throw new GraphError(`${what}: expected floating point, found ${type.dtype}`);
}

export function expectDType(type: ValueType, dtype: DType, what: string): void {
  if (type.dtype !== dtype) throw new GraphError(`${what}: expected ${dtype}, found ${type.dtype}`);
}

export function expectSameDType(types: readonly ValueType[]): void {
  const [first, ...others] = types;
  const other = others.find(({ dtype }) => dtype !== first?.dtype);
  if (first && other) throw new GraphError(`element types differ: ${first.dtype} and ${other.dtype}`);
}

export function expectDim(found: Dim, expected: Dim, what: string): void {
  if (!sameDim(found, expected))
    throw new GraphError(`${what}: expected ${formatShape([expected])}, found ${formatShape([found])}`);
}

/** The dimension at an axis; negative axes count from the end. */
export function dimAt(type: ValueType, axis: number): Dim {
  const dim = type.shape.at(axis);
  if (dim === undefined) throw new GraphError(`no axis ${axis} in ${formatShape(type.shape)}`);
  return dim;
}
