// Do products of 8-bit numbers overflow on this processor? x86 processors without VNNI add two of them in 16 bits, and
// the sum saturates if weights are signed (pmaddubsw). ONNX Runtime can make weights unsigned (session.x64quantprecision):
// those products are exact on every x86 processor, and use neither VNNI nor AMX. A small product tells which form to take.
import { must } from "@blip-ts/base";
import { emitOnnx, floatTensor, GraphBuilder, optimize, type EmitOptions, type Graph } from "@blip-ts/graph";
import type { EngineModel, EngineSession } from "./engine.ts";

/** How products of 8-bit numbers are computed in this process. */
export interface Int8Products {
  /** What weights are turned into when a model is loaded: `unsigned` costs time, and is chosen if `signed` overflows. */
  readonly weights: "signed" | "unsigned";
  /** Were the products of that form whole to the last digit? */
  readonly exact: boolean;
}

/**
 * Three tiles of AMX (64 numbers of a row, 16 rows, 16 columns) and a rest in each direction, which kernels of other
 * processors divide by less.
 */
const [M, K, N] = [37, 200, 70];

/**
 * Rows are of 0 and 1, which become 0 and 255, or 128 and 255; columns are of -127 and 127. What is summed are pairs of
 * neighbours, so that rows and columns have neighbours of each kind.
 */
const rows: readonly ((k: number) => number)[] = [
  () => 1,
  (k) => k % 2,
  (k) => (k >> 1) % 2,
  (k) => (k < 2 ? 1 : 0),
];
const columns: readonly ((k: number) => number)[] = [
  () => 127,
  () => -127,
  (k) => (k % 2 === 0 ? 127 : -127),
  (k) => ((k >> 1) % 2 === 0 ? 127 : -127),
];

const rowAt = (m: number) => must(rows, m % rows.length);
const columnAt = (n: number) => must(columns, n % columns.length);

/** Row-major [height, width]. */
const matrix = (height: number, width: number, at: (y: number, x: number) => number): number[] =>
  Array.from({ length: height * width }, (_, index) => at(Math.floor(index / width), index % width));

/** x [M', K] -> x W, W [K, N], rounded in both ways in which networks round x. */
export function trialGraph(): Graph {
  const b = GraphBuilder.create("int8_trial");
  const x = b.input("x", "float32", ["M", K]);
  const data = Int8Array.from(matrix(K, N, (k, n) => columnAt(n)(k)));
  const scale = b.constant(floatTensor([N], new Float32Array(N).fill(1)));
  for (const activations of ["tensor", "row"] as const) {
    // Each has its own: ONNX Runtime fails if it is to make a weight unsigned that two products read.
    const weight = b.constant({ dtype: "int8", dims: [K, N], data });
    b.output(activations, b.op("quantizedLinear", [x, weight, scale], { activations }));
  }
  return b.build();
}

/** The graph as networks of this type are lowered. */
export const trialModel = (emit: EmitOptions = {}): EngineModel => ({
  onnx: emitOnnx(
    optimize(trialGraph()),
    (name) => {
      throw new Error(`the trial has no weight, and not ${name}`);
    },
    emit,
  ),
  external: [],
});

/** x, and the whole numbers that x W is: 0 and 1 are rounded to themselves, so that nothing is lost. */
export function trialCase(height: number) {
  const sums = rows.map((row) =>
    columns.map((column) =>
      Array.from({ length: K }, (_, k) => row(k) * column(k)).reduce((sum, one) => sum + one, 0),
    ),
  );
  return {
    x: floatTensor(
      [height, K],
      matrix(height, K, (m, k) => rowAt(m)(k)),
    ),
    product: matrix(height, N, (m, n) => must(must(sums, m % rows.length), n % columns.length)),
  };
}

/** Many rows, and one: engines have kernels of their own for it. */
const heights: readonly number[] = [M, 1];

/** Is every product what it is, to the whole number? The scales that it is multiplied with leave errors of 0.01. */
export async function isExact(session: Pick<EngineSession, "run">): Promise<boolean> {
  for (const height of heights) {
    const { x, product } = trialCase(height);
    const found = await session.run({ x });
    for (const activations of ["tensor", "row"]) {
      const data = found[activations]?.data;
      if (!(data instanceof Float32Array) || data.length !== product.length) return false;
      // Not `>= 0.5`: what is not a number is wrong, too.
      if (!data.every((value, index) => Math.abs(value - must(product, index)) < 0.5)) return false;
    }
  }
  return true;
}

/** Lends a session of the trial's model that is made with such configuration entries. */
export type LendSession = (
  model: EngineModel,
  config: Readonly<Record<string, string>>,
  use: (session: EngineSession) => Promise<boolean>,
) => Promise<boolean>;

/**
 * The answer of a process, which all engines on its processor share. It is sought when the first session with 8-bit
 * products is made, in that session's thread.
 */
export class Int8Trial {
  /** The entries that make weights unsigned. */
  readonly unsignedConfig: Readonly<Record<string, string>>;
  #answer: Promise<Int8Products> | undefined;

  constructor(unsignedConfig: Readonly<Record<string, string>>) {
    this.unsignedConfig = unsignedConfig;
  }

  /**
   * How products are computed here.
   * @param lend makes the sessions that are tried, if nobody has asked before
   * @throws {Error} what `lend` throws; the next one who asks tries anew
   */
  async products(lend: LendSession): Promise<Int8Products> {
    while (this.#answer) {
      const asked = this.#answer;
      const found = await asked.catch(() => undefined);
      if (found) return found;
      // Whoever asked is gone, with its thread: of those who wait, the first one asks.
      if (this.#answer === asked) this.#answer = undefined;
    }
    this.#answer = this.#try(lend);
    return this.#answer;
  }

  /** The entries of a session with 8-bit products. A trial that fails decides nothing: exactness goes before time. */
  async config(lend: LendSession): Promise<Readonly<Record<string, string>>> {
    const products = await this.products(lend).catch(() => undefined);
    return products?.weights === "signed" ? {} : this.unsignedConfig;
  }

  async #try(lend: LendSession): Promise<Int8Products> {
    const model = trialModel();
    if (await lend(model, {}, isExact)) return { weights: "signed", exact: true };
    return { weights: "unsigned", exact: await lend(model, this.unsignedConfig, isExact) };
  }
}
