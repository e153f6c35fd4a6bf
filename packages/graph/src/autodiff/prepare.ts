// Rewrites a forward graph for training. Operations with a special training form are written in that form, and the
// values that the form saves for the backward pass are recorded.
import { GraphBuilder } from "../builder.ts";
import type { Graph, Node, NodeOf, OpKind, Value } from "../graph.ts";
import { gradientRules } from "./gradient-rules.ts";
import type { GradientRule } from "./rule.ts";

/** An operation of the network: the node that its rule gets, the values it saves, and the nodes that compute it. */
export interface Step {
  readonly node: Node;
  readonly saved: readonly Value[];
  readonly nodes: readonly Node[];
}

export interface Prepared {
  readonly builder: GraphBuilder;
  readonly steps: readonly Step[];
}

export const ruleOf = <K extends OpKind>(node: NodeOf<K>): GradientRule<K> => gradientRules[node.kind];

interface Rewritten {
  readonly output: Value;
  readonly saved: readonly Value[];
}

/** Rebuilds a graph. `write` may replace a node; if it returns undefined, the node stays. */
function rewrite(
  graph: Graph,
  write: (b: GraphBuilder, node: Node) => Rewritten | undefined,
): { readonly builder: GraphBuilder; readonly steps: readonly Step[] } {
  const b = GraphBuilder.from({ ...graph, nodes: [], outputs: [] }, graph);
  const now = new Map<number, Value>();
  const get = (value: Value) => now.get(value.id) ?? value;
  const begun = graph.nodes.map((old) => {
    const node: Node = { ...old, inputs: old.inputs.map(get) };
    const from = b.nodeCount;
    const made = write(node.scope === "" ? b : b.at(node.scope), node);
    if (!made) b.append(node);
    const output = made?.output ?? node.output;
    now.set(old.output.id, output);
    return { node: { ...node, output }, saved: made?.saved ?? [], from, to: b.nodeCount };
  });
  for (const { name, value } of graph.outputs) b.output(name, get(value));
  const { nodes } = b.build();
  const steps = begun.map(({ node, saved, from, to }) => ({ node, saved, nodes: nodes.slice(from, to) }));
  return { builder: b, steps };
}

function partsOf<K extends OpKind>(b: GraphBuilder, node: NodeOf<K>): Rewritten | undefined {
  const rule = ruleOf(node);
  return typeof rule === "object" && "parts" in rule ? { output: rule.parts(b, node), saved: [] } : undefined;
}

function forwardOf<K extends OpKind>(b: GraphBuilder, node: NodeOf<K>): Rewritten | undefined {
  const rule = ruleOf(node);
  return typeof rule === "object" && "forward" in rule ? rule.forward(b, node) : undefined;
}

/** Splits operations into parts first, then applies training forms: a part may have one too. */
export function prepare(graph: Graph): Prepared {
  const inParts = rewrite(graph, (b, node) => partsOf<OpKind>(b, node)).builder.build();
  return rewrite(inParts, (b, node) => forwardOf<OpKind>(b, node));
}
