// Checks a finished graph again: the result of a pass must still be a valid graph.
import { GraphError } from "./errors.ts";
import type { Graph, Node, OpKind, Value, ValueType } from "./graph.ts";
import { inferType } from "./ops/index.ts";
import { formatShape, sameShape } from "./types/dim.ts";

const describe = ({ dtype, shape }: ValueType) => `${dtype} ${formatShape(shape)}`;

function expectUnique(names: readonly string[], what: string): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw new GraphError(`two ${what} have the name ${name}`);
    seen.add(name);
  }
}

/**
 * Checks that every value is made once and before its use, that types match the operations' rules, and that names are
 * unique.
 * @returns the graph itself
 * @throws {GraphError} naming the first wrong node
 */
export function checkGraph(graph: Graph): Graph {
  const made = new Map<number, Value>();
  const make = (value: Value, what: string) => {
    if (made.has(value.id)) throw new GraphError(`${what}: value ${value.id} is made twice`);
    made.set(value.id, value);
  };
  for (const { name, value } of graph.inputs) make(value, `input ${name}`);
  for (const weight of graph.weights) {
    make(weight.value, `weight ${weight.name}`);
    const { rows, shape } = weight;
    const expected = rows ? [rows.end - rows.start, ...shape.slice(1)] : shape;
    if (!sameShape(weight.value.shape, expected))
      throw new GraphError(
        `weight ${weight.name}: expected ${formatShape(expected)}, got ${formatShape(weight.value.shape)}`,
      );
  }
  for (const { value, tensor } of graph.constants) {
    make(value, "constant");
    if (value.dtype !== tensor.dtype || !sameShape(value.shape, tensor.dims))
      throw new GraphError(
        `constant ${value.id}: expected ${describe(value)}, got ${tensor.dtype} ${formatShape(tensor.dims)}`,
      );
  }
  const uses = (value: Value, where: string) => {
    if (made.get(value.id) !== value)
      throw new GraphError(`${where}: uses value ${value.id} before it is made`);
  };
  for (const node of graph.nodes) {
    const where = `${node.kind} at ${node.scope}`;
    for (const input of node.inputs) uses(input, where);
    const type = infer(node);
    if (type.dtype !== node.output.dtype || !sameShape(type.shape, node.output.shape))
      throw new GraphError(`${where}: expected ${describe(type)}, got ${describe(node.output)}`);
    make(node.output, where);
  }
  for (const { name, value } of graph.outputs) uses(value, `output ${name}`);
  expectUnique(
    graph.inputs.map(({ name }) => name),
    "inputs",
  );
  expectUnique(
    graph.outputs.map(({ name }) => name),
    "outputs",
  );
  expectUnique(
    graph.weights.map(({ name, rows }) => (rows ? `${name}[${rows.start}:${rows.end}]` : name)),
    "weights",
  );
  return graph;
}

function infer(node: Node): ValueType {
  return inferType<OpKind>(node.kind, node.inputs, node.attributes, node.scope);
}
