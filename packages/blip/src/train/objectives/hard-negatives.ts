// Draws one column per row by weight, as torch.multinomial does for one sample: inverts the cumulative sum. The graph
// does this itself, so the similarities need no separate pass. The random numbers are inputs.
import { floatTensor, type GraphBuilder, type Value } from "@blip-ts/graph";

/** A matrix with 1 on and above the diagonal. Multiplying by it gives the cumulative sums of rows. */
function upperTriangle(size: number): Float32Array {
  return Float32Array.from({ length: size * size }, (_, at) => (at % size >= Math.floor(at / size) ? 1 : 0));
}

/** A matrix with 1 on the diagonal and -1 right of it. Multiplying by it gives differences of adjacent columns. */
function differences(size: number): Float32Array {
  return Float32Array.from({ length: size * size }, (_, at) => {
    const right = (at % size) - Math.floor(at / size);
    return right === 0 ? 1 : right === 1 ? -1 : 0;
  });
}

/**
 * Maps weights [B, C] of at least 0 and draws [B] from 0 to below 1 to `choice` [B, C] and `exists` [B]. `choice` is 1
 * at the first column whose cumulative weight is above the draw's share of the total. `exists` is 0 for a row without
 * any weight. No gradient flows through the draw.
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
  // All columns after the first that is above count as above, even if rounding changes sums that are almost equal.
  const above = b.positive(b.matmul(b.positive(b.subtract(sums, bound)), upTo));
  const choice = b.matmul(above, step);
  const exists = b.positive(b.sum(choice, [1]));
  return { choice, exists };
}
