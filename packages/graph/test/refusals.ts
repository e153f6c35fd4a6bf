// The refusals of each shape rule: one wrong call for each of its checks, with the message. The table is exhaustive by
// operation; an operation without a refusal does not compile.
import { namedDim, type DType, type OpAttributes, type OpKind, type ValueType } from "@blip-ts/graph";

/** The input types, the attributes, and a part of the message. */
export type Refusal<K extends OpKind> = readonly [
  inputs: readonly ValueType[],
  attributes: OpAttributes[K],
  message: string,
];

type Refusals = { readonly [K in OpKind]: readonly [Refusal<K>, ...Refusal<K>[]] };

const of =
  (dtype: DType) =>
  (...shape: (number | string)[]): ValueType => ({
    dtype,
    shape: shape.map((dim) => (typeof dim === "string" ? namedDim(dim) : dim)),
  });
const [f, half, ids, i8, u8] = [of("float32"), of("float16"), of("int64"), of("int8"), of("uint8")];

const binary = [
  [[f(2)], {}, "expected 2 inputs, got 1"],
  [[f(2), f(2), f(2)], {}, "expected 2 inputs, got 3"],
  [[f(2), ids(2)], {}, "element types differ: float32 and int64"],
  [[f("B", 2), f("T", 2)], {}, "[B, 2] and [T, 2] do not broadcast"],
  [[f(3), f(2)], {}, "[3] and [2] do not broadcast"],
] as const;
const unary = [
  [[], {}, "expected 1 inputs, got 0"],
  [[f(2), f(2)], {}, "expected 1 inputs, got 2"],
  [[ids(2)], {}, "input: expected floating point, got int64"],
] as const;
const normalized = [
  [[f(2), f(2)], {}, "expected 1 inputs, got 2"],
  [[ids(2)], {}, "x: expected floating point, got int64"],
] as const;

const [one, epsilon, row] = [{ axis: 0 }, { epsilon: 1 }, { activations: "row" }] as const;
const [q, kv, inHeads] = [f("B", 2, 8), f("B", 5, 8), f("B", 2, 5, 4)];
const two = { heads: 2, scale: 1 };

export const refusals: Refusals = {
  add: binary,
  subtract: binary,
  multiply: binary,
  divide: binary,
  gelu: unary,
  relu: unary,
  tanh: unary,
  exp: unary,
  erf: unary,
  sqrt: unary,
  positive: unary,
  detach: unary,
  cast: [[[f(2), f(2)], { to: "float32" }, "expected 1 inputs, got 2"]],
  linear: [
    [[f(2, 3)], {}, "expected 2 to 3 inputs, got 1"],
    [[f(2, 3), f(4, 3), f(4), f(4)], {}, "expected 2 to 3 inputs, got 4"],
    [[f(2, 3), half(4, 3)], {}, "element types differ: float32 and float16"],
    [[ids(2, 3), ids(4, 3)], {}, "x: expected floating point, got int64"],
    [[f(2, 3), f(3)], {}, "weight: expected 2 dimensions, got [3]"],
    [[f(), f(4, 3)], {}, "no axis -1 in []"],
    [[f(2, 3), f(3, 4)], {}, "last dimension of x against the weight's columns: expected [4], got [3]"],
    [[f(2, 3), f(4, 3), f(4, 1)], {}, "bias: expected 1 dimensions, got [4, 1]"],
    [[f(2, 3), f(4, 3), f(3)], {}, "bias against the weight's rows: expected [4], got [3]"],
  ],
  quantizedLinear: [
    [[f(2, 3), i8(3, 4)], row, "expected 3 to 4 inputs, got 2"],
    [[f(2, 3), i8(3, 4), half(4)], row, "element types differ: float32 and float16"],
    [[f(2, 3), i8(3, 4), f(4), half(4)], row, "element types differ: float32 and float16"],
    [[half(2, 3), i8(3, 4), half(4)], row, "x: expected float32, got float16"],
    [[f(2, 3), u8(3, 4), f(4)], row, "weight: expected int8, got uint8"],
    [[f(2, 3), i8(3, 4, 1), f(4)], row, "weight: expected 2 dimensions, got [3, 4, 1]"],
    [[f(2, 4), i8(3, 4), f(4)], row, "last dimension of x against the weight's rows: expected [3], got [4]"],
    [[f(2, 3), i8(3, 4), f(4, 1)], row, "scale: expected 1 dimensions, got [4, 1]"],
    [[f(2, 3), i8(3, 4), f(3)], row, "scale against the weight's columns: expected [4], got [3]"],
    [[f(2, 3), i8(3, 4), f(4), f(1, 4)], row, "bias: expected 1 dimensions, got [1, 4]"],
    [[f(2, 3), i8(3, 4), f(4), f(3)], row, "bias against the weight's columns: expected [4], got [3]"],
  ],
  blockLinear: [
    [[f(2, 6), u8(4, 3, 2)], {}, "expected 3 to 4 inputs, got 2"],
    [[f(2, 6), u8(4, 3, 2), half(4, 3)], {}, "element types differ: float32 and float16"],
    [[f(2, 6), u8(4, 3, 2), f(4, 3), half(4)], {}, "element types differ: float32 and float16"],
    [[half(2, 6), u8(4, 3, 2), half(4, 3)], {}, "x: expected float32, got float16"],
    [[f(2, 6), i8(4, 3, 2), f(4, 3)], {}, "weight: expected uint8, got int8"],
    [[f(2, 6), u8(4, 6), f(4, 3)], {}, "weight: expected 3 dimensions, got [4, 6]"],
    [
      [f(2, 5), u8(4, 3, 2), f(4, 3)],
      {},
      "last dimension of x against the weight's columns: expected [6], got [5]",
    ],
    [[f(2, 6), u8(4, 3, 2), f(12)], {}, "scale: expected 2 dimensions, got [12]"],
    [[f(2, 6), u8(4, 3, 2), f(3, 3)], {}, "scale against the weight's rows: expected [4], got [3]"],
    [[f(2, 6), u8(4, 3, 2), f(4, 2)], {}, "scale against the weight's blocks: expected [3], got [2]"],
    [[f(2, 6), u8(4, 3, 2), f(4, 3), f(4, 1)], {}, "bias: expected 1 dimensions, got [4, 1]"],
    [[f(2, 6), u8(4, 3, 2), f(4, 3), f(3)], {}, "bias against the weight's rows: expected [4], got [3]"],
  ],
  dequantize: [
    [[i8(2, 3)], {}, "expected 2 inputs, got 1"],
    [[u8(2, 3), f(2)], {}, "x: expected int8, got uint8"],
    [[i8(2), f(2)], {}, "x: expected 2 dimensions, got [2]"],
    [[i8(2, 3), half(2)], {}, "scale: expected float32, got float16"],
    [[i8(2, 3), f(2, 1)], {}, "scale: expected 1 dimensions, got [2, 1]"],
    [[i8(2, 3), f(3)], {}, "scale against the rows of x: expected [2], got [3]"],
  ],
  matmul: [
    [[f(2, 3)], {}, "expected 2 inputs, got 1"],
    [[f(2, 3), half(3, 2)], {}, "element types differ: float32 and float16"],
    [[ids(2, 3), ids(3, 2)], {}, "a: expected floating point, got int64"],
    [[f(2, 3), f(2, 3)], {}, "rows of b against columns of a: expected [3], got [2]"],
    [[f(2, 3), f(3)], {}, "no axis -2 in [3]"],
    [[f(2, 3), f(3, 4)], { transposeA: true }, "rows of b against columns of a: expected [2], got [3]"],
    [[f(2, 3), f(3, 4)], { transposeB: true }, "rows of b against columns of a: expected [3], got [4]"],
    [[f(4, 2, 3), f(5, 3, 2)], {}, "[4] and [5] do not broadcast"],
  ],
  layerNorm: [
    [[f(2, 3), f(3)], epsilon, "expected 3 inputs, got 2"],
    [[ids(2, 3), f(3), f(3)], epsilon, "x: expected floating point, got int64"],
    [[f(2, 3), f(1, 3), f(3)], epsilon, "gain: expected 1 dimensions, got [1, 3]"],
    [[f(2, 3), f(2), f(3)], epsilon, "gain: expected [3], got [2]"],
    [[f(2, 3), f(3), f(1, 3)], epsilon, "bias: expected 1 dimensions, got [1, 3]"],
    [[f(2, 3), f(3), f(2)], epsilon, "bias: expected [3], got [2]"],
  ],
  softmax: normalized,
  logSoftmax: normalized,
  l2Normalize: [
    [[f(2), f(2)], epsilon, "expected 1 inputs, got 2"],
    [[ids(2)], epsilon, "x: expected floating point, got int64"],
  ],
  attention: [
    [[q, kv], two, "expected 3 to 4 inputs, got 2"],
    [[q, kv, half("B", 5, 8)], two, "element types differ: float32 and float16"],
    [[ids("B", 2, 8), ids("B", 5, 8), ids("B", 5, 8)], two, "q: expected floating point, got int64"],
    [[f("B", 8), kv, kv], two, "q: expected 3 dimensions, got [B, 8]"],
    [[q, kv, inHeads], two, "v: expected 3 dimensions, got [B, 2, 5, 4]"],
    [[q, kv, kv], { heads: 3, scale: 1 }, "a width of [8] is not divisible by 3 heads"],
    [[q, kv, kv], { heads: 0, scale: 1 }, "a width of [8] is not divisible by 0 heads"],
    [[f("B", 2, 5), kv, kv], { heads: 2.5, scale: 1 }, "a width of [5] is not divisible by 2.5 heads"],
    [[q, kv, kv], { heads: -2, scale: 1 }, "a width of [8] is not divisible by -2 heads"],
    [[f("B", 2, "D"), kv, kv], two, "a width of [D] is not divisible by 2 heads"],
    [[q, f("I", 5, 8), kv], two, "batch of k: expected [B], got [I]"],
    [[q, kv, f("I", 5, 8)], two, "batch of v: expected [B], got [I]"],
    [[q, f("B", 8), f("B", 8)], two, "k: expected 3 dimensions, got [B, 8]"],
    [[q, f("B", 4, 5, 4), inHeads], two, "heads of k: expected [2], got [4]"],
    [[q, inHeads, f("B", 4, 5, 4)], two, "heads of v: expected [2], got [4]"],
    [[q, f("B", 5, 6), kv], two, "width of k: expected [8], got [6]"],
    [[q, kv, f("B", 5, 6)], two, "width of v: expected [8], got [6]"],
    [[q, f("B", 2, 5, 8), inHeads], two, "width of k: expected [4], got [8]"],
    [[q, kv, f("B", 6, 8)], two, "length of v against k: expected [5], got [6]"],
    [[q, kv, kv, f(2, 5)], two, "bias: expected 4 dimensions, got [2, 5]"],
    [[q, kv, kv, f("I", 1, 2, 5)], two, "bias [I, 1, 2, 5]: the first dimension is neither 1 nor the batch"],
    [[q, kv, kv, f(1, 3, 2, 5)], two, "heads of the bias: expected [2], got [3]"],
    [[q, kv, kv, f(1, 1, 1, 5)], two, "rows of the bias: expected [2], got [1]"],
    [[q, kv, kv, f(1, 1, 2, 4)], two, "columns of the bias: expected [5], got [4]"],
  ],
  mean: normalized,
  rowMean: [...normalized, [[f()], {}, "no axis -1 in []"]],
  rowInverseStd: [
    [[f(2), f(2)], epsilon, "expected 1 inputs, got 2"],
    [[ids(2)], epsilon, "x: expected floating point, got int64"],
    [[f()], epsilon, "no axis -1 in []"],
  ],
  sum: [
    [[f(2), f(2)], { axes: [0], keep: true }, "expected 1 inputs, got 2"],
    [[ids(2)], { axes: [0], keep: true }, "x: expected floating point, got int64"],
    [[f(2, 3)], { axes: [], keep: true }, "[] are not axes of [2, 3], each once, and at least one"],
    [[f(2, 3)], { axes: [2], keep: true }, "[2] are not axes of [2, 3], each once, and at least one"],
    [[f(2, 3)], { axes: [-1], keep: true }, "[-1] are not axes of [2, 3], each once, and at least one"],
    [[f(2, 3)], { axes: [0, 0], keep: true }, "[0, 0] are not axes of [2, 3], each once, and at least one"],
  ],
  crossEntropy: [
    [[f(2, 3)], { smoothing: 0 }, "expected 2 inputs, got 1"],
    [[ids(2, 3), ids(2)], { smoothing: 0 }, "x: expected floating point, got int64"],
    [[f(2, 3), f(2)], { smoothing: 0 }, "ids: expected int64, got float32"],
    [[f(2, 3), ids(3)], { smoothing: 0 }, "axis 0 of the ids: expected [2], got [3]"],
    [[f(2, 3), ids(2)], { smoothing: 1.1 }, "smoothing: expected 0 to 1, got 1.1"],
    [[f(2, 3), ids(2)], { smoothing: -0.1 }, "smoothing: expected 0 to 1, got -0.1"],
    [[f(2, 3), ids(2)], { smoothing: NaN }, "smoothing: expected 0 to 1, got NaN"],
  ],
  gather: [
    [[f(5, 3)], {}, "expected 2 inputs, got 1"],
    [[f(), ids(2)], {}, "no axis 0 in []"],
    [[f(5, 3), f(2)], {}, "ids: expected int64, got float32"],
  ],
  takeAlongLast: [
    [[f(2, 3)], {}, "expected 2 inputs, got 1"],
    [[f(2, 3), f(2)], {}, "ids: expected int64, got float32"],
    [[f(2, 3), ids(2, 1)], {}, "ids: expected 1 dimensions, got [2, 1]"],
    [[f(2, 3), ids(3)], {}, "axis 0 of the ids: expected [2], got [3]"],
  ],
  addAlongLast: [
    [[f(2, 3), ids(2)], {}, "expected 3 inputs, got 2"],
    [[ids(2, 3), ids(2), ids(2)], {}, "x: expected floating point, got int64"],
    [[f(2, 3), ids(2), half(2)], {}, "element types differ: float32 and float16"],
    [[f(2, 3), ids(3), f(3)], {}, "axis 0 of the ids: expected [2], got [3]"],
    [[f(2, 3), ids(2), f(2, 1)], {}, "values: expected [2], got [2, 1]"],
  ],
  scatterAdd: [
    [[ids(2)], { rows: 5 }, "expected 2 inputs, got 1"],
    [[f(2), f(2, 3)], { rows: 5 }, "ids: expected int64, got float32"],
    [[ids(2), ids(2, 3)], { rows: 5 }, "rows: expected floating point, got int64"],
    [[ids(2), f(3, 2)], { rows: 5 }, "rows [3, 2]: expected to begin with [2]"],
    [[ids(2, 3), f(2)], { rows: 5 }, "rows [2]: expected to begin with [2, 3]"],
  ],
  patchConvolution: [
    [[f("B", 3, 4, 4), f(5, 3, 2, 2)], { patch: 2 }, "expected 3 inputs, got 2"],
    [[f("B", 3, 4, 4), f(5, 3, 2, 2), half(5)], { patch: 2 }, "element types differ: float32 and float16"],
    [
      [ids("B", 3, 4, 4), ids(5, 3, 2, 2), ids(5)],
      { patch: 2 },
      "pixels: expected floating point, got int64",
    ],
    [[f(3, 4, 4), f(5, 3, 2, 2), f(5)], { patch: 2 }, "pixels: expected 4 dimensions, got [3, 4, 4]"],
    [[f("B", 3, 4, 4), f(5, 12), f(5)], { patch: 2 }, "weight: expected 4 dimensions, got [5, 12]"],
    [[f("B", 3, 4, 4), f(5, 3, 2, 2), f(5, 1)], { patch: 2 }, "bias: expected 1 dimensions, got [5, 1]"],
    [[f("B", 3, 4, 4), f(5, 1, 2, 2), f(5)], { patch: 2 }, "channels of the weight: expected [3], got [1]"],
    [[f("B", 3, 4, 4), f(5, 3, 4, 2), f(5)], { patch: 2 }, "height of the weight: expected [2], got [4]"],
    [[f("B", 3, 4, 4), f(5, 3, 2, 4), f(5)], { patch: 2 }, "width of the weight: expected [2], got [4]"],
    [[f("B", 3, 4, 4), f(5, 3, 2, 2), f(3)], { patch: 2 }, "bias: expected [5], got [3]"],
    [
      [f("B", 3, 4, "S"), f(5, 3, 2, 2), f(5)],
      { patch: 2 },
      "pixels [B, 3, 4, S]: the sides must be numbers",
    ],
  ],
  reshape: [
    [[f(2), f(2)], { shape: [2] }, "expected 1 inputs, got 2"],
    [[f("B", 6)], { shape: [namedDim("B"), 5] }, "[B, 6] does not have as many elements as [B, 5]"],
  ],
  transpose: [
    [[f(2), f(2)], { permutation: [0] }, "expected 1 inputs, got 2"],
    [[f(2, 3)], { permutation: [0] }, "[0] is not a permutation of the axes of [2, 3]"],
    [[f(2, 3)], { permutation: [1, 1] }, "[1, 1] is not a permutation of the axes of [2, 3]"],
  ],
  slice: [
    [[f(2), f(2)], { axis: 0, start: 0, end: 1 }, "expected 1 inputs, got 2"],
    [[f(2)], { axis: 1, start: 0, end: 1 }, "no axis 1 in [2]"],
    [[f(2)], { axis: 0, start: -1, end: 1 }, "-1:1 is not a range of axis 0 of [2]"],
    [[f("B")], { axis: 0, start: 1, end: 1 }, "1:1 is not a range of axis 0 of [B]"],
    [[f(2)], { axis: 0, start: 1, end: 3 }, "1:3 is not a range of axis 0 of [2]"],
    [[f(9)], { axis: 0, start: namedDim("T"), end: namedDim("T") }, "T:T is not a range of axis 0 of [9]"],
  ],
  concat: [
    [[], one, "expected at least 1 inputs, got 0"],
    [[f(2), ids(2)], one, "element types differ: float32 and int64"],
    [[f(2), f(2)], { axis: 1 }, "no axis 1 in [2]"],
    [[f(2, 3), f(2, 4)], one, "axis 1 of [2, 4]: expected [3], got [4]"],
    [[f(2, 3), f(2, 3, 4)], one, "[2, 3, 4]: expected 2 dimensions, got [2, 3, 4]"],
  ],
  expand: [
    [[f(1), f(1)], { shape: [2] }, "expected 1 inputs, got 2"],
    [[f(1)], { shape: [2, 2] }, "[1] and [2, 2] differ in rank"],
    [[f(2, 1)], { shape: [3, 4] }, "axis 0: expected [3], got [2]"],
  ],
  barrier: [
    [[], {}, "expected 1 to 2 inputs, got 0"],
    [[f(2), f(2), f(2)], {}, "expected 1 to 2 inputs, got 3"],
    [[f(2), ids(2)], {}, "element types differ: float32 and int64"],
    [[f(), f(2)], {}, "no axis 0 in []"],
    [[f(2), f()], {}, "no axis 0 in []"],
  ],
};
