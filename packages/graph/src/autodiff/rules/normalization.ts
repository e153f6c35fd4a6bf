// Gradients of normalizations, means and sums.
import { asColumn, inverseWidth, negative, rowSum, sumOfRows } from "../parts.ts";
import { input, type GradientRule } from "../rule.ts";

/**
 * With n = (x - mean) / std and h = g * gain: dx = (h - mean(h) - n mean(h n)) / std, dgain = the sum of g n over rows,
 * dbias = the sum of g over rows. ONNX's LayerNormalization outputs mean and 1 / std beside its result.
 */
export const layerNorm: GradientRule<"layerNorm"> = {
  backward(b, node, g) {
    const [x, gain] = [input(node, 0), input(node, 1)];
    const inverse = b.op("rowInverseStd", [x], node.attributes);
    const normal = b.multiply(b.subtract(x, b.rowMean(x)), inverse);
    const weighted = b.multiply(g, gain);
    const along = b.multiply(normal, b.rowMean(b.multiply(weighted, normal)));
    const inner = b.subtract(b.subtract(weighted, b.rowMean(weighted)), along);
    return [b.multiply(inner, inverse), sumOfRows(b, b.multiply(g, normal)), sumOfRows(b, g)];
  },
};

/** y (g - sum(g y)) */
export const softmax: GradientRule<"softmax"> = {
  backward: (b, { output: y }, g) => [b.multiply(y, b.subtract(g, rowSum(b, b.multiply(g, y))))],
};
/** g - softmax(x) sum(g) */
export const logSoftmax: GradientRule<"logSoftmax"> = {
  backward: (b, { output }, g) => [b.subtract(g, b.multiply(b.exp(output), rowSum(b, g)))],
};

/** (g - y sum(g y)) / |x|. If |x| is below epsilon, x is only scaled, and the gradient is g / epsilon. */
export const l2Normalize: GradientRule<"l2Normalize"> = {
  backward(b, node, g) {
    const [x, y] = [input(node, 0), node.output];
    const epsilon = b.scalar(node.attributes.epsilon);
    const norm = b.sqrt(rowSum(b, b.multiply(x, x)));
    const excess = b.relu(b.subtract(norm, epsilon));
    const along = b.multiply(y, rowSum(b, b.multiply(g, y)));
    const inner = b.subtract(g, b.multiply(along, b.positive(excess)));
    // max(|x|, epsilon)
    return [b.divide(inner, b.add(excess, epsilon))];
  },
};

/** g / D, repeated along the row. */
export const mean: GradientRule<"mean"> = {
  backward: (b, node, g) => [
    b.expand(asColumn(b, b.multiply(g, inverseWidth(b, node))), input(node, 0).shape),
  ],
};
export const rowMean: GradientRule<"rowMean"> = {
  backward: (b, node, g) => [b.expand(b.multiply(g, inverseWidth(b, node)), input(node, 0).shape)],
};
/** With r = 1 / std: -r^3 (x - mean) g / D. */
export const rowInverseStd: GradientRule<"rowInverseStd"> = {
  backward(b, node, g) {
    const [x, r] = [input(node, 0), node.output];
    const cubed = b.multiply(b.multiply(r, r), r);
    const factor = negative(b, b.multiply(b.multiply(g, cubed), inverseWidth(b, node)));
    return [b.multiply(b.subtract(x, b.rowMean(x)), factor)];
  },
};
export const sum: GradientRule<"sum"> = {
  backward(b, node, g) {
    const { axes } = node.attributes;
    const { shape } = input(node, 0);
    const kept = shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
    return [b.expand(node.attributes.keep ? g : b.reshape(g, kept), shape)];
  },
};
