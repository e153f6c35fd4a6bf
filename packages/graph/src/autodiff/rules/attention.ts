// The gradient of attention, softmax(q k^T scale + bias) v, written in parts. The probabilities are saved.
import { joinHeads, rowSum, splitHeads, unbroadcast } from "../parts.ts";
import type { GraphBuilder } from "../../builder.ts";
import type { Value } from "../../graph.ts";
import { input, type GradientRule } from "../rule.ts";

const inHeads = (b: GraphBuilder, x: Value, heads: number) =>
  x.shape.length === 4 ? x : splitHeads(b, x, heads);
/** Brings the gradient of keys or values back to the layout of the original. */
const asGiven = (b: GraphBuilder, gradient: Value, original: Value) =>
  original.shape.length === 4 ? gradient : joinHeads(b, gradient);

/**
 * With probabilities p and o = p v: dv = p^T do, dp = do v^T, ds = p (dp - sum(dp p)), dq = scale ds k, dk = scale ds^T
 * q. The row sum of dp p equals that of do o, which is cheaper: its rows are only as long as a head is wide.
 */
export const attention: GradientRule<"attention"> = {
  forward(b, node) {
    const { heads, scale } = node.attributes;
    const [q, k, v] = [0, 1, 2].map((index) => inHeads(b, input(node, index), heads)) as [
      Value,
      Value,
      Value,
    ];
    const bias = node.inputs[3];
    const products = b.matmul(q, k, { transposeB: true, scale });
    const p = b.softmax(bias ? b.add(products, bias) : products);
    const o = b.matmul(p, v);
    return { output: joinHeads(b, o), saved: [q, k, v, p, o] };
  },
  backward(b, node, g, saved) {
    const { heads, scale } = node.attributes;
    const [q, k, v, p, o] = saved as [Value, Value, Value, Value, Value];
    const [keys, values, bias] = [input(node, 1), input(node, 2), node.inputs[3]];
    const go = splitHeads(b, g, heads);
    const gv = b.matmul(p, go, { transposeA: true });
    const gp = b.matmul(go, v, { transposeB: true });
    const gs = b.multiply(p, b.subtract(gp, rowSum(b, b.multiply(go, o))));
    return [
      joinHeads(b, b.matmul(gs, k, { scale })),
      asGiven(b, b.matmul(gs, q, { transposeA: true, scale }), keys),
      asGiven(b, gv, values),
      ...(bias ? [unbroadcast(b, gs, bias.shape)] : []),
    ];
  },
};
