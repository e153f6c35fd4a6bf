// Computes operations that treat each row alone (products with weights, LayerNorm, elementwise operations) on matrices
// [rows, width] instead of [B, T, width]. A chain of them is then reshaped once at either end. Otherwise each product
// would be reshaped separately, because ONNX Runtime's Gemm takes only matrices.
import { atLeast } from "@blip-ts/base";
import { nextValueId, type Graph, type Node, type Value } from "../graph.ts";
import { traits } from "../ops/traits.ts";
import { multiplyDims, sameShape, type Shape } from "../types/dim.ts";

const isStack = ({ shape }: Value): boolean => shape.length === 3;
function flatShape(stack: Shape): Shape {
  const [first, second, width] = atLeast(stack, 3);
  return [multiplyDims(first, second), width];
}

/** Whether each input becomes a matrix together with the output; undefined if the node does not work by rows. */
function flattened({ kind, inputs, output }: Node): readonly boolean[] | undefined {
  if (!isStack(output)) return undefined;
  const { rows } = traits[kind];
  if (rows === "whole") return undefined;
  if (rows === "byRow") return inputs.map((_, index) => index === 0);
  // A number, or a vector of the width, fits a matrix as well as a stack.
  const whole = inputs.map(({ shape }) => sameShape(shape, output.shape));
  return inputs.every(({ shape }, index) => whole[index] === true || shape.length < 2) ? whole : undefined;
}

export function flattenRows(graph: Graph): Graph {
  let nextId = nextValueId(graph);
  const nodes: Node[] = [];
  /** The matrices that replace stacks, and the ids of values available as stacks. */
  const matrices = new Map<number, Value>();
  const stacks = new Set<number>(
    [...graph.inputs, ...graph.weights, ...graph.constants].map(({ value }) => value.id),
  );

  const matrixOf = (value: Value, scope: string): Value => {
    const known = matrices.get(value.id);
    if (known) return known;
    const shape = flatShape(value.shape);
    const output: Value = { id: nextId++, dtype: value.dtype, shape };
    nodes.push({ kind: "reshape", attributes: { shape }, inputs: [value], output, scope });
    matrices.set(value.id, output);
    return output;
  };
  const stackOf = (value: Value, scope: string): Value => {
    const matrix = matrices.get(value.id);
    if (stacks.has(value.id) || !matrix) return value;
    const attributes = { shape: value.shape };
    nodes.push({ kind: "reshape", attributes, inputs: [matrix], output: value, scope });
    stacks.add(value.id);
    return value;
  };

  for (const node of graph.nodes) {
    const flat = flattened(node);
    if (flat) {
      const inputs = node.inputs.map((input, index) =>
        flat[index] === true ? matrixOf(input, node.scope) : input,
      );
      const output: Value = { ...node.output, id: nextId++, shape: flatShape(node.output.shape) };
      nodes.push({ ...node, inputs, output });
      matrices.set(node.output.id, output);
      continue;
    }
    // A reshape accepts its numbers in either shape.
    const inputs = node.inputs.map((input) =>
      node.kind === "reshape" ? (matrices.get(input.id) ?? input) : stackOf(input, node.scope),
    );
    nodes.push({ ...node, inputs });
    stacks.add(node.output.id);
  }
  for (const { value } of graph.outputs) stackOf(value, "");
  return { ...graph, nodes };
}
