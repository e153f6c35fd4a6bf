// The table of ONNX lowerings, exhaustive by type. It uses ONNX Runtime's fused operators where they are faster.
import { atLeast, must } from "@blip-ts/base";
import { GraphError } from "../errors.ts";
import type { NodeOf, OpKind } from "../graph.ts";
import { floatTensor } from "../types/dtype.ts";
import { microsoft, onnxDataType, type Emitter } from "./emitter.ts";
import {
  addAlongLast,
  barrier,
  crossEntropy,
  matmul,
  positive,
  rowInverseStd,
  rowMean,
  scatterAdd,
  sum,
} from "./lower-training.ts";
import { inputNames, same, type Lowering } from "./lowering.ts";

/**
 * Gemm takes PyTorch's weight [out, in] in its stored layout (transB), but accepts only 2-D inputs: the leading
 * dimensions are flattened before it and restored after it. ONNX Runtime's Reshape moves no bytes.
 */
const linear: Lowering<"linear"> = (emit, node, output) => {
  const [x, weight, bias] = atLeast(inputNames(emit, node), 2);
  const gemm = bias === undefined ? [weight] : [weight, bias];
  const attributes = { transB: 1n };
  const [type, matrix] = [node.inputs[0], node.inputs[1]];
  if (type?.shape.length === 2) {
    emit.node("Gemm", [x, ...gemm], { output, attributes });
    return;
  }
  const columns = matrix?.shape[1];
  if (typeof columns !== "number")
    throw new GraphError(`linear at ${node.scope}: the weight's shape must be numbers`);
  const flat = emit.node("Reshape", [x, emit.int64Vector([-1, columns])]);
  const product = emit.node("Gemm", [flat, ...gemm], { attributes });
  emit.node("Reshape", [product, emit.reshapeTarget(node.output.shape)], { output });
};

/** x as uint8, with its scale and zero point. */
interface Rounded {
  readonly x: string;
  readonly scale: string;
  readonly zero: string;
}

/** A scaled product of integers, with an optional bias; ONNX Runtime has one operator for all of it. */
function integerProduct(
  emit: Emitter,
  rounded: Rounded,
  [weight, scale, bias]: readonly [weight: string, scale: string, bias: string],
  options: { readonly output?: string },
): string {
  if (emit.options.standardOperators !== true) {
    const inputs = [rounded.x, weight, rounded.scale, scale, rounded.zero, "", bias];
    return emit.node("MatMulIntegerToFloat", inputs, { domain: microsoft, ...options });
  }
  const whole = emit.node("MatMulInteger", [rounded.x, weight, rounded.zero]);
  const float = emit.node("Cast", [whole], { attributes: { to: BigInt(onnxDataType.float32) } });
  const scaled = emit.node(
    "Mul",
    [float, emit.node("Mul", [rounded.scale, scale])],
    bias === "" ? options : {},
  );
  return bias === "" ? scaled : emit.node("Add", [scaled, bias], options);
}

/**
 * 8-bit products. x is quantized to uint8 once for all products that read it; then integers are multiplied and scaled.
 * ONNX Runtime's fast kernel requires unsigned activations and signed weights.
 */
const quantizedLinear: Lowering<"quantizedLinear"> = (emit, node, output) => {
  const [x, weight, scale, bias = ""] = atLeast(inputNames(emit, node), 3);
  if (node.attributes.activations === "tensor") {
    const rounded: Rounded = { x: `${x}:uint8`, scale: `${x}:scale`, zero: `${x}:zero` };
    emit.shared(rounded.x, () =>
      emit.node("DynamicQuantizeLinear", [x], { output: rounded.x, more: [rounded.scale, rounded.zero] }),
    );
    integerProduct(emit, rounded, [weight, scale, bias], { output });
    return;
  }
  // Each row is divided by its amplitude, rounded with a fixed scale, and multiplied by its amplitude afterwards.
  const step = emit.shared("row step", () => emit.constant(floatTensor([], [1 / 127])));
  const zero = emit.shared("row zero", () =>
    emit.constant({ dtype: "uint8", dims: [], data: Uint8Array.of(128) }),
  );
  const amplitude = emit.shared(`amplitude:${x}`, () => {
    const largest = emit.node("ReduceMax", [emit.node("Abs", [x]), emit.int64Vector([-1])], {
      attributes: { keepdims: 1n },
    });
    // A row of zeros stays zero.
    const least = emit.shared("row least", () => emit.constant(floatTensor([], [1e-30])));
    return emit.node("Max", [largest, least]);
  });
  const rows = emit.shared(`rows:${x}`, () =>
    emit.node("QuantizeLinear", [emit.node("Div", [x, amplitude]), step, zero]),
  );
  const product = integerProduct(emit, { x: rows, scale: step, zero }, [weight, scale, ""], {});
  const scaled = emit.node("Mul", [product, amplitude], bias === "" ? { output } : {});
  if (bias !== "") emit.node("Add", [scaled, bias], { output });
};

/**
 * One operator that rounds x itself. It suits few rows, for which a chain of small operators takes longer than the
 * product.
 */
const blockLinear: Lowering<"blockLinear"> = (emit, node, output) => {
  const [x, weight, scale, bias] = atLeast(inputNames(emit, node), 3);
  const [out, blocks, block] = atLeast(must(node.inputs, 1).shape, 3);
  if (typeof out !== "number" || typeof blocks !== "number" || typeof block !== "number")
    throw new GraphError(`blockLinear at ${node.scope}: the weight's shape must be numbers`);
  const width = blocks * block;
  if (emit.options.standardOperators !== true) {
    emit.node("MatMulNBits", [x, weight, scale, ...(bias === undefined ? [] : ["", "", bias])], {
      output,
      domain: microsoft,
      attributes: {
        ...{ N: BigInt(out), K: BigInt(width), bits: 8n, block_size: BigInt(block) },
        // Level 4: x is rounded to 8-bit integers.
        accuracy_level: 4n,
      },
    });
    return;
  }
  // The fallback with ONNX's own operators multiplies by the dequantized weight.
  const float = emit.node("Cast", [weight], { attributes: { to: BigInt(onnxDataType.float32) } });
  const signed = emit.node("Sub", [float, emit.constant(floatTensor([], [128]))]);
  const scaled = emit.node("Mul", [signed, emit.node("Unsqueeze", [scale, emit.int64Vector([-1])])]);
  const matrix = emit.node("Reshape", [scaled, emit.int64Vector([out, width])]);
  const columns = emit.node("Transpose", [matrix], { attributes: { perm: [1n, 0n] } });
  const product = emit.node("MatMul", [x, columns], bias === undefined ? { output } : {});
  if (bias !== undefined) emit.node("Add", [product, bias], { output });
};

const layerNorm: Lowering<"layerNorm"> = (emit, node, output) => {
  const attributes = { axis: -1n, epsilon: { float: node.attributes.epsilon } };
  const more = emit.statisticsOf(node);
  emit.node("LayerNormalization", inputNames(emit, node), { output, attributes, more });
};

const l2Normalize: Lowering<"l2Normalize"> = (emit, node, output) => {
  const [x] = atLeast(inputNames(emit, node), 1);
  const axes = emit.int64Vector([-1]);
  const norm = emit.node("ReduceL2", [x, axes], { attributes: { keepdims: 1n } });
  const floor = emit.constant(floatTensor([], [node.attributes.epsilon]));
  emit.node("Div", [x, emit.node("Max", [norm, floor])], { output });
};

/**
 * The inputs of MultiHeadAttention are query, key, value, bias of the projections, padding mask, bias of the scores.
 * Keys and values may already be split into heads, which saves transposing them at every reuse.
 */
const attention: Lowering<"attention"> = (emit, node, output) => {
  if (emit.options.standardOperators === true) {
    standardAttention(emit, node, output);
    return;
  }
  const { heads, scale } = node.attributes;
  const [q, k, v, bias] = atLeast(inputNames(emit, node), 3);
  const inputs = bias === undefined ? [q, k, v] : [q, k, v, "", "", bias];
  const attributes = { num_heads: BigInt(heads), scale: { float: scale } };
  emit.node("MultiHeadAttention", inputs, { output, attributes, domain: microsoft });
};

/** Casts to float32 and back, for a node that computes in half precision. */
function inFloat32(emit: Emitter, node: NodeOf<OpKind>) {
  const half = node.output.dtype === "float16";
  const cast = (name: string, to: "float32" | "float16", output?: string) =>
    emit.node("Cast", [name], {
      attributes: { to: BigInt(onnxDataType[to]) },
      ...(output !== undefined && { output }),
    });
  return {
    half,
    widen: (name: string) => (half ? cast(name, "float32") : name),
    narrow: (name: string, output?: string) => (half ? cast(name, "float16", output) : name),
  };
}

/** softmax(q k^T scale + bias) v in ONNX's own operators. In half precision, the softmax is computed in float32. */
const standardAttention: Lowering<"attention"> = (emit, node, output) => {
  const { heads, scale } = node.attributes;
  const { widen, narrow } = inFloat32(emit, node);
  const [q, k, v, bias] = atLeast(
    node.inputs.map((value) => {
      const name = emit.nameOf(value);
      const width = value.shape[2];
      if (value.shape.length !== 3) return name;
      if (typeof width !== "number")
        throw new GraphError(`attention at ${node.scope}: the width must be a number`);
      const split = emit.node("Reshape", [name, emit.int64Vector([0, 0, heads, width / heads])]);
      return emit.node("Transpose", [split], { attributes: { perm: [0n, 2n, 1n, 3n] } });
    }),
    3,
  );
  const columns = emit.node("Transpose", [k], { attributes: { perm: [0n, 1n, 3n, 2n] } });
  const factor = emit.constant(floatTensor([], [scale]));
  const scaled = emit.node("Mul", [widen(emit.node("MatMul", [q, columns])), factor]);
  const scores = bias === undefined ? scaled : emit.node("Add", [scaled, widen(bias)]);
  const weights = narrow(emit.node("Softmax", [scores], { attributes: { axis: -1n } }));
  const context = emit.node("Transpose", [emit.node("MatMul", [weights, v])], {
    attributes: { perm: [0n, 2n, 1n, 3n] },
  });
  emit.node("Reshape", [context, emit.int64Vector([0, 0, -1])], { output });
};

/** x (1 + erf(x / sqrt 2)) / 2, in float32. ONNX's own Gelu requires opset 20. */
const gelu: Lowering<"gelu"> = (emit, node, output) => {
  if (emit.options.standardOperators !== true) {
    same("Gelu", microsoft)(emit, node, output);
    return;
  }
  const { half, widen, narrow } = inFloat32(emit, node);
  const [name] = atLeast(inputNames(emit, node), 1);
  const x = widen(name);
  const number = (value: number) => emit.constant(floatTensor([], [value]));
  const erf = emit.node("Erf", [emit.node("Mul", [x, number(Math.SQRT1_2)])]);
  const halved = emit.node("Mul", [x, number(0.5)]);
  const result = emit.node("Mul", [halved, emit.node("Add", [erf, number(1)])], half ? {} : { output });
  narrow(result, output);
};

/** In parts: x - m - log sum exp(x - m), where m is the largest value, so that no exponential overflows. */
const logSoftmax: Lowering<"logSoftmax"> = (emit, node, output) => {
  const [x] = atLeast(inputNames(emit, node), 1);
  if (emit.options.plainLogSoftmax !== true) {
    emit.node("LogSoftmax", [x], { output, attributes: { axis: -1n } });
    return;
  }
  const reduced = { attributes: { keepdims: 1n } };
  const last = emit.int64Vector([-1]);
  const shifted = emit.node("Sub", [x, emit.node("ReduceMax", [x, last], reduced)]);
  emit.node("Sub", [shifted, emit.node("ReduceLogSumExp", [shifted, last], reduced)], { output });
};

const slice: Lowering<"slice"> = (emit, node, output) => {
  const { axis, start, end } = node.attributes;
  const [x] = atLeast(inputNames(emit, node), 1);
  const bounds = [start, end].map((bound) => emit.exactShape([bound]));
  emit.node("Slice", [x, ...bounds, emit.int64Vector([axis])], { output });
};

export const lowerings: { readonly [K in OpKind]: Lowering<K> } = {
  add: same("Add"),
  subtract: same("Sub"),
  multiply: same("Mul"),
  divide: same("Div"),
  gelu,
  relu: same("Relu"),
  tanh: same("Tanh"),
  exp: same("Exp"),
  erf: same("Erf"),
  sqrt: same("Sqrt"),
  positive,
  detach: same("Identity"),
  cast: (emit, node, output) => {
    const attributes = { to: BigInt(onnxDataType[node.attributes.to]) };
    emit.node("Cast", inputNames(emit, node), { output, attributes });
  },
  linear,
  quantizedLinear,
  blockLinear,
  dequantize: (emit, node, output) => {
    const [rows] = atLeast(must(node.inputs, 1).shape, 1);
    if (typeof rows !== "number")
      throw new GraphError(`dequantize at ${node.scope}: the scale's shape must be numbers`);
    // The zero point is explicit although 0 is the default: when ONNX Runtime makes the weights unsigned, it would
    // otherwise become one number for all rows. ONNX Runtime names the unsigned copy after this constant, so no two
    // operators may share it.
    const zeros = emit.constant({ dtype: "int8", dims: [rows], data: new Int8Array(rows) });
    emit.node("DequantizeLinear", [...inputNames(emit, node), zeros], { output, attributes: { axis: 0n } });
  },
  matmul,
  layerNorm,
  softmax: (emit, node, output) => {
    emit.node("Softmax", inputNames(emit, node), { output, attributes: { axis: -1n } });
  },
  logSoftmax,
  l2Normalize,
  rowInverseStd,
  attention,
  mean: (emit, node, output) => {
    const inputs = [...inputNames(emit, node), emit.int64Vector([-1])];
    emit.node("ReduceMean", inputs, { output, attributes: { keepdims: 0n } });
  },
  rowMean,
  sum,
  crossEntropy,
  gather: same("Gather"),
  takeAlongLast: (emit, node, output) => {
    const [x, ids] = atLeast(inputNames(emit, node), 2);
    const last = emit.int64Vector([-1]);
    const column = emit.node("Unsqueeze", [ids, last]);
    const taken = emit.node("GatherElements", [x, column], { attributes: { axis: -1n } });
    emit.node("Squeeze", [taken, last], { output });
  },
  addAlongLast,
  scatterAdd,
  patchConvolution: (emit, node, output) => {
    const sides = [BigInt(node.attributes.patch), BigInt(node.attributes.patch)];
    emit.node("Conv", inputNames(emit, node), {
      output,
      attributes: { kernel_shape: sides, strides: sides },
    });
  },
  reshape: (emit, node, output) => {
    emit.node("Reshape", [...inputNames(emit, node), emit.reshapeTarget(node.attributes.shape)], { output });
  },
  transpose: (emit, node, output) => {
    const perm = node.attributes.permutation.map(BigInt);
    emit.node("Transpose", inputNames(emit, node), { output, attributes: { perm } });
  },
  slice,
  concat: (emit, node, output) => {
    emit.node("Concat", inputNames(emit, node), {
      output,
      attributes: { axis: BigInt(node.attributes.axis) },
    });
  },
  expand: (emit, node, output) => {
    emit.node("Expand", [...inputNames(emit, node), emit.exactShape(node.attributes.shape)], { output });
  },
  barrier,
};
