// Estimates the memory of a step before the first step. Weights, gradients and moments are exact. Activations come from
// a simulation of the order in which ONNX Runtime runs the graph.
import {
  elementSize,
  evaluateDim,
  plainName,
  type Graph,
  type Node,
  type Tensor,
  type Value,
} from "@blip-ts/graph";
import { placeParameters, type Parameter } from "@blip-ts/engine";
import type { TrainingPlan } from "./plan.ts";

/** Memory in bytes. */
export interface MemoryEstimate {
  /** All parameters, and the weights that are not trained. */
  readonly weights: number;
  readonly gradients: number;
  /** Both moments, and the sum of gradients if gradients are accumulated. */
  readonly moments: number;
  /** The peak memory of a step's intermediate values, in addition to the other fields. */
  readonly activations: number;
  readonly total: number;
}

/**
 * Nodes in the order in which ONNX Runtime runs them. ONNX Runtime walks back from the last node without readers, and
 * from each node visits its last-written input first (`Graph::ReverseDFSFrom`).
 */
export function runOrder({ nodes }: Graph): readonly Node[] {
  const maker = new Map(nodes.map((node, index) => [node.output.id, { node, index }]));
  const read = new Set(nodes.flatMap(({ inputs }) => inputs.map(({ id }) => id)));
  // Leaves are written last and in reverse; the walk starts with the last leaf.
  const leaves = nodes.filter(({ output }) => !read.has(output.id));
  const order: Node[] = [];
  const seen = new Set<number>();
  const stack: { readonly node: Node; readonly leave: boolean }[] = [...leaves]
    .reverse()
    .map((node) => ({ node, leave: false }));
  for (let top = stack.pop(); top; top = stack.pop()) {
    const { node, leave } = top;
    if (leave) order.push(node);
    if (leave || seen.has(node.output.id)) continue;
    seen.add(node.output.id);
    stack.push({ node, leave: true });
    const before = node.inputs.flatMap(({ id }) => (seen.has(id) ? [] : (maker.get(id) ?? [])));
    for (const producer of before.sort((a, b) => a.index - b.index))
      stack.push({ node: producer.node, leave: false });
  }
  return order;
}

/** Whether a node's output shares the memory of its input. */
const sharesMemory = ({ kind }: Node): boolean => kind === "reshape" || kind === "barrier";

/**
 * The peak number of live bytes while the graph runs.
 * @param inPlace outputs with preallocated memory: gradients
 */
export function simulatedActivations(
  graph: Graph,
  binding: ReadonlyMap<string, number>,
  inPlace: ReadonlySet<string>,
): number {
  const order = runOrder(graph);
  const placed = new Set(graph.outputs.flatMap(({ name, value }) => (inPlace.has(name) ? [value.id] : [])));
  /** For each value that shares memory, the value that owns it. */
  const owners = new Map<number, number>();
  const ownerOf = (id: number) => owners.get(id) ?? id;
  for (const node of order) {
    const [first] = node.inputs;
    if (sharesMemory(node) && first) owners.set(node.output.id, ownerOf(first.id));
  }
  const lastUse = new Map<number, number>();
  order.forEach(({ inputs, output }, index) => {
    for (const { id } of [...inputs, output]) lastUse.set(ownerOf(id), index);
  });
  for (const { value } of graph.outputs) lastUse.set(ownerOf(value.id), order.length);
  const freed = new Map<number, number[]>();
  for (const [id, index] of lastUse) freed.set(index, [...(freed.get(index) ?? []), id]);
  const bytesOf = ({ shape, dtype }: Value) =>
    shape.reduce<number>((product, dim) => product * evaluateDim(dim, binding), elementSize[dtype]);
  const alive = new Map<number, number>();
  let [now, most] = [0, 0];
  order.forEach((node, index) => {
    const { output } = node;
    if (!owners.has(output.id) && !placed.has(output.id)) {
      alive.set(output.id, bytesOf(output));
      now += bytesOf(output);
      most = Math.max(most, now);
    }
    for (const id of freed.get(index) ?? []) {
      now -= alive.get(id) ?? 0;
      alive.delete(id);
    }
  });
  return most;
}

/** The sizes of the graph's named dimensions, taken from the inputs. */
export function bindingOf(
  graph: Graph,
  feeds: Readonly<Record<string, Pick<Tensor, "dims">>>,
): Map<string, number> {
  const binding = new Map<string, number>();
  for (const { name, value } of graph.inputs)
    value.shape.forEach((dim, axis) => {
      const letter = plainName(dim);
      const size = feeds[name]?.dims[axis];
      if (letter !== undefined && size !== undefined) binding.set(letter, size);
    });
  return binding;
}

/**
 * @param feeds the inputs of a batch, or their dimensions
 * @param sums whether gradients are accumulated
 */
export function estimateMemory(
  { graph, gradients, parameters }: TrainingPlan,
  feeds: Readonly<Record<string, Pick<Tensor, "dims">>>,
  sums = false,
): MemoryEstimate {
  const { banks } = placeParameters(parameters, { sums });
  const numbers = (list: readonly Pick<Parameter, "dims">[]) =>
    list.reduce((sum, { dims }) => sum + dims.reduce((product, size) => product * size, 1), 0);
  const trained = banks.reduce((sum, { block }) => sum + block * 4, 0);
  const still = 4 * numbers(graph.weights.map(({ shape }) => ({ dims: shape })));
  const weights =
    banks.reduce((sum, { bytes, block, blocks }) => sum + bytes - (blocks - 1) * block * 4, 0) + still;
  const moments = (sums ? 3 : 2) * trained;
  const dense = new Set(gradients.flatMap((gradient) => gradient.dense ?? []));
  const activations = simulatedActivations(graph, bindingOf(graph, feeds), dense);
  return {
    weights,
    gradients: trained,
    moments,
    activations,
    total: weights + trained + moments + activations,
  };
}
