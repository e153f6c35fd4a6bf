// Merges equal constants, and nodes of the same operation with equal inputs and attributes.
import type { Constant, Graph, Node, Value } from "../graph.ts";
import { traits } from "../ops/traits.ts";

/** Larger constants, in bytes, are not compared. */
const mostBytes = 4096;

const keyOfConstant = ({ value: { id }, tensor: { dtype, dims, data } }: Constant): string => {
  if (data.byteLength > mostBytes) return `constant ${id}`;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return `${dtype} ${dims.join(",")} ${bytes.join(",")}`;
};

export function commonSubexpressions(graph: Graph): Graph {
  const now = new Map<number, Value>();
  const get = (value: Value) => now.get(value.id) ?? value;
  const first = new Map<string, Value>();
  /** Whether the value is the first with its key. If not, uses of it become uses of the first. */
  const isFirst = (key: string, value: Value): boolean => {
    const known = first.get(key);
    if (known) now.set(value.id, known);
    else first.set(key, value);
    return known === undefined;
  };
  const constants = graph.constants.filter((constant) => isFirst(keyOfConstant(constant), constant.value));
  const nodes = graph.nodes.flatMap((old): Node[] => {
    const node = { ...old, inputs: old.inputs.map(get) };
    if (traits[node.kind].distinct === true) return [node];
    const key = `${node.kind} ${node.inputs.map(({ id }) => id).join(",")} ${JSON.stringify(node.attributes)}`;
    return isFirst(key, node.output) ? [node] : [];
  });
  const outputs = graph.outputs.map(({ name, value }) => ({ name, value: get(value) }));
  return { ...graph, constants, nodes, outputs };
}
