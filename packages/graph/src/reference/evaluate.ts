// Runs a graph with the reference evaluators: slow, plain, in double precision. Tests compare ONNX Runtime with it.
import { GraphError } from "../errors.ts";
import type { Graph, NodeOf, OpKind, Value } from "../graph.ts";
import { evaluateDim, plainName, type Dim } from "../types/dim.ts";
import { fromHalf } from "../types/half.ts";
import { floatTensor, sizeOf, type Tensor } from "../types/dtype.ts";
import { evaluators } from "./evaluators.ts";
import type { Numbers } from "./numbers.ts";

const toNumbers = ({ dtype, dims, data }: Tensor): Numbers => ({
  dims,
  data: Float64Array.from(data, dtype === "float16" ? (bits) => fromHalf(Number(bits)) : Number),
});

/** Binds the names of dimensions from the inputs. @throws {GraphError} if two inputs disagree */
function bindDims(graph: Graph, inputs: Readonly<Record<string, Tensor>>): Map<string, number> {
  const binding = new Map<string, number>();
  for (const { name, value } of graph.inputs)
    value.shape.forEach((dim, axis) => {
      const letter = plainName(dim);
      const size = inputs[name]?.dims[axis];
      if (letter === undefined || size === undefined) return;
      if ((binding.get(letter) ?? size) !== size)
        throw new GraphError(
          `input ${name}: expected ${letter} = ${binding.get(letter)} as in another input, got ${size}`,
        );
      binding.set(letter, size);
    });
  return binding;
}

/**
 * The outputs of a graph, as float32.
 * @param weights returns a whole weight of the checkpoint, by its path
 * @throws {GraphError} if an input or a weight is missing or has another shape
 */
export function evaluate(
  graph: Graph,
  inputs: Readonly<Record<string, Tensor>>,
  weights: (name: string) => Tensor,
): Record<string, Tensor<"float32">> {
  return Object.fromEntries(
    Object.entries(evaluateInDoubles(graph, inputs, weights)).map(([name, { dims, data }]) => [
      name,
      floatTensor(dims, Float32Array.from(data)),
    ]),
  );
}

/** The same without rounding at either end, for central differences: inputs may be float64 instead of float32. */
export function evaluateInDoubles(
  graph: Graph,
  inputs: Readonly<Record<string, Tensor>>,
  weights: (name: string) => Tensor,
): Record<string, Tensor<"float64">> {
  const binding = bindDims(graph, inputs);
  const values = new Map<number, Numbers>();
  const valueOf = (dim: Dim) => evaluateDim(dim, binding);
  const dimsOf = (value: Value) => value.shape.map(valueOf);
  const put = (value: Value, numbers: Numbers, what: string) => {
    const expected = dimsOf(value);
    if (numbers.data.length !== sizeOf(expected))
      throw new GraphError(`${what}: expected [${expected.join(", ")}], got [${numbers.dims.join(", ")}]`);
    values.set(value.id, { dims: expected, data: numbers.data });
  };
  const get = (value: Value): Numbers => {
    const numbers = values.get(value.id);
    if (!numbers) throw new GraphError(`value ${value.id} was not made`);
    return numbers;
  };
  for (const { name, value } of graph.inputs) {
    const tensor = inputs[name];
    if (!tensor) throw new GraphError(`input ${name} is missing`);
    put(value, toNumbers(tensor), `input ${name}`);
  }
  for (const { name, value, rows, shape } of graph.weights) {
    const whole = toNumbers(weights(name));
    const rowSize = sizeOf(shape.slice(1));
    const data = rows ? whole.data.slice(rows.start * rowSize, rows.end * rowSize) : whole.data;
    put(value, { dims: whole.dims, data }, `weight ${name}`);
  }
  for (const { value, tensor } of graph.constants) put(value, toNumbers(tensor), "constant");
  for (const node of graph.nodes) {
    const dims = dimsOf(node.output);
    values.set(node.output.id, { dims, data: run(node, node.inputs.map(get), dims, valueOf) });
  }
  return Object.fromEntries(
    graph.outputs.map(({ name, value }) => {
      const { dims, data } = get(value);
      return [name, { dtype: "float64", dims, data }];
    }),
  );
}

function run<K extends OpKind>(
  node: NodeOf<K>,
  inputs: readonly Numbers[],
  dims: readonly number[],
  valueOf: (dim: Dim) => number,
): Float64Array {
  return evaluators[node.kind](inputs, node, dims, valueOf);
}
