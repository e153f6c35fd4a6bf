// Numbers to compute with.
import { floatTensor, sizeOf, type Tensor } from "@blip-ts/graph";

/** Numbers from -1 to 1 that do not repeat soon. */
export function noise(dims: readonly number[], seed = 1): Tensor<"float32"> {
  return floatTensor(
    dims,
    Array.from({ length: sizeOf(dims) }, (_, index) => Math.sin((index + 1) * 12.9898 * seed) * 0.999),
  );
}
