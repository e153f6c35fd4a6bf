// Gradients of matrix products.
import type { GraphBuilder } from "../../builder.ts";
import type { Shape } from "../../types/dim.ts";
import type { Value } from "../../graph.ts";
import { asMatrix, sumOfRows, unbroadcast } from "../parts.ts";
import { input, type GradientRule } from "../rule.ts";

/** For y = x W^T + c: dx = g W, dW = g^T x over all rows, dc = the sum of the rows of g. */
export const linear: GradientRule<"linear"> = {
  backward(b, node, g) {
    const [x, weight] = [input(node, 0), input(node, 1)];
    return [
      b.matmul(g, weight),
      b.matmul(asMatrix(b, g), asMatrix(b, x), { transposeA: true }),
      ...(node.inputs.length === 3 ? [sumOfRows(b, g)] : []),
    ];
  },
};

/** With A = a or its transpose, and B likewise: dA = scale g B^T and dB = scale A^T g, transposed back if needed. */
export const matmul: GradientRule<"matmul"> = {
  backward(b, node, g) {
    const [x, y] = [input(node, 0), input(node, 1)];
    const { transposeA = false, transposeB = false, scale } = node.attributes;
    const product = (left: Value, right: Value, first: boolean, second: boolean, shape: Shape) =>
      unbroadcast(b, b.matmul(left, right, how(first, second, scale)), shape);
    return [
      transposeA ? product(y, g, transposeB, true, x.shape) : product(g, y, false, !transposeB, x.shape),
      transposeB ? product(g, x, true, transposeA, y.shape) : product(x, g, !transposeA, false, y.shape),
    ];
  },
};

/** Attributes without default values, so that equal products have equal attributes. */
const how = (transposeA: boolean, transposeB: boolean, scale = 1): Parameters<GraphBuilder["matmul"]>[2] => ({
  ...(transposeA && { transposeA }),
  ...(transposeB && { transposeB }),
  ...(scale !== 1 && { scale }),
});

const refuse = "8-bit numbers have no gradient. Train the model in float32, and quantize it afterwards";
export const quantizedLinear: GradientRule<"quantizedLinear"> = { refuse };
export const blockLinear: GradientRule<"blockLinear"> = { refuse };
export const dequantize: GradientRule<"dequantize"> = { refuse };
