// Tests whether a device computes correctly: a small layer of the network in the requested type, compared with the
// reference evaluator. Some drivers load a model and return garbage, or lack half floats.
import { must } from "@blip-ts/base";
import {
  emitOnnx,
  evaluate,
  floatTensor,
  GraphBuilder,
  optimize,
  type EmitOptions,
  type Graph,
  type Tensor,
  type Value,
} from "@blip-ts/graph";
import type { Engine, RunOptions } from "./engine.ts";

/** The type in which a network multiplies. */
export type FloatType = "float32" | "float16";

/** N is odd and not a multiple of a tile. A head is 64 wide, as in every released model. */
const [N, D, heads, M] = [37, 128, 2, 256];

/** The score of a masked key: float16's lowest number, which float32 has too. */
const masked = -65504;

/**
 * The allowed difference between a device and the evaluator, relative to the largest expected value. float16 rounds by
 * 2^-11 at each of some ten steps. In float32, GPUs' exponentials differ by some 1e-5. A broken device is off by the
 * size of the values themselves.
 */
const tolerances: Readonly<Record<FloatType, number>> = { float32: 1e-3, float16: 2e-2 };

/** Deterministic numbers between -1 and 1 (Numerical Recipes' generator). */
function generator(): (count: number) => Float32Array {
  let state = 1;
  return (count) =>
    Float32Array.from({ length: count }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 31 - 1;
    });
}

/**
 * The test graph, x [1, N, D] -> y [1, N, D]: LayerNorm, attention as in the encoders, attention over keys and values
 * in heads with a bias as in the decoder, and the feed-forward layer.
 */
export function selfTestGraph(dtype: FloatType): Graph {
  const random = generator();
  const b = GraphBuilder.create("self_test");
  const typed = (value: Value) => (dtype === "float32" ? value : b.cast(value, dtype));
  const constant = (dims: readonly number[], scale: number, shift = 0) => {
    const data = random(dims.reduce((product, dim) => product * dim, 1));
    return typed(
      b.constant(
        floatTensor(
          dims,
          data.map((value) => value * scale + shift),
        ),
      ),
    );
  };
  const linear = (x: Value, inner: number, out: number) =>
    b.op("linear", [x, constant([out, inner], Math.sqrt(3 / inner)), constant([out], 0.1)], {});
  const norm = (x: Value) =>
    b.op("layerNorm", [x, constant([D], 0.2, 1), constant([D], 0.1)], { epsilon: 1e-6 });
  const inHeads = (x: Value) => b.transpose(b.reshape(x, [1, N, heads, D / heads]), [0, 2, 1, 3]);
  const causal = floatTensor(
    [1, 1, N, N],
    Float32Array.from({ length: N * N }, (_, index) => (index % N > Math.floor(index / N) ? masked : 0)),
  );
  const scale = 1 / Math.sqrt(D / heads);

  const x = typed(b.input("x", "float32", [1, N, D]));
  const first = norm(x);
  const [q, k, v] = [linear(first, D, D), linear(first, D, D), linear(first, D, D)];
  const attended = b.add(x, linear(b.attention(q, k, v, heads, scale), D, D));
  const second = norm(attended);
  const [keys, values] = [inHeads(linear(second, D, D)), inHeads(linear(second, D, D))];
  const context = b.attention(linear(second, D, D), keys, values, heads, scale, typed(b.constant(causal)));
  const third = norm(b.add(attended, context));
  const y = linear(b.gelu(linear(third, D, M)), M, D);
  b.output("y", dtype === "float32" ? y : b.cast(y, "float32"));
  return b.build();
}

/** States with outlier channels, as residual streams have them. */
function states(): Tensor<"float32"> {
  const values = generator()(N * D);
  return floatTensor(
    [1, N, D],
    values.map((value, index) => value * (index % D === 5 ? 40 : 2)),
  );
}

let expected: Tensor<"float32"> | undefined;

/** The expected y. The evaluator takes a tenth of a second, so it runs once. */
export function expectedStates(): Tensor<"float32"> {
  const x = states();
  expected ??= evaluate(selfTestGraph("float32"), { x }, () => x).y;
  if (!expected) throw new Error("the self-test gives y");
  return expected;
}

/** `failed`: the test could not run. `wrong`: it gave wrong numbers. */
export interface SelfTestFailure {
  readonly kind: "failed" | "wrong";
  readonly what: string;
}

/**
 * Runs the test on an engine.
 * @returns the failure, or undefined
 */
export async function selfTest(
  engine: Engine,
  dtype: FloatType,
  emit: EmitOptions,
  options: RunOptions = {},
): Promise<SelfTestFailure | undefined> {
  const x = states();
  const graph = optimize(selfTestGraph(dtype));
  const locate = (name: string) => {
    throw new Error(`the self-test has no weights, got ${name}`);
  };
  const onnx = emitOnnx(graph, locate, emit);
  let output: Tensor | undefined;
  try {
    const session = await engine.createSession({ onnx, external: [] }, options);
    output = (await session.run({ x }, options)).y;
  } catch (error) {
    options.signal?.throwIfAborted();
    return { kind: "failed", what: error instanceof Error ? error.message : String(error) };
  }
  if (output?.dtype !== "float32") throw new Error("the self-test gives y in float32");
  const what = difference(output.data, expectedStates().data, dtype);
  return what === undefined ? undefined : { kind: "wrong", what };
}

/** The description of wrong numbers; undefined if they are right. */
export function difference(
  found: Float32Array,
  expected: Float32Array,
  dtype: FloatType,
): string | undefined {
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const worst = expected.reduce((most, value, index) => {
    const off = Math.abs(must(found, index) - value);
    return Number.isNaN(off) ? Infinity : Math.max(most, off);
  }, 0);
  if (worst <= tolerances[dtype] * largest) return undefined;
  const off = worst === Infinity ? "not numbers" : `off by ${worst.toPrecision(3)}`;
  return `${dtype} is computed wrongly: values of up to ${largest.toPrecision(3)} were ${off}`;
}
