// Lowerings of the operations that only training uses, in the forms that were fastest on ONNX Runtime's CPU (1.30, two
// cores, AVX2).
import { atLeast, must } from "@blip-ts/base";
import type { NodeOf, OpKind } from "../graph.ts";
import { productOf, type Dim } from "../types/dim.ts";
import { floatTensor } from "../types/dtype.ts";
import { microsoft, onnxDataType, type Emitter } from "./emitter.ts";
import { inputNames, same, type Lowering } from "./lowering.ts";

const typeOf = (node: NodeOf<OpKind>) => BigInt(onnxDataType[node.output.dtype]);
const column = (emit: Emitter, name: string) => emit.node("Unsqueeze", [name, emit.int64Vector([-1])]);
const number = (emit: Emitter, value: number) =>
  emit.shared(`number:${value}`, () => emit.constant(floatTensor([], [value])));

/** Swaps the last two axes. */
function swapped(emit: Emitter, name: string, rank: number): string {
  const axes = Array.from({ length: rank }, (_, axis) => BigInt(axis));
  const perm = [...axes.slice(0, -2), ...axes.slice(-2).reverse()];
  return emit.node("Transpose", [name], { attributes: { perm } });
}

/**
 * For two matrices, a transposed left side is transposed first, because Gemm's transA is slower than Transpose and
 * MatMul. Gemm transposes the right side and scales at no cost. For stacks of matrices, FusedMatMul does all of it.
 */
export const matmul: Lowering<"matmul"> = (emit, node, output) => {
  const { transposeA = false, transposeB = false, scale = 1 } = node.attributes;
  const [a, b] = atLeast(inputNames(emit, node), 2);
  const [rankA, rankB] = atLeast(
    node.inputs.map(({ shape }) => shape.length),
    2,
  );
  if (!transposeA && !transposeB && scale === 1) {
    emit.node("MatMul", [a, b], { output });
    return;
  }
  if (rankA === 2 && rankB === 2) {
    const left = transposeA ? swapped(emit, a, 2) : a;
    if (!transposeB && scale === 1) emit.node("MatMul", [left, b], { output });
    else
      emit.node("Gemm", [left, b], {
        output,
        attributes: { transB: transposeB ? 1n : 0n, alpha: { float: scale } },
      });
    return;
  }
  if (emit.options.standardOperators === true) {
    const [left, right] = [
      transposeA ? swapped(emit, a, rankA) : a,
      transposeB ? swapped(emit, b, rankB) : b,
    ];
    const product = emit.node("MatMul", [left, right], scale === 1 ? { output } : {});
    if (scale !== 1) emit.node("Mul", [product, number(emit, scale)], { output });
    return;
  }
  emit.node("FusedMatMul", [a, b], {
    output,
    domain: microsoft,
    attributes: {
      transA: transposeA ? 1n : 0n,
      transB: transposeB ? 1n : 0n,
      alpha: { float: scale },
    },
  });
};

/** 1 for numbers above 0: the sign of Relu's output. */
export const positive: Lowering<"positive"> = (emit, node, output) => {
  emit.node("Sign", [emit.node("Relu", inputNames(emit, node))], { output });
};

/** A sum over the first axes is a product with a row of ones, which is faster than ReduceSum over rows. */
export const sum: Lowering<"sum"> = (emit, node, output) => {
  const { axes, keep } = node.attributes;
  const [x] = atLeast(inputNames(emit, node), 1);
  const shape = must(node.inputs, 0).shape;
  const leading = axes.length > 0 && axes.length < shape.length && axes.every((axis) => axis < axes.length);
  if (!leading || node.output.dtype !== "float32") {
    emit.node("ReduceSum", [x, emit.int64Vector(axes)], { output, attributes: { keepdims: keep ? 1n : 0n } });
    return;
  }
  const [rows, columns] = [productOf(shape.slice(0, axes.length)), productOf(shape.slice(axes.length))];
  const matrix = shape.length === 2 ? x : reshaped(emit, x, [rows, columns]);
  const total = emit.node(
    "MatMul",
    [onesOf(emit, rows), matrix],
    keep && shape.length === 2 ? { output } : {},
  );
  if (!keep || shape.length !== 2)
    emit.node("Reshape", [total, emit.reshapeTarget(node.output.shape)], { output });
};

const reshaped = (emit: Emitter, x: string, shape: readonly [Dim, Dim]) =>
  emit.node("Reshape", [x, emit.reshapeTarget(shape)]);

/** A row of ones [1, length]. */
function onesOf(emit: Emitter, length: Dim): string {
  if (typeof length === "number")
    return emit.shared(`ones:${length}`, () =>
      emit.constant(floatTensor([1, length], new Float32Array(length).fill(1))),
    );
  const shape = emit.exactShape([1, length]);
  return emit.shared(`ones:${shape}`, () => {
    const one = emit.constant(floatTensor([1, 1], [1]));
    return emit.node("Expand", [one, shape]);
  });
}

const reduced = (emit: Emitter, opType: string, x: string, output?: string) =>
  emit.node(opType, [x, emit.int64Vector([-1])], {
    attributes: { keepdims: 1n },
    ...(output !== undefined && { output }),
  });

export const rowMean: Lowering<"rowMean"> = (emit, node, output) => {
  reduced(emit, "ReduceMean", must(inputNames(emit, node), 0), output);
};

export const rowInverseStd: Lowering<"rowInverseStd"> = (emit, node, output) => {
  const [x] = atLeast(inputNames(emit, node), 1);
  const centered = emit.node("Sub", [x, reduced(emit, "ReduceMean", x)]);
  const variance = reduced(emit, "ReduceMean", emit.node("Mul", [centered, centered]));
  const deviation = emit.node("Sqrt", [emit.node("Add", [variance, number(emit, node.attributes.epsilon)])]);
  emit.node("Reciprocal", [deviation], { output });
};

export const crossEntropy: Lowering<"crossEntropy"> = (emit, node, output) => {
  const [x, labels] = atLeast(inputNames(emit, node), 2);
  const { smoothing } = node.attributes;
  const logs = emit.node("LogSoftmax", [x], { attributes: { axis: -1n } });
  const taken = emit.node("GatherElements", [logs, column(emit, labels)], { attributes: { axis: -1n } });
  const spread = smoothing === 0 ? taken : reduced(emit, "ReduceMean", logs);
  const mixed =
    smoothing === 0
      ? taken
      : emit.node("Add", [
          emit.node("Mul", [taken, number(emit, 1 - smoothing)]),
          emit.node("Mul", [spread, number(emit, smoothing)]),
        ]);
  emit.node("Neg", [emit.node("Squeeze", [mixed, emit.int64Vector([-1])])], { output });
};

/** ScatterElements adds on one thread and is repeatable; ScatterND with addition loses updates when threads collide. */
const scattered = (emit: Emitter, inputs: readonly string[], axis: bigint, output: string) =>
  emit.node("ScatterElements", inputs, { output, attributes: { axis, reduction: { text: "add" } } });

export const addAlongLast: Lowering<"addAlongLast"> = (emit, node, output) => {
  const [x, ids, values] = atLeast(inputNames(emit, node), 3);
  scattered(emit, [x, column(emit, ids), column(emit, values)], -1n, output);
};

export const scatterAdd: Lowering<"scatterAdd"> = (emit, node, output) => {
  const [ids, rows] = atLeast(inputNames(emit, node), 2);
  const count = productOf(must(node.inputs, 0).shape);
  const rest = node.output.shape.slice(1);
  const width = productOf(rest);
  const places = emit.node("Expand", [
    emit.node("Reshape", [ids, emit.int64Vector([-1, 1])]),
    emit.exactShape([count, width]),
  ]);
  const zero = emit.node("Cast", [number(emit, 0)], { attributes: { to: typeOf(node) } });
  const table = emit.node("Expand", [zero, emit.exactShape([node.attributes.rows, width])]);
  const matrix = emit.node("Reshape", [rows, emit.reshapeTarget([count, width])]);
  const flat = rest.length === 1;
  const made = scattered(emit, [table, places, matrix], 0n, flat ? output : emit.fresh("ScatterElements"));
  if (!flat) emit.node("Reshape", [made, emit.reshapeTarget(node.output.shape)], { output });
};

/**
 * With a second input: concatenates x and an empty part of that input. No optimizer of ONNX Runtime can merge this, and
 * it waits for the second input. With one input it is Identity, and merging must be turned off.
 */
export const barrier: Lowering<"barrier"> = (emit, node, output) => {
  const [x, after] = atLeast(inputNames(emit, node), 1);
  const [type, other] = node.inputs;
  if (after === undefined || !type || !other) {
    same("Identity")(emit, node, output);
    return;
  }
  const nothing = emit.int64Vector([0]);
  const empty = emit.node("Slice", [after, nothing, nothing, nothing]);
  const shape = emit.exactShape([0, ...type.shape.slice(1)]);
  const fitting = emit.node("Reshape", [empty, shape], { attributes: { allowzero: 1n } });
  emit.node("Concat", [x, fitting], { output, attributes: { axis: 0n } });
};
