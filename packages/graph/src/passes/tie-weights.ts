// Ties weights that are the same: the LM head is the word embedding table, and two text stacks share parts. Their
// gradients then add up, because all uses read one value.
import { GraphError } from "../errors.ts";
import type { Graph, Value, Weight } from "../graph.ts";
import { formatShape, sameShape } from "../types/dim.ts";

/**
 * @param ties maps a weight's name to the name of the weight that replaces it; names that the graph lacks are ignored
 */
export const tieWeights =
  (ties: Readonly<Record<string, string>>) =>
  (graph: Graph): Graph => {
    const canonical = new Map<string, Weight>();
    const now = new Map<number, Value>();
    const key = ({ name, rows }: Weight) => (rows ? `${name}[${rows.start}:${rows.end}]` : name);
    const renamed = graph.weights.map((weight) => ({ ...weight, name: ties[weight.name] ?? weight.name }));
    // A weight that already has the final name comes first: its value stays.
    const untied = renamed.filter(({ name }, index) => name === graph.weights[index]?.name);
    const weights = [...untied, ...renamed.filter((weight) => !untied.includes(weight))].filter((weight) => {
      const known = canonical.get(key(weight));
      if (!known) {
        canonical.set(key(weight), weight);
        return true;
      }
      if (!sameShape(known.shape, weight.shape))
        throw new GraphError(
          `tie to ${weight.name}: expected ${formatShape(known.shape)}, got ${formatShape(weight.shape)}`,
        );
      now.set(weight.value.id, known.value);
      return false;
    });
    const get = (value: Value) => now.get(value.id) ?? value;
    return {
      ...graph,
      weights,
      nodes: graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map(get) })),
      outputs: graph.outputs.map(({ name, value }) => ({ name, value: get(value) })),
    };
  };
