// Merges a reshape of a reshape into one, and drops reshapes, transpositions and repetitions that change nothing.
import type { Graph, Node, Value } from "../graph.ts";
import { sameShape } from "../types/dim.ts";

const changesNothing = (node: Node): boolean => {
  const [x] = node.inputs;
  if (!x) return false;
  if (node.kind === "transpose") return node.attributes.permutation.every((axis, index) => axis === index);
  return (node.kind === "reshape" || node.kind === "expand") && sameShape(x.shape, node.output.shape);
};

export function mergeReshapes(graph: Graph): Graph {
  const now = new Map<number, Value>();
  const get = (value: Value) => now.get(value.id) ?? value;
  /** The source of each reshaped value. */
  const source = new Map<number, Value>();
  const nodes = graph.nodes.flatMap((old): Node[] => {
    const inputs = old.inputs.map(get);
    const [x] = inputs;
    if (old.kind === "reshape" && x) {
      const from = source.get(x.id) ?? x;
      source.set(old.output.id, from);
      const node = { ...old, inputs: [from] };
      if (!changesNothing(node)) return [node];
      now.set(old.output.id, from);
      return [];
    }
    const node = { ...old, inputs };
    if (!changesNothing(node) || !x) return [node];
    now.set(old.output.id, x);
    return [];
  });
  const outputs = graph.outputs.map(({ name, value }) => ({ name, value: get(value) }));
  return { ...graph, nodes, outputs };
}
