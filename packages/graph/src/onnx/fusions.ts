// What is lowered together, where ONNX Runtime has one operator for it: the bias of a product is added by what reads the
// product (Gelu, the sum before a LayerNorm) instead of being written into the product's place first, and a sum is
// normalized while it is made.
import type { Graph, Node, NodeOf, Value } from "../graph.ts";
import { sameShape } from "../types/dim.ts";

/** A product whose bias may be added later: its operator does not add it for nothing. */
type Product = NodeOf<"linear"> | NodeOf<"quantizedLinear">;

const biasPlace = { linear: 2, quantizedLinear: 3 } as const;

const addsApart = (node: Node | undefined): node is Product =>
  node?.kind === "linear" || (node?.kind === "quantizedLinear" && node.attributes.activations === "row");

const biasOf = (node: Product): Value | undefined => node.inputs[biasPlace[node.kind]];

interface Normalized {
  readonly norm: NodeOf<"layerNorm">;
  /** Does anything else read the sum? */
  readonly sumIsRead: boolean;
}

/** Of a graph whose rows are matrices. */
export class Fusions {
  /** Biases by the value that is still without them. */
  readonly #biases = new Map<number, Value>();
  /** The LayerNorm that is lowered with a sum, by the sum. */
  readonly #norms = new Map<Node, Normalized>();
  readonly #lowered = new Set<Node>();

  constructor(graph: Graph) {
    const makers = new Map(graph.nodes.map((node) => [node.output.id, node]));
    const readers = new Map<number, Node[]>();
    for (const node of graph.nodes)
      for (const { id } of node.inputs) readers.set(id, [...(readers.get(id) ?? []), node]);
    const outside = new Set(graph.outputs.map(({ value }) => value.id));

    /** Leaves the bias of a product to its only reader. */
    const takeBias = (value: Value | undefined): boolean => {
      const maker = value && makers.get(value.id);
      if (!value || !addsApart(maker) || outside.has(value.id) || readers.get(value.id)?.length !== 1)
        return false;
      const bias = biasOf(maker);
      if (bias) this.#biases.set(value.id, bias);
      return bias !== undefined;
    };

    for (const node of graph.nodes) {
      if (node.kind === "gelu") takeBias(node.inputs[0]);
      if (node.kind !== "add") continue;
      const norm = readers.get(node.output.id)?.find((reader) => reader.kind === "layerNorm");
      const [a, b] = node.inputs;
      // SkipLayerNormalization adds matrices of one shape; gain and bias must be there when the sum is.
      if (norm?.kind !== "layerNorm" || norm.inputs[0]?.id !== node.output.id || !a || !b) continue;
      if (a.dtype !== "float32" || a.shape.length !== 2 || !sameShape(a.shape, b.shape)) continue;
      if (norm.inputs.slice(1).some(({ id }) => makers.has(id))) continue;
      const sumIsRead = outside.has(node.output.id) || readers.get(node.output.id)?.length !== 1;
      this.#norms.set(node, { norm, sumIsRead });
      this.#lowered.add(norm);
      if (!takeBias(a)) takeBias(b);
    }
  }

  /** The bias that the reader of a value has to add. */
  biasOf(value: Value | undefined): Value | undefined {
    return value && this.#biases.get(value.id);
  }

  /** The LayerNorm that is lowered with a sum. */
  normOf(sum: Node): Normalized | undefined {
    return this.#norms.get(sum);
  }

  /** Is the node lowered with another one? */
  isLowered(node: Node): boolean {
    return this.#lowered.has(node);
  }
}
