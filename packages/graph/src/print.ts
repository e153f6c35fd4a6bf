// Prints a graph as text: one line per node, in execution order. Tests use it for snapshots, and `blip inspect` prints
// it.
import type { Graph, Node, Value } from "./graph.ts";
import { fromHalf } from "./types/half.ts";
import { formatDim, formatShape, type Dim } from "./types/dim.ts";

const isShape = (value: unknown): value is readonly Dim[] => Array.isArray(value);

const isDim = (value: unknown): value is Dim =>
  typeof value === "object" && value !== null && "terms" in value;

function formatAttribute(value: unknown): string {
  if (isDim(value)) return formatDim(value);
  return isShape(value) ? formatShape(value) : String(value);
}

/** The printed names of values: inputs by name, weights by path, `%n` for nodes. */
function names(graph: Graph): Map<number, string> {
  const known = new Map<number, string>();
  for (const { name, value } of graph.inputs) known.set(value.id, name);
  for (const { name, value, rows } of graph.weights)
    known.set(value.id, rows ? `${name}[${rows.start}:${rows.end}]` : name);
  for (const { value, tensor } of graph.constants) {
    const [first] = tensor.data;
    const number = tensor.dtype === "float16" ? fromHalf(Number(first)) : first;
    known.set(value.id, tensor.data.length === 1 ? String(number) : `const ${formatShape(value.shape)}`);
  }
  graph.nodes.forEach(({ output }, index) => known.set(output.id, `%${index}`));
  return known;
}

function formatNode(node: Node, name: (value: Value) => string): string {
  const attributes = Object.entries(node.attributes).map(
    ([key, value]) => `${key}=${formatAttribute(value)}`,
  );
  // A weight's path starts with the node's scope, which is not printed again.
  const inputs = node.inputs.map((input) => {
    const text = name(input);
    return node.scope !== "" && text.startsWith(`${node.scope}.`) ? text.slice(node.scope.length) : text;
  });
  const type = `${node.output.dtype} ${formatShape(node.output.shape)}`;
  return `${name(node.output)} = ${node.kind}(${[...inputs, ...attributes].join(", ")}) : ${type}`;
}

/** The graph as text. A comment line with the path precedes the lines of each scope. */
export function printGraph(graph: Graph): string {
  const known = names(graph);
  const name = (value: Value) => known.get(value.id) ?? `?${value.id}`;
  const lines = [`graph ${graph.name}`];
  for (const input of graph.inputs)
    lines.push(`  input ${input.name} : ${input.value.dtype} ${formatShape(input.value.shape)}`);
  let scope = "";
  for (const node of graph.nodes) {
    if (node.scope !== scope) lines.push(`  # ${node.scope === "" ? "(top)" : node.scope}`);
    scope = node.scope;
    lines.push(`  ${formatNode(node, name)}`);
  }
  for (const output of graph.outputs)
    lines.push(
      `  output ${output.name} = ${name(output.value)} : ${output.value.dtype} ${formatShape(output.value.shape)}`,
    );
  return `${lines.join("\n")}\n`;
}
