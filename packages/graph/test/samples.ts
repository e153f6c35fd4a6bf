// One sample per operation, or several if its inputs vary. The table is exhaustive by type: a new operation without a
// sample does not compile. The samples test evaluators, lowerings and gradients against each other.
import {
  addDims,
  divideDims as divide,
  floatTensor,
  GraphBuilder,
  int64Tensor,
  multiplyDims as multiply,
  sizeOf,
  type Graph,
  type OpKind,
  type Tensor,
  type Value,
} from "@blip-ts/graph";

/** Numbers from -1 to 1 that do not repeat soon. */
export function noise(dims: readonly number[], seed = 1): Tensor<"float32"> {
  return floatTensor(
    dims,
    Array.from({ length: sizeOf(dims) }, (_, index) => Math.sin((index + 1) * 12.9898 * seed) * 0.999),
  );
}

export interface Sample {
  readonly inputs: Readonly<Record<string, Tensor<"float32" | "int64" | "int8" | "uint8">>>;
  /** Inputs at which the operation has a gradient, if it has none at `inputs`. */
  readonly smooth?: Sample["inputs"];
  /** Shapes with named dimensions, if they differ from the tensors' shapes. */
  readonly shapes?: Readonly<Record<string, readonly (number | string)[]>>;
  build(b: GraphBuilder, inputs: Readonly<Record<string, Value>>): Value;
}

const two = (
  op: (b: GraphBuilder, x: Value, y: Value) => Value,
  a: readonly number[],
  b: readonly number[],
): Sample => ({
  inputs: { x: noise(a), y: noise(b, 2) },
  build: (builder, { x, y }) => op(builder, some(x), some(y)),
});
const one = (
  op: (b: GraphBuilder, x: Value) => Value,
  tensor: Tensor<"float32"> = noise([3, 4]),
  shape?: readonly (number | string)[],
): Sample => ({
  inputs: { x: tensor },
  ...(shape ? { shapes: { x: shape } } : {}),
  build: (builder, { x }) => op(builder, some(x)),
});

export function some<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the sample has no such input");
  return value;
}

/** Rows of low variance, where epsilon matters, and a row of zeros. */
const flat = floatTensor([3, 4], [1, 1.001, 0.999, 1, 0, 0, 0, 0, 5, -3, 2, 1]);
/** A row with one visible column, and a row with two. */
const hiding = floatTensor([2, 1, 2, 3], [0, -3e38, -3e38, 0, 0, -3e38, -3e38, 0, 0, 0, 0, 0]);

/** The cross-entropy of labels in which two classes occur once and one occurs twice. */
const surprise = (smoothing: number): Sample => ({
  inputs: { x: noise([2, 2, 5], 4), labels: int64Tensor([2, 2], [4, 0, 2, 2]) },
  shapes: { x: ["B", "T", 5], labels: ["B", "T"] },
  build: (b, { x, labels }) => b.crossEntropy(some(x), some(labels), smoothing),
});

export const samples: Readonly<Record<OpKind, readonly [Sample, ...Sample[]]>> = {
  add: [
    two((b, x, y) => b.add(x, y), [2, 3], [2, 3]),
    two((b, x, y) => b.add(x, y), [1, 3], [3]),
    two((b, x, y) => b.add(x, y), [2, 1, 3], [4, 1]),
  ],
  subtract: [two((b, x, y) => b.subtract(x, y), [2, 3], [3])],
  multiply: [two((b, x, y) => b.multiply(x, y), [2, 3], [])],
  divide: [two((b, x, y) => b.divide(x, y), [2, 3], [2, 1])],
  gelu: [one((b, x) => b.gelu(x), floatTensor([8], [-8, -3, -1, -0.1, 0, 0.5, 2, 8]))],
  relu: [one((b, x) => b.relu(x))],
  tanh: [one((b, x) => b.tanh(x), floatTensor([5], [-20, -1, 0, 0.5, 20]))],
  exp: [one((b, x) => b.exp(x))],
  erf: [one((b, x) => b.erf(x), floatTensor([7], [-8, -3, -0.1, 0, 0.5, 2, 8]))],
  sqrt: [one((b, x) => b.sqrt(x), floatTensor([3], [0.01, 1, 9]))],
  positive: [one((b, x) => b.positive(x), floatTensor([4], [-2, 0, 1e-3, 3]))],
  detach: [one((b, x) => b.detach(x))],
  cast: [
    {
      inputs: { x: int64Tensor([3], [0, 1, -7]) },
      build: (b, { x }) => b.cast(some(x), "float32"),
    },
  ],
  linear: [
    {
      inputs: { x: noise([2, 5, 3]), w: noise([4, 3], 2), c: noise([4], 3) },
      shapes: { x: ["B", "T", 3], w: [4, 3], c: [4] },
      build: (b, { x, w, c }) => b.op("linear", [some(x), some(w), some(c)], {}),
    },
    {
      inputs: { x: noise([2, 3]), w: noise([4, 3], 2) },
      build: (b, { x, w }) => b.op("linear", [some(x), some(w)], {}),
    },
  ],
  // Rows of very different magnitude, one of zeros, and a weight with extreme values, to expose rounding errors.
  quantizedLinear: (["row", "tensor"] as const).flatMap((activations): [Sample, Sample] => {
    const x = floatTensor([2, 2, 4], [1, -2, 0.5, 3, 0.01, -0.02, 0.03, 0.004, 0, 0, 0, 0, 7, 1, -1, 0.2]);
    const w = {
      dtype: "int8",
      dims: [4, 3],
      data: Int8Array.of(127, -127, 1, 0, 5, -3, 100, 2, 2, -50, 9, 77),
    } as const;
    const s = floatTensor([3], [0.01, 0.5, 2]);
    return [
      {
        inputs: { x, w, s, c: noise([3], 3) },
        shapes: { x: ["B", "T", 4], w: [4, 3], s: [3], c: [3] },
        build: (b, { x, w, s, c }) =>
          b.op("quantizedLinear", [some(x), some(w), some(s), some(c)], { activations }),
      },
      {
        inputs: { x: floatTensor([3, 4], x.data.slice(0, 12)), w, s },
        build: (b, { x, w, s }) => b.op("quantizedLinear", [some(x), some(w), some(s)], { activations }),
      },
    ];
  }) as [Sample, ...Sample[]],
  blockLinear: (() => {
    // Two blocks of 16 in each of 3 rows, with different scales.
    const width = 32;
    const w = {
      dtype: "uint8",
      dims: [3, 2, 16],
      data: Uint8Array.from({ length: 3 * width }, (_, index) => (index * 37) % 255 || 1),
    } as const;
    const s = floatTensor([3, 2], [0.01, 0.5, 2, 0.25, 0.001, 1]);
    const x = noise([2, 2, width], 4);
    // A block of zeros, and a large number that reduces only its own block's precision.
    x.data.fill(0, 0, 16);
    x.data[16] = 40;
    return [
      {
        inputs: { x, w, s, c: noise([3], 3) },
        shapes: { x: ["B", "T", width], w: [3, 2, 16], s: [3, 2], c: [3] },
        build: (b, { x, w, s, c }) => b.op("blockLinear", [some(x), some(w), some(s), some(c)], {}),
      },
      {
        inputs: { x: noise([3, width], 5), w, s },
        build: (b, { x, w, s }) => b.op("blockLinear", [some(x), some(w), some(s)], {}),
      },
    ] satisfies [Sample, Sample];
  })(),
  dequantize: [
    {
      inputs: {
        x: { dtype: "int8", dims: [2, 3], data: Int8Array.of(127, -127, 1, 0, 5, -3) },
        s: floatTensor([2], [0.01, 2]),
      },
      build: (b, { x, s }) => b.op("dequantize", [some(x), some(s)], {}),
    },
  ],
  matmul: [
    two((b, x, y) => b.matmul(x, y), [2, 3], [3, 4]),
    two((b, x, y) => b.matmul(x, y), [2, 1, 2, 3], [5, 3, 4]),
    two((b, x, y) => b.matmul(x, y, { transposeA: true }), [3, 2], [3, 4]),
    two((b, x, y) => b.matmul(x, y, { transposeB: true, scale: 0.5 }), [2, 3], [4, 3]),
    two((b, x, y) => b.matmul(x, y, { transposeA: true, transposeB: true }), [3, 2], [4, 3]),
    two((b, x, y) => b.matmul(x, y, { scale: -2 }), [2, 3], [3, 4]),
    two((b, x, y) => b.matmul(x, y, { transposeA: true, scale: 2 }), [2, 1, 3, 2], [5, 3, 4]),
    two((b, x, y) => b.matmul(x, y, { transposeB: true }), [2, 2, 3], [2, 4, 3]),
    two((b, x, y) => b.matmul(x, y, { transposeA: true, transposeB: true, scale: 3 }), [2, 3, 2], [2, 4, 3]),
  ],
  rowMean: [one((b, x) => b.rowMean(x), noise([2, 3, 5]), ["B", "T", 5])],
  rowInverseStd: [one((b, x) => b.op("rowInverseStd", [x], { epsilon: 1e-5 }), flat)],
  sum: [
    one((b, x) => b.sum(x, [1]), noise([2, 3, 4])),
    one((b, x) => b.sum(x, [0, 2], true), noise([2, 3, 4])),
    one((b, x) => b.sum(x, [0]), noise([5, 4]), ["B", 4]),
    one((b, x) => b.sum(x, [0], true), noise([5, 4])),
    one((b, x) => b.sum(x, [0, 1]), noise([2, 3, 4]), ["B", "T", 4]),
    one((b, x) => b.sum(x, [0, 1], true), noise([2, 3, 4])),
    one((b, x) => b.sum(x, [0, 1]), noise([2, 3])),
  ],
  crossEntropy: [surprise(0), surprise(0.1)],
  layerNorm: [
    {
      inputs: { x: flat, g: noise([4], 2), c: noise([4], 3) },
      build: (b, { x, g, c }) => b.op("layerNorm", [some(x), some(g), some(c)], { epsilon: 1e-5 }),
    },
  ],
  softmax: [one((b, x) => b.softmax(x), floatTensor([2, 3], [1000, 1001, 999, -5, 0, 5]))],
  logSoftmax: [one((b, x) => b.logSoftmax(x), floatTensor([2, 3], [1000, 1001, 999, -5, 0, 5]))],
  mean: [one((b, x) => b.mean(x), noise([2, 3, 5]), ["B", "T", 5])],
  l2Normalize: [
    { ...one((b, x) => b.l2Normalize(x), flat), smooth: { x: noise([3, 4]) } },
    // Rows shorter than epsilon are only scaled.
    one((b, x) => b.l2Normalize(x, 1), floatTensor([2, 3], [0.1, -0.2, 0.3, 3, -2, 1])),
  ],
  attention: [
    {
      inputs: { q: noise([2, 3, 8]), k: noise([2, 5, 8], 2), v: noise([2, 5, 8], 3) },
      shapes: { q: ["B", "T", 8], k: ["B", "N", 8], v: ["B", "N", 8] },
      build: (b, { q, k, v }) => b.attention(some(q), some(k), some(v), 2, 0.5),
    },
    {
      inputs: { q: noise([2, 2, 8]), k: noise([2, 3, 8], 2), v: noise([2, 3, 8], 3), m: hiding },
      build: (b, { q, k, v, m }) => b.attention(some(q), some(k), some(v), 4, 0.7, some(m)),
    },
    {
      inputs: { q: noise([2, 3, 8]), k: noise([2, 2, 5, 4], 2), v: noise([2, 2, 5, 4], 3) },
      shapes: { q: ["B", "T", 8], k: ["B", 2, "N", 4], v: ["B", 2, "N", 4] },
      build: (b, { q, k, v }) => b.attention(some(q), some(k), some(v), 2, 0.5),
    },
    {
      inputs: { q: noise([2, 2, 8]), k: noise([2, 4, 3, 2], 2), v: noise([2, 4, 3, 2], 3), m: hiding },
      build: (b, { q, k, v, m }) => b.attention(some(q), some(k), some(v), 4, 0.7, some(m)),
    },
  ],
  gather: [
    {
      inputs: { table: noise([5, 3]), ids: int64Tensor([2, 2], [4, 0, 2, 2]) },
      build: (b, { table, ids }) => b.gather(some(table), some(ids)),
    },
    {
      inputs: { table: noise([3, 2, 0, 4]), ids: int64Tensor([4], [2, 0, 0, 1]) },
      shapes: { table: ["B", 2, "P", 4], ids: ["R"] },
      build: (b, { table, ids }) => b.gather(some(table), some(ids)),
    },
    {
      inputs: { table: noise([3, 2, 4]), ids: int64Tensor([4], [2, 0, 0, 1]) },
      shapes: { table: ["B", "P", 4], ids: ["R"] },
      build: (b, { table, ids }) => b.gather(some(table), some(ids)),
    },
  ],
  takeAlongLast: [
    {
      inputs: { x: noise([2, 2, 5]), ids: int64Tensor([2, 2], [4, 0, 2, 2]) },
      shapes: { x: ["B", "T", 5], ids: ["B", "T"] },
      build: (b, { x, ids }) => b.takeAlongLast(some(x), some(ids)),
    },
  ],
  addAlongLast: [
    {
      inputs: { x: noise([2, 2, 5]), ids: int64Tensor([2, 2], [4, 0, 2, 2]), v: noise([2, 2], 3) },
      shapes: { x: ["B", "T", 5], ids: ["B", "T"], v: ["B", "T"] },
      build: (b, { x, ids, v }) => b.addAlongLast(some(x), some(ids), some(v)),
    },
  ],
  scatterAdd: [
    {
      inputs: { ids: int64Tensor([2, 2], [4, 0, 2, 2]), v: noise([2, 2, 3], 3) },
      shapes: { ids: ["B", "T"], v: ["B", "T", 3] },
      build: (b, { ids, v }) => b.scatterAdd(some(ids), some(v), 5),
    },
    {
      inputs: { ids: int64Tensor([3], [1, 0, 1]), v: noise([3, 2, 2], 3) },
      build: (b, { ids, v }) => b.scatterAdd(some(ids), some(v), 2),
    },
  ],
  patchConvolution: [
    {
      inputs: { x: noise([2, 3, 4, 6]), w: noise([5, 3, 2, 2], 2), c: noise([5], 3) },
      build: (b, { x, w, c }) => b.op("patchConvolution", [some(x), some(w), some(c)], { patch: 2 }),
    },
  ],
  reshape: [
    one((b, x) => b.reshape(x, [2, 6])),
    {
      inputs: { x: noise([4, 3, 2]), y: noise([2, 1], 2) },
      shapes: { x: ["B", "T", 2], y: ["I", 1] },
      build(b, { x, y }) {
        const [B, T] = [some(some(x).shape[0]), some(some(x).shape[1])];
        const I = some(some(y).shape[0]);
        return b.reshape(some(x), [I, divide(multiply(B, T), I), 2]);
      },
    },
  ],
  transpose: [one((b, x) => b.transpose(x, [2, 0, 1]), noise([2, 3, 4]))],
  slice: [
    one((b, x) => b.slice(x, 1, 1, 3)),
    one((b, x) => b.slice(x, 0, 2, 3), noise([3, 2]), ["B", 2]),
    {
      // From the end of one dimension to that of another. Both have only names.
      inputs: { x: noise([2, 7]), y: noise([2], 2), z: noise([5], 3) },
      shapes: { x: [2, 7], y: ["T"], z: ["N"] },
      build(b, { x, y, z }) {
        const [from, to] = [some(some(y).shape[0]), some(some(z).shape[0])];
        return b.slice(some(x), 1, from, to);
      },
    },
  ],
  concat: [
    two((b, x, y) => b.concat([x, y], 1), [2, 3], [2, 2]),
    two((b, x, y) => b.concat([x, y], 0), [2, 3], [1, 3]),
    two((b, x, y) => b.concat([x, y], 1), [2, 0], [2, 2]),
    {
      inputs: { x: noise([2, 3]), y: noise([4, 3], 2) },
      shapes: { x: ["B", 3], y: ["T", 3] },
      build: (b, { x, y }) => b.concat([some(x), some(y)], 0),
    },
  ],
  expand: [
    one((b, x) => b.expand(x, [2, 5, 4]), noise([2, 1, 4])),
    {
      // A dimension that no input has: 3 * 4 / 2 + 2 rows.
      inputs: { x: noise([1, 2]), y: noise([3, 4], 2), z: noise([2], 3) },
      shapes: { x: [1, 2], y: ["B", "T"], z: ["I"] },
      build(b, { x, y, z }) {
        const [B, T, I] = [some(some(y).shape[0]), some(some(y).shape[1]), some(some(z).shape[0])];
        return b.expand(some(x), [addDims(divide(multiply(B, T), I), I), 2]);
      },
    },
  ],
  barrier: [
    one((b, x) => b.barrier(x)),
    two((b, x, y) => b.barrier(x, y), [2, 3], [4, 3]),
    {
      inputs: { x: noise([2, 3, 4]), y: noise([2, 5], 2) },
      shapes: { x: ["B", "T", 4], y: ["B", 5] },
      build: (b, { x, y }) => b.barrier(some(x), some(y)),
    },
  ],
};

export function graphOf(sample: Sample): Graph {
  const b = GraphBuilder.create("sample");
  const values = Object.fromEntries(
    Object.entries(sample.inputs).map(([name, { dtype, dims }]) => [
      name,
      b.input(name, dtype, sample.shapes?.[name] ?? dims),
    ]),
  );
  b.output("out", sample.build(b, values));
  return b.build();
}

export const noWeights = (): never => {
  throw new Error("a sample has no weights");
};
