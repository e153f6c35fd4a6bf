// The forward graph as it is trained: operations that have a form of their own for it are written in that form, and what
// this form keeps for the way back is remembered.
import { GraphBuilder } from "../builder.ts";
import type { Graph, Node, NodeOf, OpKind, Value } from "../graph.ts";
import { gradientRules } from "./gradient-rules.ts";
import type { GradientRule } from "./rule.ts";

/** An operation of the network: the node that its rule sees, what it keeps, and the nodes that compute it. */
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

/** A graph whose nodes `write` writes anew; undefined where the node stays. */
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

/** First what falls into parts, then what has a form of its own: parts may have one too. */
export function prepare(graph: Graph): Prepared {
  const inParts = rewrite(graph, (b, node) => partsOf<OpKind>(b, node)).builder.build();
  return rewrite(inParts, (b, node) => forwardOf<OpKind>(b, node));
}
