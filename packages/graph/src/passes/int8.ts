// Turns linears over chosen weights into 8-bit products. Their weights are new tensors, quantized from the
// checkpoint's. Per column they are `NAME.int8` [in, out], signed, and `NAME.scale` [out]. In blocks they are
// `NAME.blocks` [out, in / block, block], in which 128 stands for 0, and `NAME.scale` [out, in / block]. NAME is the
// matrix's name, or that of a range of its rows.
import { atLeast } from "@blip-ts/base";
import { GraphError } from "../errors.ts";
import { nextValueId, type Activations, type Graph, type Node, type Value, type Weight } from "../graph.ts";

/** One scale per `block` numbers of a row, both of the matrix and of its left operand. For products with few rows. */
export interface Blocks {
  readonly block: number;
}

/** The rounding of a matrix's activations; undefined if the matrix stays unquantized. */
export type Int8Plan = (weight: Weight) => Activations | Blocks | undefined;

/** The name of a matrix, or of a range of its rows. */
export const rangeName = ({ name, rows }: Pick<Weight, "name" | "rows">): string =>
  rows ? `${name}[${rows.start}:${rows.end}]` : name;

/** The names of the two tensors that replace a matrix. */
export const int8Names = (matrix: string, inBlocks = false) => ({
  values: `${matrix}.${inBlocks ? "blocks" : "int8"}`,
  scale: `${matrix}.scale`,
});

/** @param plan selects the linears' weights [out, in] to quantize */
export const int8 =
  (plan: Int8Plan) =>
  (graph: Graph): Graph => {
    const weights = new Map(graph.weights.map((weight) => [weight.value.id, weight]));
    const made = new Map<string, readonly [values: Weight, scale: Weight]>();
    let nextId = nextValueId(graph);
    const make = (weight: Weight, blocks?: Blocks): readonly [Value, Value] => {
      const name = rangeName(weight);
      const [out, width] = atLeast(weight.value.shape.map(Number), 2);
      const names = int8Names(name, blocks !== undefined);
      const pair = made.get(name) ?? [
        blocks
          ? tensor(nextId++, "uint8", names.values, [out, width / blocks.block, blocks.block])
          : tensor(nextId++, "int8", names.values, [width, out]),
        tensor(nextId++, "float32", names.scale, blocks ? [out, width / blocks.block] : [out]),
      ];
      made.set(name, pair);
      return [pair[0].value, pair[1].value];
    };
    const nodes = graph.nodes.map((node): Node => {
      const [x, matrix, ...bias] = node.inputs;
      const weight = matrix && weights.get(matrix.id);
      const planned = node.kind === "linear" && weight && plan(weight);
      if (!planned || !x) return node;
      if (typeof planned === "object")
        return {
          ...node,
          kind: "blockLinear",
          attributes: {},
          inputs: [x, ...make(weight, planned), ...bias],
        };
      return {
        ...node,
        kind: "quantizedLinear",
        attributes: { activations: planned },
        inputs: [x, ...make(weight), ...bias],
      };
    });
    // If another operation also reads a matrix, it reads the dequantized 8-bit values.
    const read = new Set(nodes.flatMap(({ inputs }) => inputs.map(({ id }) => id)));
    const meant = graph.weights.filter((weight) => read.has(weight.value.id) && plan(weight) !== undefined);
    const dequantized = meant.flatMap((weight): Node[] => {
      if (typeof plan(weight) === "object")
        throw new GraphError(`${weight.name} is read as a matrix: it cannot be of 8-bit blocks`);
      const [values, scale] = make(weight);
      const scope = rangeName(weight);
      const rows: Value = { id: nextId++, dtype: "int8", shape: weight.value.shape };
      return [
        { kind: "transpose", attributes: { permutation: [1, 0] }, inputs: [values], output: rows, scope },
        { kind: "dequantize", attributes: {}, inputs: [rows, scale], output: weight.value, scope },
      ];
    });
    const others = graph.weights.filter((weight) => !meant.includes(weight));
    const weightsNow = [...others, ...[...made.values()].flat()];
    return { ...graph, nodes: [...dequantized, ...nodes], weights: weightsNow };
  };

function tensor(
  id: number,
  dtype: "int8" | "uint8" | "float32",
  name: string,
  shape: readonly number[],
): Weight {
  return { name, shape, value: { id, dtype, shape } };
}
