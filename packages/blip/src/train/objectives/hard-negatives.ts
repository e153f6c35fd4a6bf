// One column of each row, drawn by weights: torch.multinomial of one sample, by the inverse of the cumulative sum. In the
// graph itself, so that similarities need no pass of their own; what is random comes in.
import { floatTensor, type GraphBuilder, type Value } from "@blip-ts/graph";

/** 1 on and above the diagonal: row sums up to each column. */
function upperTriangle(size: number): Float32Array {
  return Float32Array.from({ length: size * size }, (_, at) => (at % size >= Math.floor(at / size) ? 1 : 0));
}

/** 1 on the diagonal, -1 right of it: what a column has more than the one before. */
function differences(size: number): Float32Array {
  return Float32Array.from({ length: size * size }, (_, at) => {
    const right = (at % size) - Math.floor(at / size);
    return right === 0 ? 1 : right === 1 ? -1 : 0;
  });
}

/**
 * Weights [B, C], none below 0, and draws of B numbers from 0 to below 1 -> choice [B, C], 1 at the first column whose
 * cumulative weight is above the draw's share of the whole, and found [B], 0 for a row without one: it has no weight at
 * all. Nothing of it has a gradient.
 */
export function drawRows(
  b: GraphBuilder,
  weights: Value,
  draws: Value,
): { readonly choice: Value; readonly exists: Value } {
  const [B = 1, C = 1] = weights.shape;
  const columns = Number(C);
  const upTo = b.constant(floatTensor([columns, columns], upperTriangle(columns)));
  const step = b.constant(floatTensor([columns, columns], differences(columns)));
  const sums = b.matmul(weights, upTo);
  const whole = b.slice(sums, 1, columns - 1, columns);
  const bound = b.multiply(b.reshape(draws, [B, 1]), whole);
  // Once above, always above, whatever rounding does to sums that are as good as equal.
  const above = b.positive(b.matmul(b.positive(b.subtract(sums, bound)), upTo));
  const choice = b.matmul(above, step);
  const exists = b.positive(b.sum(choice, [1]));
  return { choice, exists };
}
