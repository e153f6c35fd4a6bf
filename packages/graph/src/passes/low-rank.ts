// Adds a low-rank update to a product with a weight (LoRA, arXiv 2106.09685): y = x W^T + c becomes y + scale (x A^T)
// B^T. A and B are weights of their own; W does not change.
import { must } from "@blip-ts/base";
import { GraphBuilder } from "../builder.ts";
import { GraphError } from "../errors.ts";
import type { Graph, Node, Value, Weight } from "../graph.ts";
import { formatShape } from "../types/dim.ts";

export interface LowRank {
  /** r, the number of rows of A. */
  readonly rank: number;
  /** A factor of the update. */
  readonly scale: number;
  /** The names of A [r, in] (`down`) and B [out, r] (`up`). */
  readonly down: string;
  readonly up: string;
  /** An operation on x before A, such as dropout. It is called for each product, with `b` at the product's scope. */
  readonly regularize?: ((b: GraphBuilder, x: Value) => Value) | undefined;
}

function updated(b: GraphBuilder, node: Node, { shape }: Weight, update: LowRank): Value {
  const { rank, scale, down, up, regularize } = update;
  const at = node.scope === "" ? b : b.at(node.scope);
  const [out, width] = [must(shape, 0), must(shape, 1)];
  const x = must(node.inputs, 0);
  const low = at.op("linear", [regularize?.(at, x) ?? x, b.weight(down, [rank, width])], {});
  const scaled = scale === 1 ? low : at.multiply(low, at.scalar(scale));
  return at.add(node.output, at.op("linear", [scaled, b.weight(up, [out, rank])], {}));
}

/**
 * Adds low-rank updates to products.
 * @param updateOf returns a weight's update, or undefined if it has none; called once per product
 * @throws {GraphError} if a weight with an update is read in ranges of its rows: update before projections are split
 */
export const addLowRank =
  (updateOf: (weight: Weight) => LowRank | undefined) =>
  (graph: Graph): Graph => {
    const b = GraphBuilder.from({ ...graph, nodes: [], outputs: [] }, graph);
    const weights = new Map(graph.weights.map((weight) => [weight.value.id, weight]));
    const now = new Map<number, Value>();
    const get = (value: Value) => now.get(value.id) ?? value;
    for (const old of graph.nodes) {
      const node: Node = { ...old, inputs: old.inputs.map(get) };
      b.append(node);
      const weight = node.kind === "linear" ? weights.get(must(node.inputs, 1).id) : undefined;
      const update = weight && updateOf(weight);
      if (!weight || !update) continue;
      if (weight.rows)
        throw new GraphError(
          `update of ${weight.name}: expected the whole weight ${formatShape(weight.shape)}, got rows ` +
            `${weight.rows.start} to ${weight.rows.end}. Add updates before projections are split`,
        );
      now.set(node.output.id, updated(b, node, weight, update));
    }
    for (const { name, value } of graph.outputs) b.output(name, get(value));
    return b.build();
  };
