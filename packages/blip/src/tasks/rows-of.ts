// Parts of a batch.
import type { Tensor } from "@blip-ts/graph";

/** Rows `from` to before `to` of a tensor's first dimension. */
export function rowsOf(tensor: Tensor<"float32">, from: number, to: number): Tensor<"float32"> {
  const size = tensor.dims.slice(1).reduce((a, b) => a * b, 1);
  return {
    dtype: "float32",
    dims: [to - from, ...tensor.dims.slice(1)],
    data: tensor.data.slice(from * size, to * size),
  };
}
