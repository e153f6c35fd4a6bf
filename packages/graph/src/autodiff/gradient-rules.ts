// The table of gradient rules, exhaustive by type: an operation without a rule does not compile.
import type { OpKind } from "../graph.ts";
import type { GradientRule } from "./rule.ts";
import { blockLinear, dequantize, linear, matmul, quantizedLinear } from "./rules/algebra.ts";
import { attention } from "./rules/attention.ts";
import * as elementwise from "./rules/elementwise.ts";
import {
  addAlongLast,
  crossEntropy,
  gather,
  patchConvolution,
  scatterAdd,
  takeAlongLast,
} from "./rules/lookup.ts";
import * as normalization from "./rules/normalization.ts";
import * as shape from "./rules/shape.ts";

export const gradientRules: { readonly [K in OpKind]: GradientRule<K> } = {
  ...elementwise,
  positive: "stop",
  detach: "stop",
  linear,
  quantizedLinear,
  blockLinear,
  dequantize,
  matmul,
  ...normalization,
  attention,
  gather,
  crossEntropy,
  takeAlongLast,
  addAlongLast,
  scatterAdd,
  patchConvolution,
  ...shape,
};
