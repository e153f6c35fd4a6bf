// What a gradient rule is. Reverse mode: from the gradient of an operation's output to those of its inputs, as more
// operations of the same graph.
import type { GraphBuilder } from "../builder.ts";
import type { NodeOf, OpKind, Value } from "../graph.ts";
import type { Dim } from "../types/dim.ts";

/** The gradient of elements start to end - 1 along one axis of an input; that of the others is 0. */
export interface RangeGradient {
  readonly axis: number;
  readonly start: Dim;
  readonly end: Dim;
  readonly range: Value;
}

/** The gradient of the rows of a table that ids name; those of equal ids add up, that of the others is 0. */
export interface RowsGradient {
  readonly ids: Value;
  readonly rows: Value;
}

/** What an input gets of an operation; undefined where it has no gradient. */
export type Gradient = Value | RangeGradient | RowsGradient | undefined;

/** @param saved what `forward` kept @returns a gradient for each input, in order */
export type Backward<K extends OpKind> = (
  b: GraphBuilder,
  node: NodeOf<K>,
  gradient: Value,
  saved: readonly Value[],
) => readonly Gradient[];

/** The operation in other operations for training, with values of which `backward` makes use. */
export type Forward<K extends OpKind> = (
  b: GraphBuilder,
  node: NodeOf<K>,
) => { readonly output: Value; readonly saved: readonly Value[] };

/**
 * - `backward`, with or without a `forward` that stands for the operation
 * - `parts`: the operation in others, whose rules apply
 * - `stop`: the output does not depend on the inputs smoothly: no gradient goes further
 * - `refuse`: a network with it cannot be trained; the message says what to do
 */
export type GradientRule<K extends OpKind> =
  | { readonly backward: Backward<K>; readonly forward?: Forward<K> }
  | { readonly parts: (b: GraphBuilder, node: NodeOf<K>) => Value }
  | "stop"
  | { readonly refuse: string };

/** The n-th input of a node, which its shape rule has promised. */
export function input(node: NodeOf<OpKind>, index: number): Value {
  const value = node.inputs[index];
  if (!value) throw new RangeError(`${node.kind} at ${node.scope}: there is no input ${index}`);
  return value;
}
