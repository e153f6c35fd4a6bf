// Tests whether 8-bit products overflow on this processor. x86 processors without VNNI add two products in 16 bits;
// with signed weights the sum saturates (pmaddubsw). ONNX Runtime can make weights unsigned
// (session.x64quantprecision): those products are exact on every x86 processor, but use neither VNNI nor AMX. A small
// product shows which form to use.
import { must } from "@blip-ts/base";
import { emitOnnx, floatTensor, GraphBuilder, optimize, type EmitOptions, type Graph } from "@blip-ts/graph";
import type { EngineModel, EngineSession } from "./engine.ts";

/** The form of 8-bit products in this process. */
export interface Int8Products {
  /** The form of weights in a loaded model. `unsigned` is slower, and is chosen if `signed` overflows. */
  readonly weights: "signed" | "unsigned";
  /** Whether the products of that form were exact. */
  readonly exact: boolean;
}

/**
 * The sizes of the trial: three tiles of AMX (64 numbers of a row, 16 rows, 16 columns) plus a remainder in each
 * direction. Kernels of other processors have smaller tiles.
 */
const [M, K, N] = [37, 200, 70];

/**
 * The patterns of rows and columns. Rows contain 0 and 1, which are rounded to 0 and 255, or 128 and 255. Columns
 * contain -127 and 127. Kernels sum pairs of neighbours, so there are neighbours of each kind.
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

/** The trial graph: x [M', K] -> x W with W [K, N], with x rounded in both ways that networks use. */
export function trialGraph(): Graph {
  const b = GraphBuilder.create("int8_trial");
  const x = b.input("x", "float32", ["M", K]);
  const data = Int8Array.from(matrix(K, N, (k, n) => columnAt(n)(k)));
  const scale = b.constant(floatTensor([N], new Float32Array(N).fill(1)));
  for (const activations of ["tensor", "row"] as const) {
    // Each product has its own weight: ONNX Runtime fails to make a weight unsigned that two products read.
    const weight = b.constant({ dtype: "int8", dims: [K, N], data });
    b.output(activations, b.op("quantizedLinear", [x, weight, scale], { activations }));
  }
  return b.build();
}

/** The model of the trial graph, lowered like networks of this type. */
export const trialModel = (emit: EmitOptions = {}): EngineModel => ({
  onnx: emitOnnx(
    optimize(trialGraph()),
    (name) => {
      throw new Error(`the trial has no weights, got ${name}`);
    },
    emit,
  ),
  external: [],
});

/** x, and the exact integers of x W. 0 and 1 are rounded without error, so nothing is lost. */
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

/** Many rows, and one row, for which engines have separate kernels. */
const heights: readonly number[] = [M, 1];

/** Whether every product is exact to the integer. The scales multiplied into it cause errors of 0.01. */
export async function isExact(session: Pick<EngineSession, "run">): Promise<boolean> {
  for (const height of heights) {
    const { x, product } = trialCase(height);
    const found = await session.run({ x });
    for (const activations of ["tensor", "row"]) {
      const data = found[activations]?.data;
      if (!(data instanceof Float32Array) || data.length !== product.length) return false;
      // The comparison is not `>= 0.5`: NaN is wrong too.
      if (!data.every((value, index) => Math.abs(value - must(product, index)) < 0.5)) return false;
    }
  }
  return true;
}

/** Lends a session of the trial's model, made with the given configuration entries. */
export type LendSession = (
  model: EngineModel,
  config: Readonly<Record<string, string>>,
  use: (session: EngineSession) => Promise<boolean>,
) => Promise<boolean>;

/**
 * The trial's result, shared by all engines of a process. It runs when the first session with 8-bit products is made,
 * in that session's thread.
 */
export class Int8Trial {
  /** The configuration entries that make weights unsigned. */
  readonly unsignedConfig: Readonly<Record<string, string>>;
  #answer: Promise<Int8Products> | undefined;

  constructor(unsignedConfig: Readonly<Record<string, string>>) {
    this.unsignedConfig = unsignedConfig;
  }

  /**
   * The form of products on this processor.
   * @param lend makes the trial's sessions; unused if the result is known
   * @throws {Error} the error of `lend`; the next caller tries again
   */
  async products(lend: LendSession): Promise<Int8Products> {
    while (this.#answer) {
      const asked = this.#answer;
      const found = await asked.catch(() => undefined);
      if (found) return found;
      // The caller that ran the trial failed with its thread. The first of the waiting callers tries again.
      if (this.#answer === asked) this.#answer = undefined;
    }
    this.#answer = this.#try(lend);
    return this.#answer;
  }

  /**
   * The configuration entries of a session with 8-bit products. If the trial fails, the exact form is used: exactness
   * matters more than speed.
   */
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
