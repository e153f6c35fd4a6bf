// The graph package's exports.
/** The error of invalid graphs. */
export { GraphError } from "./errors.ts";
/** Graphs and their parts. */
export {
  exposeValues,
  lastValueOf,
  type Activations,
  type Constant,
  type Graph,
  type NamedValue,
  type Node,
  type NodeOf,
  type OpAttributes,
  type OpKind,
  type Value,
  type ValueType,
  type Weight,
} from "./graph.ts";
/** Numeric and named dimensions. */
export {
  addDims,
  evaluateDim,
  divideDims,
  formatDim,
  formatShape,
  multiplyDims,
  namedDim,
  plainName,
  sameDim,
  type Dim,
  type Shape,
} from "./types/dim.ts";
/** Element types and tensors in memory. */
export {
  dtypes,
  elementSize,
  floatTensor,
  int64Tensor,
  sizeOf,
  type DType,
  type ElementArray,
  type Tensor,
} from "./types/dtype.ts";
/** Half precision as bits. */
export { fromHalf, halfMax, toHalf } from "./types/half.ts";
/** The list of operations, and the type inference of their outputs. */
export { inferType, opKinds } from "./ops/index.ts";
/** The builder for networks. */
export { GraphBuilder, type ShapeLike } from "./builder.ts";
/** The check of a finished graph. */
export { checkGraph } from "./check.ts";
/** Printed graphs. */
export { printGraph } from "./print.ts";
/** Passes from graph to graph. */
export { optimize, optimizeForTraining, prepareForTraining, type Pass } from "./passes/index.ts";
export { float16, type Float16Options } from "./passes/float16.ts";
export { int8, int8Names, rangeName, type Blocks, type Int8Plan } from "./passes/int8.ts";
export { liftParameters } from "./passes/lift-parameters.ts";
export { addLowRank, type LowRank } from "./passes/low-rank.ts";
export { tieWeights } from "./passes/tie-weights.ts";
/** Gradient rules by operation, and graphs with gradients. */
export { gradientRules } from "./autodiff/gradient-rules.ts";
export type {
  Backward,
  Forward,
  Gradient,
  GradientRule,
  RangeGradient,
  RowsGradient,
} from "./autodiff/rule.ts";
export {
  differentiate,
  type Differentiated,
  type GradientOptions,
  type ParameterGradient,
} from "./autodiff/differentiate.ts";
export { layerOf, type Recompute } from "./autodiff/recompute.ts";
/** Conversion to ONNX. */
export {
  contributedOperators,
  emitOnnx,
  emitSelfContained,
  lengthOf,
  onnxOpset,
  type OnnxChunk,
  type WeightBytes,
  type WeightLocation,
} from "./onnx/emit.ts";
export type { EmitOptions } from "./onnx/emitter.ts";
/** The slow evaluator that tests compare with. */
export { evaluate, evaluateInDoubles } from "./reference/evaluate.ts";
/** Reference gradients for tests. */
export {
  centralDifference,
  evaluatedGradients,
  wholeGradient,
  type Differenced,
} from "./reference/central-differences.ts";
