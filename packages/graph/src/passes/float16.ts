// Converts a graph to half precision. Operations that sum many numbers (LayerNorm, softmax, norms, means) run in
// float32 between casts. Inputs and outputs stay float32 unless `isHalfBorder` selects them. Attention's softmax
// belongs to the engine: ONNX Runtime's WebGPU kernels sum it in f32 (contrib_ops/webgpu/bert).
import {
  nextValueId,
  type Constant,
  type Graph,
  type NamedValue,
  type Node,
  type Value,
  type Weight,
} from "../graph.ts";
import { traits } from "../ops/traits.ts";
import type { DType, Tensor } from "../types/dtype.ts";
import { toHalf } from "../types/half.ts";

export interface Float16Options {
  /** Selects the inputs and outputs, by name, that become float16 as well. */
  readonly isHalfBorder?: (name: string) => boolean;
}

/** @returns a pass that keeps the function and halves the precision */
export const float16 =
  ({ isHalfBorder = () => false }: Float16Options = {}) =>
  (graph: Graph): Graph => {
    let nextId = nextValueId(graph);
    const nodes: Node[] = [];
    /** The value's replacements in half and in single precision. */
    const narrow = new Map<number, Value>();
    const broad = new Map<number, Value>();
    const known = (value: Value, half: boolean) => (half ? narrow : broad).get(value.id);
    const put = (old: Value, value: Value) =>
      void (value.dtype === "float16" ? narrow : broad).set(old.id, value);
    const retyped = (value: Value, dtype: DType): Value => ({ ...value, id: nextId++, dtype });

    const as = (old: Value, half: boolean, scope: string): Value => {
      if (old.dtype !== "float32") return old;
      const converted = known(old, half);
      if (converted) return converted;
      const from = known(old, !half);
      if (!from) return old;
      const to = half ? "float16" : "float32";
      const output = retyped(old, to);
      nodes.push({ kind: "cast", attributes: { to }, inputs: [from], output, scope });
      put(old, output);
      return output;
    };

    const inputs = graph.inputs.map((input): NamedValue => {
      const { name, value } = input;
      if (value.dtype !== "float32") return input;
      const typed = isHalfBorder(name) ? retyped(value, "float16") : value;
      put(value, typed);
      return { name, value: typed };
    });
    // A weight that only summing operations read stays float32 in the graph. Other types in the file are cast when the
    // model is loaded.
    const readByNarrow = new Set(
      graph.nodes.flatMap((node) => (traits[node.kind].sums ? [] : node.inputs.map(({ id }) => id))),
    );
    const weights = graph.weights.map((weight): Weight => {
      const half = weight.value.dtype === "float32" && readByNarrow.has(weight.value.id);
      const value = half ? retyped(weight.value, "float16") : weight.value;
      if (weight.value.dtype === "float32") put(weight.value, value);
      return { ...weight, value };
    });
    const constants = graph.constants.map((constant): Constant => {
      const { value, tensor } = constant;
      if (tensor.dtype !== "float32") return constant;
      const half = retyped(value, "float16");
      put(value, half);
      return { value: half, tensor: halved(tensor) };
    });
    for (const node of graph.nodes) {
      const half = !traits[node.kind].sums;
      const scope = node.scope;
      const read = node.inputs.map((input) => as(input, half, scope));
      const isFloat = node.output.dtype === "float32";
      const output = isFloat && half ? retyped(node.output, "float16") : node.output;
      if (isFloat) put(node.output, output);
      nodes.push(
        node.kind === "cast" && isFloat
          ? { ...node, attributes: { to: "float16" }, inputs: read, output }
          : { ...node, inputs: read, output },
      );
    }
    const outputs = graph.outputs.map(({ name, value }) => ({
      name,
      value: as(value, isHalfBorder(name), ""),
    }));
    return { ...graph, inputs, weights, constants, nodes, outputs };
  };

/** Numbers beyond the range of float16, such as the mask's, become its largest finite number. */
const halved = ({ dims, data }: Tensor<"float32">): Tensor<"float16"> => ({
  dtype: "float16",
  dims,
  data: Uint16Array.from(data, toHalf),
});
