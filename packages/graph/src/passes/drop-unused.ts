// Removes nodes, weights and constants that no output needs. Inputs stay: they are the caller's contract.
import type { Graph, Value } from "../graph.ts";

export function dropUnused(graph: Graph): Graph {
  const needed = new Set(graph.outputs.map(({ value }) => value.id));
  const isNeeded = (value: Value) => needed.has(value.id);
  const nodes = [...graph.nodes]
    .reverse()
    .filter((node) => {
      if (!isNeeded(node.output)) return false;
      for (const input of node.inputs) needed.add(input.id);
      return true;
    })
    .reverse();
  return {
    ...graph,
    nodes,
    weights: graph.weights.filter(({ value }) => isNeeded(value)),
    constants: graph.constants.filter(({ value }) => isNeeded(value)),
  };
}
