// Gradient checkpointing (arXiv 1604.06174): the backward pass computes layers a second time, so that their inner
// values need not be kept. It costs about a third of a step and saves most of the activation memory.
import type { GraphBuilder } from "../builder.ts";
import type { Node, Value } from "../graph.ts";
import type { Step } from "./prepare.ts";

export interface Recompute {
  /** The layer of a node, from its scope. Values of nodes outside any layer are kept. `layerOf` knows BLIP's names. */
  readonly layerOf: (scope: string) => string | undefined;
  /**
   * The way to keep the second computation separate from the first.
   * - `gradient`: the second computation starts with an empty part of the gradient it serves. It needs no session
   *   option.
   * - `identity`: only its nodes are separate. ONNX Runtime must not merge them: set the session option
   *   `optimization.disable_specified_optimizers` to `CommonSubexpressionElimination`.
   */
  readonly apart?: "gradient" | "identity";
}

/** The layer in a scope: `vision_model.encoder.layers.3` for `vision_model.encoder.layers.3.mlp.fc1`. */
export function layerOf(scope: string): string | undefined {
  return /^(?:.*\.)?layers?\.\d+(?=\.|$)/.exec(scope)?.[0];
}

/** Consecutive steps within one layer, or within none. */
export interface Segment {
  readonly layer: string | undefined;
  readonly steps: readonly Step[];
}

export function segmentsOf(steps: readonly Step[], recompute: Recompute | undefined): Segment[] {
  const segments: { layer: string | undefined; steps: Step[] }[] = [];
  for (const step of steps) {
    const layer = recompute?.layerOf(step.node.scope);
    const last = segments.at(-1);
    if (last && last.layer === layer) last.steps.push(step);
    else segments.push({ layer, steps: [step] });
  }
  return segments;
}

/** Maps a value of the first computation to its counterpart in the second. */
export type Again = (value: Value) => Value;

/**
 * Computes a layer a second time. A value from outside the layer passes a barrier if it depends on a parameter. Nodes
 * that depend on no such value are not repeated.
 * @param isWanted whether gradients flow through a value
 * @param isLasting whether a value is a parameter or an input, which stays in memory anyway
 */
export function computeAgain(
  b: GraphBuilder,
  { steps }: Segment,
  gradient: Value,
  { apart = "gradient" }: Pick<Recompute, "apart">,
  isWanted: (value: Value) => boolean,
  isLasting: (value: Value) => boolean,
): Again {
  const inside = new Set(steps.flatMap(({ nodes }) => nodes.map(({ output }) => output.id)));
  const again = new Map<number, Value>();
  const of = (value: Value, scope: string): Value => {
    const known = again.get(value.id);
    if (known) return known;
    if (inside.has(value.id) || isLasting(value) || !isWanted(value)) return value;
    const after = apart === "gradient" && value.shape.length > 0 ? gradient : undefined;
    const made = b.at(`again.${scope}`).barrier(value, after);
    again.set(value.id, made);
    return made;
  };
  const repeat = (node: Node) => {
    const inputs = node.inputs.map((value) => of(value, node.scope));
    if (inputs.every((value, index) => value === node.inputs[index])) return;
    again.set(node.output.id, b.at(`again.${node.scope}`).op(node.kind, inputs, node.attributes));
  };
  for (const { nodes } of steps) nodes.forEach(repeat);
  return (value) => again.get(value.id) ?? value;
}
