// Gradient rules for reverse mode. A rule maps the gradient of an operation's output to the gradients of its inputs, as
// more operations of the same graph.
import type { GraphBuilder } from "../builder.ts";
import type { NodeOf, OpKind, Value } from "../graph.ts";
import type { Dim } from "../types/dim.ts";

/** A gradient for the elements start to end - 1 along one axis of an input. The other elements have gradient 0. */
export interface RangeGradient {
  readonly axis: number;
  readonly start: Dim;
  readonly end: Dim;
  readonly range: Value;
}

/** A gradient for the rows of a table at the given ids. Rows with equal ids add up; the other rows have gradient 0. */
export interface RowsGradient {
  readonly ids: Value;
  readonly rows: Value;
}

/** An input's gradient from one operation; undefined if it has none. */
export type Gradient = Value | RangeGradient | RowsGradient | undefined;

/** @param saved the values that `forward` saved @returns the gradients of the inputs, in order */
export type Backward<K extends OpKind> = (
  b: GraphBuilder,
  node: NodeOf<K>,
  gradient: Value,
  saved: readonly Value[],
) => readonly Gradient[];

/** Writes the operation as other operations for training, and returns values that `backward` uses. */
export type Forward<K extends OpKind> = (
  b: GraphBuilder,
  node: NodeOf<K>,
) => { readonly output: Value; readonly saved: readonly Value[] };

/**
 * The gradient rule of an operation.
 * - `backward`: computes gradients; an optional `forward` replaces the operation in training.
 * - `parts`: writes the operation as others, whose rules apply.
 * - `stop`: the output does not depend smoothly on the inputs, so no gradient flows further.
 * - `refuse`: a network with the operation cannot be trained; the message says what to do.
 */
export type GradientRule<K extends OpKind> =
  | { readonly backward: Backward<K>; readonly forward?: Forward<K> }
  | { readonly parts: (b: GraphBuilder, node: NodeOf<K>) => Value }
  | "stop"
  | { readonly refuse: string };

/** The n-th input of a node. The shape rule has checked that it exists. */
export function input(node: NodeOf<OpKind>, index: number): Value {
  const value = node.inputs[index];
  if (!value) throw new RangeError(`${node.kind} at ${node.scope}: there is no input ${index}`);
  return value;
}
