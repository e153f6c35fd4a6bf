// Slices batches.
import type { Tensor } from "@blip-ts/graph";

/** Copies the rows `from` (inclusive) to `to` (exclusive) of a tensor's first dimension. */
export function rowsOf<T extends Tensor<"float32"> | Tensor<"int64">>(
  tensor: T,
  from: number,
  to: number,
): T {
  const size = tensor.dims.slice(1).reduce((a, b) => a * b, 1);
  return {
    ...tensor,
    dims: [to - from, ...tensor.dims.slice(1)],
    data: tensor.data.slice(from * size, to * size),
  };
}
