// Gradients by central differences in double precision, to compare a graph's gradients with. Also assembles a
// parameter's whole gradient from a graph's outputs.
import { missed } from "@blip-ts/base";
import type { Differentiated, ParameterGradient } from "../autodiff/differentiate.ts";
import { GraphError } from "../errors.ts";
import type { Graph } from "../graph.ts";
import { sizeOf, type Tensor } from "../types/dtype.ts";
import { evaluateInDoubles } from "./evaluate.ts";

type Tensors = Readonly<Record<string, Tensor>>;
type Doubles = Tensor<"float64">;
const noWeights = (): never => {
  throw new GraphError("central differences: expected parameters as inputs, got weights. Lift them");
};

const valueAt = (data: ArrayLike<number | bigint>, index: number): number =>
  Number(data[index] ?? missed("number"));

/** The sum of the outputs named by `of`, each multiplied by its seed if there is one. */
function lossOf(graph: Graph, inputs: Tensors, of: readonly string[], seeds: Tensors): number {
  const outputs = evaluateInDoubles(graph, inputs, noWeights);
  let loss = 0;
  for (const name of of) {
    const weights = seeds[`seed ${name}`]?.data;
    const values = outputs[name]?.data ?? [NaN];
    for (let index = 0; index < values.length; index++)
      loss += valueAt(values, index) * (weights ? valueAt(weights, index) : 1);
  }
  return loss;
}

/** The function to differentiate: output names, and the inputs `seed NAME` of the outputs that are not scalars. */
export interface Differenced {
  readonly of: readonly string[];
  readonly seeds: Tensors;
}

/** d loss / d input[index] by central differences over two step sizes, so that the second-order errors cancel. */
export function centralDifference(
  graph: Graph,
  inputs: Tensors,
  { of, seeds }: Differenced,
  name: string,
  index: number,
): number {
  const tensor = inputs[name];
  if (!tensor) throw new GraphError(`central differences: there is no input ${name}`);
  const data = Float64Array.from(tensor.data, Number);
  const here = valueAt(data, index);
  const step = 1e-5 * Math.max(1, Math.min(Math.abs(here), 1e3));
  const at = (x: number) => {
    const changed = Float64Array.from(data);
    changed[index] = x;
    const moved: Doubles = { dtype: "float64", dims: tensor.dims, data: changed };
    return lossOf(graph, { ...inputs, [name]: moved }, of, seeds);
  };
  const slope = (h: number) => (at(here + h) - at(here - h)) / (2 * h);
  return (4 * slope(step) - slope(2 * step)) / 3;
}

/** @throws {GraphError} if no tensor has the name */
function tensorOf<T>(tensors: Readonly<Record<string, T>>, name: string): T {
  const tensor = tensors[name];
  if (tensor === undefined)
    throw new GraphError(`expected a tensor ${name}, got ${Object.keys(tensors).join(", ")}`);
  return tensor;
}

/** A parameter's whole gradient from a run's outputs: the dense part, then the rows, in order. */
export function wholeGradient(
  { name, dense, rows }: ParameterGradient,
  outputs: Readonly<Record<string, { readonly data: ArrayLike<number | bigint> }>>,
  dims: readonly number[],
): Float64Array {
  const result = dense
    ? Float64Array.from(tensorOf(outputs, dense).data, Number)
    : new Float64Array(sizeOf(dims));
  const width = sizeOf(dims.slice(1));
  for (const part of rows) {
    const [ids, values] = [tensorOf(outputs, part.ids).data, tensorOf(outputs, part.rows).data];
    for (let row = 0; row < ids.length; row++)
      for (let k = 0; k < width; k++) {
        const position = valueAt(ids, row) * width + k;
        result[position] = valueAt(result, position) + valueAt(values, row * width + k);
      }
  }
  if (result.length !== sizeOf(dims))
    throw new GraphError(`gradient of ${name}: expected ${sizeOf(dims)} numbers, got ${result.length}`);
  return result;
}

/** Every parameter's gradient from the reference evaluator, in doubles. */
export function evaluatedGradients(
  { graph, gradients }: Differentiated,
  inputs: Tensors,
): ReadonlyMap<string, Float64Array> {
  const outputs = evaluateInDoubles(graph, inputs, noWeights);
  return new Map(
    gradients.map((one) => [one.name, wholeGradient(one, outputs, tensorOf(inputs, one.name).dims)]),
  );
}
