// Gradients of look-ups, of the patch convolution, and of cross-entropy, which looks up labels.
import type { NodeOf, Value } from "../../graph.ts";
import type { GraphBuilder } from "../../builder.ts";
import { multiplyDims } from "../../types/dim.ts";
import { asColumn, inverseWidth, zeros } from "../parts.ts";
import { input, type GradientRule } from "../rule.ts";

/** The gradient stays in rows; the owner of the whole table adds them. */
export const gather: GradientRule<"gather"> = {
  backward: (_b, node, g) => [{ ids: input(node, 1), rows: g }, undefined],
};
export const scatterAdd: GradientRule<"scatterAdd"> = {
  backward: (b, node, g) => [undefined, b.gather(g, input(node, 0))],
};

export const takeAlongLast: GradientRule<"takeAlongLast"> = {
  backward(b, node, g) {
    const [x, ids] = [input(node, 0), input(node, 1)];
    return [b.addAlongLast(zeros(b, x.shape), ids, g), undefined];
  },
};
export const addAlongLast: GradientRule<"addAlongLast"> = {
  backward: (b, node, g) => [g, undefined, b.takeAlongLast(g, input(node, 1))],
};

/**
 * The gradient is (softmax(x) - target) g. The log-probabilities are saved; the label's share is added at one index per
 * row.
 */
export const crossEntropy: GradientRule<"crossEntropy"> = {
  forward(b, node) {
    const { smoothing } = node.attributes;
    const logs = b.logSoftmax(input(node, 0));
    const share = (value: Value, factor: number) => b.multiply(value, b.scalar(factor));
    const ofLabels = share(b.takeAlongLast(logs, input(node, 1)), smoothing - 1);
    const output = smoothing === 0 ? ofLabels : b.add(ofLabels, share(b.mean(logs), -smoothing));
    return { output, saved: [logs] };
  },
  backward(b, node, g, [logs]) {
    const { smoothing } = node.attributes;
    const labels = input(node, 1);
    if (!logs) throw new RangeError("crossEntropy keeps its log-probabilities");
    const probabilities = b.exp(logs);
    const missed =
      smoothing === 0
        ? probabilities
        : b.subtract(probabilities, b.multiply(inverseWidth(b, node), b.scalar(smoothing)));
    const spread = b.multiply(missed, asColumn(b, g));
    return [b.addAlongLast(spread, labels, b.multiply(g, b.scalar(smoothing - 1))), undefined];
  },
};

/**
 * The patch convolution as one product: patches as rows [B, h*w, C*p*p] times the weight as a matrix. So the backward
 * pass needs no convolution.
 */
function patches(b: GraphBuilder, node: NodeOf<"patchConvolution">): Value {
  const [x, weight, bias] = [input(node, 0), input(node, 1), input(node, 2)];
  const { patch } = node.attributes;
  const [B = 1, C = 1] = x.shape;
  const [, D = 1, h = 1, w = 1] = node.output.shape;
  const [height, width] = [multiplyDims(h, patch), multiplyDims(w, patch)];
  const columns = multiplyDims(C, patch * patch);
  const whole = [2, 3].reduce((cut, axis) => {
    const size = axis === 2 ? height : width;
    return cut.shape[axis] === size ? cut : b.slice(cut, axis, 0, size);
  }, x);
  const grid = b.transpose(b.reshape(whole, [B, C, h, patch, w, patch]), [0, 2, 4, 1, 3, 5]);
  const rows = b.reshape(grid, [B, multiplyDims(h, w), columns]);
  const states = b.op("linear", [rows, b.reshape(weight, [D, columns]), bias], {});
  return b.reshape(b.transpose(states, [0, 2, 1]), node.output.shape);
}
export const patchConvolution: GradientRule<"patchConvolution"> = { parts: patches };
