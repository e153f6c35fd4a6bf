// The table of reference evaluators, exhaustive by type: plain loops in double precision that define each operation.
// They are for tests, so clarity comes before speed.
import { atLeast, missed, must } from "@blip-ts/base";
import type { OpKind } from "../graph.ts";
import { sizeOf } from "../types/dtype.ts";
import { addAlongLast, crossEntropy, rowInverseStd, scatterAdd, sum } from "./evaluate-training.ts";
import {
  argument,
  at,
  binary,
  byRow,
  make,
  moved,
  position,
  unary,
  type Evaluator,
  type Numbers,
} from "./numbers.ts";

/** The error function, by its series near zero and its continued fraction far from zero; accurate to about 1e-15. */
export function erf(x: number): number {
  const z = Math.abs(x);
  if (z > 6) return Math.sign(x);
  if (z < 2.5) {
    let [term, sum] = [z, z];
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum) && n < 200; n++) {
      term *= -(z * z) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (z + fraction);
  return Math.sign(x) * (1 - Math.exp(-z * z) / (Math.sqrt(Math.PI) * (z + fraction)));
}

const softmaxRow = (row: Float64Array): Float64Array => {
  const highest = row.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = row.map((x) => Math.exp(x - highest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((x) => x / sum);
};

const rowMeans = ({ data, dims }: Numbers): Float64Array => {
  const width = dims.at(-1) ?? 1;
  return make(
    dims.slice(0, -1),
    (_c, index) => data.subarray(index * width, (index + 1) * width).reduce((a, b) => a + b, 0) / width,
  );
};

const linear: Evaluator<"linear"> = (inputs, _node, dims) => {
  const [x, weight, bias] = [argument(inputs, 0), argument(inputs, 1), inputs[2]];
  const [out, width] = atLeast(weight.dims, 2);
  return make(dims, (_c, index) => {
    const [row, column] = [Math.floor(index / out), index % out];
    let sum = bias ? at(bias.data, column) : 0;
    for (let k = 0; k < width; k++) sum += at(x.data, row * width + k) * at(weight.data, column * width + k);
    return sum;
  });
};

/** Rounds halves to the even integer, as ONNX's QuantizeLinear does. */
function roundToEven(x: number): number {
  const rounded = Math.round(x);
  return Math.abs(x % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

const clamp = (x: number, low: number, high: number): number => Math.min(high, Math.max(low, x));

/** ONNX's DynamicQuantizeLinear and its inverse: 256 steps over the tensor's range, in which 0 is exact. */
function roundTensor({ dims, data }: Numbers): Numbers {
  const low = data.reduce((a, b) => Math.min(a, b), 0);
  const scale = (data.reduce((a, b) => Math.max(a, b), 0) - low) / 255 || 1;
  const zero = roundToEven(clamp(-low / scale, 0, 255));
  return { dims, data: data.map((x) => (clamp(roundToEven(x / scale) + zero, 0, 255) - zero) * scale) };
}

/** Rounds a row to 255 steps, symmetric about 0. */
const roundRow = (row: Float64Array): Float64Array => {
  const scale = row.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / 127 || 1;
  return row.map((x) => roundToEven(x / scale) * scale);
};

const quantizedLinear: Evaluator<"quantizedLinear"> = (inputs, node, dims) => {
  const [x, weight, scale] = [argument(inputs, 0), argument(inputs, 1), argument(inputs, 2)];
  const rounded =
    node.attributes.activations === "tensor" ? roundTensor(x) : { ...x, data: byRow(roundRow)(x) };
  const bias = inputs[3];
  const [width, out] = atLeast(weight.dims, 2);
  return make(dims, (_c, index) => {
    const [row, column] = [Math.floor(index / out), index % out];
    let sum = 0;
    for (let k = 0; k < width; k++)
      sum += at(rounded.data, row * width + k) * at(weight.data, k * out + column);
    return sum * at(scale.data, column) + (bias ? at(bias.data, column) : 0);
  });
};

/** x is not rounded: that rounding depends on the engine. */
const blockLinear: Evaluator<"blockLinear"> = (inputs, _node, dims) => {
  const [x, weight, scale] = [argument(inputs, 0), argument(inputs, 1), argument(inputs, 2)];
  const bias = inputs[3];
  const [out, blocks, block] = atLeast(weight.dims, 3);
  const width = blocks * block;
  return make(dims, (_c, index) => {
    const [row, column] = [Math.floor(index / out), index % out];
    let sum = 0;
    for (let k = 0; k < width; k++) {
      const position = column * width + k;
      const meant = (at(weight.data, position) - 128) * at(scale.data, Math.floor(position / block));
      sum += at(x.data, row * width + k) * meant;
    }
    return sum + (bias ? at(bias.data, column) : 0);
  });
};

const matmul: Evaluator<"matmul"> = (inputs, node, dims) => {
  const [a, b] = [argument(inputs, 0), argument(inputs, 1)];
  const { transposeA = false, transposeB = false, scale = 1 } = node.attributes;
  const width = must(a.dims, a.dims.length - (transposeA ? 2 : 1));
  return make(dims, (c) => {
    const [row, column] = atLeast(c.slice(-2), 2);
    let sum = 0;
    for (let k = 0; k < width; k++) {
      const left = [...c.slice(0, -2), ...(transposeA ? [k, row] : [row, k])];
      const right = [...c.slice(0, -2), ...(transposeB ? [column, k] : [k, column])];
      sum += at(a.data, position(left, a.dims)) * at(b.data, position(right, b.dims));
    }
    return sum * scale;
  });
};

const layerNorm: Evaluator<"layerNorm"> = (inputs, node) => {
  const [gain, bias] = [argument(inputs, 1), argument(inputs, 2)];
  return byRow((row) => {
    const mean = row.reduce((a, b) => a + b, 0) / row.length;
    const variance = row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / row.length;
    const scale = 1 / Math.sqrt(variance + node.attributes.epsilon);
    return row.map((x, index) => (x - mean) * scale * at(gain.data, index) + at(bias.data, index));
  })(argument(inputs, 0));
};

const attention: Evaluator<"attention"> = (inputs, node) => {
  const [q, k, v, bias] = [argument(inputs, 0), argument(inputs, 1), argument(inputs, 2), inputs[3]];
  const [batch, rows, width] = atLeast(q.dims, 3);
  const columns = must(k.dims, k.dims.length - 2);
  const { heads, scale } = node.attributes;
  const size = width / heads;
  // The index of a column's first number; keys and values are [B, N, D], or split into heads, [B, H, N, K].
  const start = (b: number, h: number, j: number) =>
    k.dims.length === 4 ? ((b * heads + h) * columns + j) * size : (b * columns + j) * width + h * size;
  const result = new Float64Array(batch * rows * width);
  for (let b = 0; b < batch; b++)
    for (let h = 0; h < heads; h++)
      for (let i = 0; i < rows; i++) {
        const query = (b * rows + i) * width + h * size;
        const scores = Float64Array.from({ length: columns }, (_, j) => {
          let sum = 0;
          for (let d = 0; d < size; d++) sum += at(q.data, query + d) * at(k.data, start(b, h, j) + d);
          return sum * scale + (bias ? at(bias.data, position([b, h, i, j], bias.dims)) : 0);
        });
        const shares = softmaxRow(scores);
        for (let d = 0; d < size; d++)
          result[query + d] = shares.reduce((sum, p, j) => sum + p * at(v.data, start(b, h, j) + d), 0);
      }
  return result;
};

const patchConvolution: Evaluator<"patchConvolution"> = (inputs, node, dims) => {
  const [pixels, weight, bias] = [argument(inputs, 0), argument(inputs, 1), argument(inputs, 2)];
  const { patch } = node.attributes;
  const channels = must(pixels.dims, 1);
  return make(dims, (c) => {
    const [b, d, y, x] = atLeast(c, 4);
    let sum = at(bias.data, d);
    for (let channel = 0; channel < channels; channel++)
      for (let i = 0; i < patch; i++)
        for (let j = 0; j < patch; j++)
          sum +=
            at(pixels.data, position([b, channel, y * patch + i, x * patch + j], pixels.dims)) *
            at(weight.data, position([d, channel, i, j], weight.dims));
    return sum;
  });
};

const concat: Evaluator<"concat"> = (inputs, node, dims) => {
  const { axis } = node.attributes;
  return make(dims, (c) => {
    let offset = must(c, axis);
    for (const input of inputs) {
      const size = must(input.dims, axis);
      if (offset < size) return at(input.data, position(moved(c, axis, offset), input.dims));
      offset -= size;
    }
    return Number.NaN;
  });
};

export const evaluators: { readonly [K in OpKind]: Evaluator<K> } = {
  add: binary((a, b) => a + b),
  subtract: binary((a, b) => a - b),
  multiply: binary((a, b) => a * b),
  divide: binary((a, b) => a / b),
  gelu: unary((x) => (x / 2) * (1 + erf(x / Math.SQRT2))),
  relu: unary((x) => Math.max(0, x)),
  tanh: unary(Math.tanh),
  exp: unary(Math.exp),
  erf: unary(erf),
  sqrt: unary(Math.sqrt),
  positive: unary((x) => (x > 0 ? 1 : 0)),
  detach: (inputs) => argument(inputs, 0).data,
  cast: (inputs, node) =>
    argument(inputs, 0).data.map((x) => (/^u?int/.test(node.attributes.to) ? Math.trunc(x) : x)),
  linear,
  quantizedLinear,
  blockLinear,
  dequantize: (inputs) => {
    const [x, scale] = [argument(inputs, 0), argument(inputs, 1)];
    const width = must(x.dims, 1);
    return x.data.map((value, index) => value * at(scale.data, Math.floor(index / width)));
  },
  matmul,
  layerNorm,
  softmax: (inputs) => byRow(softmaxRow)(argument(inputs, 0)),
  logSoftmax: (inputs) =>
    byRow((row) => {
      const highest = row.reduce((a, b) => Math.max(a, b), -Infinity);
      const sum = row.reduce((total, x) => total + Math.exp(x - highest), 0);
      return row.map((x) => x - highest - Math.log(sum));
    })(argument(inputs, 0)),
  l2Normalize: (inputs, node) =>
    byRow((row) => {
      const norm = Math.sqrt(row.reduce((sum, x) => sum + x * x, 0));
      return row.map((x) => x / Math.max(norm, node.attributes.epsilon));
    })(argument(inputs, 0)),
  rowInverseStd,
  attention,
  gather: (inputs, _node, dims) => {
    const [table, ids] = [argument(inputs, 0), argument(inputs, 1)];
    const width = sizeOf(table.dims.slice(1));
    return make(dims, (_c, index) =>
      at(table.data, at(ids.data, Math.floor(index / width)) * width + (index % width)),
    );
  },
  takeAlongLast: (inputs, _node, dims) => {
    const [x, ids] = [argument(inputs, 0), argument(inputs, 1)];
    const width = x.dims.at(-1) ?? 1;
    return make(dims, (_c, index) => at(x.data, index * width + at(ids.data, index)));
  },
  mean: (inputs) => rowMeans(argument(inputs, 0)),
  rowMean: (inputs) => rowMeans(argument(inputs, 0)),
  sum,
  crossEntropy,
  addAlongLast,
  scatterAdd,
  patchConvolution,
  reshape: (inputs) => argument(inputs, 0).data,
  transpose: (inputs, node, dims) => {
    const x = argument(inputs, 0);
    return make(dims, (c) => {
      const source: number[] = [];
      node.attributes.permutation.forEach((axis, index) => (source[axis] = c[index] ?? missed("axis")));
      return at(x.data, position(source, x.dims));
    });
  },
  slice: (inputs, node, dims, valueOf) => {
    const { axis } = node.attributes;
    const start = valueOf(node.attributes.start);
    const x = argument(inputs, 0);
    return make(dims, (c) =>
      at(x.data, position(moved(c, axis, (c[axis] ?? missed("axis")) + start), x.dims)),
    );
  },
  concat,
  expand: (inputs, _node, dims) => {
    const x = argument(inputs, 0);
    return make(dims, (c) => at(x.data, position(c, x.dims)));
  },
  barrier: (inputs) => argument(inputs, 0).data,
};
