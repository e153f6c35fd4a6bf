// Draws one column per row by weight: torch.multinomial of one sample, by the inverse of the cumulative sum. The graph
// does it, so that similarities need no pass of their own. The random numbers are inputs.
import { floatTensor, type GraphBuilder, type Value } from "@blip-ts/graph";

/** 1 on and above the diagonal: a product with it gives cumulative sums of rows. */
function upperTriangle(size: number): Float32Array {
  return Float32Array.from({ length: size * size }, (_, at) => (at % size >= Math.floor(at / size) ? 1 : 0));
}

/** 1 on the diagonal, -1 right of it: a product with it gives differences of neighbouring columns. */
function differences(size: number): Float32Array {
  return Float32Array.from({ length: size * size }, (_, at) => {
    const right = (at % size) - Math.floor(at / size);
    return right === 0 ? 1 : right === 1 ? -1 : 0;
  });
}

/**
 * Weights [B, C] of at least 0 and draws [B] from 0 to below 1 -> choice [B, C] and exists [B]. Choice is 1 at the
 * first column whose cumulative weight is above the draw's share of the total. Exists is 0 for a row without any
 * weight. No gradient flows through it.
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
  // Columns after the first one above stay above, even if rounding changes sums that are almost equal.
  const above = b.positive(b.matmul(b.positive(b.subtract(sums, bound)), upTo));
  const choice = b.matmul(above, step);
  const exists = b.positive(b.sum(choice, [1]));
  return { choice, exists };
}
