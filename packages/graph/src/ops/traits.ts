// Properties of every operation that passes use, exhaustive by type: an operation without traits does not compile.
import type { OpKind } from "../graph.ts";

export interface Traits {
  /**
   * Its dependence on the rows of a stack [B, T, D]. `byRow`: it treats each row of its first input alone, and the
   * other inputs are weights. `byElement`: it treats each element of all inputs alone. `whole`: neither, so its stacks
   * stay stacks.
   */
  readonly rows: "byRow" | "byElement" | "whole";
  /** It sums many numbers itself. A sum in half precision would lose small terms, so it is computed in float32. */
  readonly sums: boolean;
  /** Two nodes of this kind are never merged, even if their inputs are equal. */
  readonly distinct?: true;
}

const [byRow, byElement, whole] = [
  { rows: "byRow", sums: false },
  { rows: "byElement", sums: false },
  { rows: "whole", sums: false },
] as const satisfies readonly Traits[];

/** Products sum many numbers too, but the engine's half-precision kernels keep those sums in float32. */
export const traits: Readonly<Record<OpKind, Traits>> = {
  add: byElement,
  subtract: byElement,
  multiply: byElement,
  divide: byElement,
  gelu: byElement,
  relu: byElement,
  tanh: byElement,
  exp: byElement,
  erf: byElement,
  sqrt: byElement,
  positive: byElement,
  detach: byElement,
  cast: byElement,
  linear: byRow,
  quantizedLinear: byRow,
  blockLinear: byRow,
  dequantize: whole,
  matmul: whole,
  layerNorm: { rows: "byRow", sums: true },
  softmax: { rows: "whole", sums: true },
  logSoftmax: { rows: "whole", sums: true },
  l2Normalize: { rows: "whole", sums: true },
  rowInverseStd: { rows: "whole", sums: true },
  attention: whole,
  mean: { rows: "whole", sums: true },
  rowMean: { rows: "whole", sums: true },
  sum: { rows: "whole", sums: true },
  crossEntropy: { rows: "whole", sums: true },
  gather: whole,
  takeAlongLast: whole,
  addAlongLast: whole,
  scatterAdd: { rows: "whole", sums: true },
  patchConvolution: whole,
  reshape: whole,
  transpose: whole,
  slice: whole,
  concat: whole,
  expand: whole,
  barrier: { rows: "whole", sums: false, distinct: true },
};
