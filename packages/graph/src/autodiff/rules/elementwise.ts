// Gradients of elementwise operations.
import type { GraphBuilder } from "../../builder.ts";
import type { Value } from "../../graph.ts";
import { negative, unbroadcast } from "../parts.ts";
import { input, type GradientRule } from "../rule.ts";

export const add: GradientRule<"add"> = {
  backward: (b, node, g) => node.inputs.map(({ shape }) => unbroadcast(b, g, shape)),
};

export const subtract: GradientRule<"subtract"> = {
  backward: (b, node, g) => [
    unbroadcast(b, g, input(node, 0).shape),
    unbroadcast(b, negative(b, g), input(node, 1).shape),
  ],
};

export const multiply: GradientRule<"multiply"> = {
  backward(b, node, g) {
    const [x, y] = [input(node, 0), input(node, 1)];
    return [unbroadcast(b, b.multiply(g, y), x.shape), unbroadcast(b, b.multiply(g, x), y.shape)];
  },
};

/** The gradient of y uses the operation's own output: d(x / y)/dy = -(x / y) / y. */
export const divide: GradientRule<"divide"> = {
  backward(b, node, g) {
    const [x, y] = [input(node, 0), input(node, 1)];
    const quotient = b.divide(g, y);
    const ofDivisor = negative(b, b.multiply(quotient, node.output));
    return [unbroadcast(b, quotient, x.shape), unbroadcast(b, ofDivisor, y.shape)];
  },
};

/** exp(factor x^2) */
const bell = (b: GraphBuilder, x: Value, factor: number) =>
  b.exp(b.multiply(b.multiply(x, x), b.scalar(factor)));

/** Phi(x) + x phi(x), with the normal distribution's Phi and phi. It needs x alone, so the output is not kept. */
export const gelu: GradientRule<"gelu"> = {
  backward(b, node, g) {
    const x = input(node, 0);
    const half = b.multiply(b.erf(b.multiply(x, b.scalar(Math.SQRT1_2))), b.scalar(0.5));
    const share = b.add(half, b.scalar(0.5));
    const density = b.multiply(bell(b, x, -0.5), b.multiply(x, b.scalar(1 / Math.sqrt(2 * Math.PI))));
    return [b.multiply(g, b.add(share, density))];
  },
};

export const relu: GradientRule<"relu"> = {
  backward: (b, { output }, g) => [b.multiply(g, b.positive(output))],
};
export const tanh: GradientRule<"tanh"> = {
  backward: (b, { output }, g) => [b.multiply(g, b.subtract(b.scalar(1), b.multiply(output, output)))],
};
export const exp: GradientRule<"exp"> = {
  backward: (b, { output }, g) => [b.multiply(g, output)],
};
export const erf: GradientRule<"erf"> = {
  backward: (b, node, g) => [
    b.multiply(g, b.multiply(bell(b, input(node, 0), -1), b.scalar(2 / Math.sqrt(Math.PI)))),
  ],
};
export const sqrt: GradientRule<"sqrt"> = {
  backward: (b, { output }, g) => [b.divide(b.multiply(g, b.scalar(0.5)), output)],
};

/** The gradient is cast back to the input's float type. Integers have no gradient. */
export const cast: GradientRule<"cast"> = {
  backward(b, node, g) {
    const { dtype } = input(node, 0);
    const isFloat = dtype === "float32" || dtype === "float16";
    return [isFloat ? b.cast(g, dtype) : undefined];
  },
};
