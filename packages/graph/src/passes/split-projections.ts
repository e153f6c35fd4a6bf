// Splits a fused projection (one Linear D -> 3D whose output is sliced into q, k and v) into one Linear per slice. The
// rows of a PyTorch weight [out, in] are contiguous, so each part is a byte range of the checkpoint. The split saves
// the copies that the slices would make.
import { nextValueId, type Graph, type Node, type NodeOf, type Value, type Weight } from "../graph.ts";

/** Whether the node is a slice along the last axis, that is, one part of a projection. */
function isLastAxisSlice(node: Node): node is NodeOf<"slice"> {
  return node.kind === "slice" && node.attributes.axis === node.output.shape.length - 1;
}

export function splitProjections(graph: Graph): Graph {
  const weights = new Map<number, Weight>(graph.weights.map((weight) => [weight.value.id, weight]));
  const users = new Map<number, Node[]>();
  for (const node of graph.nodes)
    for (const input of node.inputs) users.set(input.id, [...(users.get(input.id) ?? []), node]);
  const outputs = new Set(graph.outputs.map(({ value }) => value.id));

  let nextId = nextValueId(graph);
  const parts = new Map<string, Weight>();
  const rowsOf = (value: Value, start: number, end: number): Value | undefined => {
    const weight = weights.get(value.id);
    if (!weight || weight.rows) return undefined;
    const key = `${weight.name}[${start}:${end}]`;
    const known = parts.get(key);
    if (known) return known.value;
    const part: Value = { id: nextId++, dtype: value.dtype, shape: [end - start, ...weight.shape.slice(1)] };
    parts.set(key, { name: weight.name, shape: weight.shape, rows: { start, end }, value: part });
    return part;
  };

  const replaced = new Map<Node, Node>();
  for (const node of graph.nodes) {
    if (node.kind !== "linear" || outputs.has(node.output.id)) continue;
    const slices = users.get(node.output.id) ?? [];
    if (slices.length < 2 || !slices.every(isLastAxisSlice)) continue;
    const [x, ...parameters] = node.inputs;
    if (!x || !parameters.every((value) => weights.has(value.id))) continue;
    for (const slice of slices) {
      const { start, end } = slice.attributes;
      if (typeof start !== "number" || typeof end !== "number") continue;
      const rows = parameters
        .map((value) => rowsOf(value, start, end))
        .filter((value) => value !== undefined);
      if (rows.length !== parameters.length) continue;
      replaced.set(slice, { ...node, inputs: [x, ...rows], output: slice.output });
    }
  }
  return {
    ...graph,
    weights: [...graph.weights, ...parts.values()],
    nodes: graph.nodes.map((node) => replaced.get(node) ?? node),
  };
}
