// The engine's matrix product alone. A network runs at its rate at best, so measured times are compared with it.
import type { Warning } from "@blip-ts/base";
import { asyncDispose, type Closable, optionNames, orClosed } from "@blip-ts/base";
import { floatTensor, GraphBuilder, optimize, type Tensor } from "@blip-ts/graph";
import { memorySource, type StoredTensor } from "@blip-ts/checkpoint";
import { engineOptionNames, type EngineOptions, type EnginePlatform } from "./device.ts";
import type { Engine, EngineSession, RunOptions } from "./engine.ts";
import { toEngineModel } from "./engine-model.ts";
import { openEngine } from "./open-engine.ts";

/** The options of a measured matrix product. */
export interface MatrixProductOptions extends EngineOptions {
  /** Rows of x. Default: 577, the tokens of an image of 384 pixels. */
  readonly rows?: number | undefined;
  /** Columns of x. Default: 768, the width of a base model. */
  readonly inner?: number | undefined;
  /** Columns of the product. Default: 3072, the width of a base model's MLP. */
  readonly columns?: number | undefined;
  /** Products per call, each with its own matrix, like the layers of a network. Default: 8. */
  readonly count?: number | undefined;
}

export const matrixProductOptionNames = optionNames<MatrixProductOptions>()({
  ...engineOptionNames,
  rows: true,
  inner: true,
  columns: true,
  count: true,
});

/** Deterministic numbers between -1 and 1. Products of zeros or denormals would take a different time. */
function numbers(length: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length }, (_, index) => ((index * 7919) % 4096) / 2048 - 1);
}

/** x [rows, inner] times `count` matrices [inner, columns]. */
export class MatrixProduct implements Closable {
  /** Floating-point operations per call: 2 * rows * inner * columns * count. */
  readonly operations: number;
  readonly #engine: Engine;
  readonly #session: EngineSession;
  readonly #x: Tensor<"float32">;

  private constructor(engine: Engine, session: EngineSession, x: Tensor<"float32">, operations: number) {
    this.#engine = engine;
    this.#session = session;
    this.#x = x;
    this.operations = operations;
  }

  /** Loads the products. @param platform the source of engines, which also receives warnings about the device */
  static async load(
    platform: EnginePlatform & { warn(warning: Warning): void },
    options: MatrixProductOptions = {},
  ): Promise<MatrixProduct> {
    const { rows = 577, inner = 768, columns = 3072, count = 8 } = options;
    const b = GraphBuilder.create("product");
    const x = b.input("x", "float32", [rows, inner]);
    const shape = [columns, inner];
    const names = Array.from({ length: count }, (_, index) => `${index}.weight`);
    // The whole product is computed, but only its first row is an output: returning all of it takes a third of the
    // time.
    for (const name of names) {
      const product = b.op("linear", [x, b.weight(name, shape)], {});
      b.output(`x ${name}`, b.slice(product, 0, 0, 1));
    }
    const bytes = new Uint8Array(numbers(columns * inner).buffer);
    const tensors = new Map<string, StoredTensor>(
      names.map((name) => [
        name,
        {
          ...{ name, dtype: "float32", shape, offset: 0, byteLength: bytes.length },
          source: memorySource(name, bytes),
        },
      ]),
    );
    const { engine, emit } = await openEngine(platform, "fp32", {
      ...options,
      onWarning: (warning) => platform.warn(warning),
    });
    const operations = 2 * rows * inner * columns * count;
    return orClosed(engine, async () => {
      const model = await toEngineModel(optimize(b.build()), tensors, emit);
      const session = await engine.createSession(model, { name: "product" });
      const input = floatTensor([rows, inner], numbers(rows * inner));
      return new MatrixProduct(engine, session, input, operations);
    });
  }

  /** Computes all products once. */
  async run(options: RunOptions = {}): Promise<void> {
    await this.#session.run({ x: this.#x }, options);
  }

  /** Frees the engine. Further calls do nothing. */
  async close(): Promise<void> {
    await this.#engine.close();
  }

  /** Calls `close`, for `await using`. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }
}
