// Layers that are computed a second time on the way back, so that what is inside them need not be kept meanwhile
// (gradient checkpoints, arXiv 1604.06174). Costs about a third of a step and saves most of the activations.
import type { GraphBuilder } from "../builder.ts";
import type { Node, Value } from "../graph.ts";
import type { Step } from "./prepare.ts";

export interface Recompute {
  /** The layer that a node belongs to, by its scope; nodes of none are kept. `layerOf` is the one for BLIP's names. */
  readonly layerOf: (scope: string) => string | undefined;
  /**
   * What keeps the second computation apart from the first. `gradient`: it begins with a part, which is empty, of the
   * gradient that it is for; nothing has to be set. `identity`: nothing but its nodes; ONNX Runtime must be told not to
   * merge them (session option `optimization.disable_specified_optimizers`: `CommonSubexpressionElimination`).
   */
  readonly apart?: "gradient" | "identity";
}

/** `vision_model.encoder.layers.3` of `vision_model.encoder.layers.3.mlp.fc1`. */
export function layerOf(scope: string): string | undefined {
  return /^(?:.*\.)?layers?\.\d+(?=\.|$)/.exec(scope)?.[0];
}

/** Steps that follow each other in one layer, or one that is in none. */
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

/** A value as the second computation has it. */
export type Again = (value: Value) => Value;

/**
 * Computes a layer once more. What comes from outside passes a barrier if a parameter is behind it; what depends on no
 * such value is taken as it is.
 * @param isWanted whether gradients pass a value
 * @param isLasting parameters and inputs, which are there anyway
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
