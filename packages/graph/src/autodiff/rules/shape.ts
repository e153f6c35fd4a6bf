// Gradients of operations that only move elements.
import { must } from "@blip-ts/base";
import { addDims, type Dim } from "../../types/dim.ts";
import { unbroadcast } from "../parts.ts";
import { input, type GradientRule } from "../rule.ts";

export const reshape: GradientRule<"reshape"> = {
  backward: (b, node, g) => [b.reshape(g, input(node, 0).shape)],
};
export const transpose: GradientRule<"transpose"> = {
  backward(b, node, g) {
    const { permutation } = node.attributes;
    return [
      b.transpose(
        g,
        permutation.map((_, axis) => permutation.indexOf(axis)),
      ),
    ];
  },
};
export const slice: GradientRule<"slice"> = {
  backward: (_b, node, g) => [{ ...node.attributes, range: g }],
};
export const concat: GradientRule<"concat"> = {
  backward(b, node, g) {
    const { axis } = node.attributes;
    let start: Dim = 0;
    return node.inputs.map(({ shape }) => {
      const [from, end]: [Dim, Dim] = [start, addDims(start, must(shape, axis))];
      start = end;
      return shape[axis] === 0 ? undefined : b.slice(g, axis, from, end);
    });
  },
};
export const expand: GradientRule<"expand"> = {
  backward: (b, node, g) => [unbroadcast(b, g, input(node, 0).shape)],
};
export const barrier: GradientRule<"barrier"> = { backward: (_b, _node, g) => [g, undefined] };
