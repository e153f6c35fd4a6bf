// A session whose weights are mapped from files. The files are checked before and after each call: a write to them
// would silently change results, and reading a page of a truncated file ends the process.
import { asyncDispose, BlipError, type ByteSource } from "@blip-ts/base";
import type { Tensor } from "@blip-ts/graph";
import type {
  CallOptions,
  EngineSession,
  Feeds,
  ResidentTensor,
  RetainedOutputs,
  RunOptions,
} from "./engine.ts";
import { engineFailed } from "./errors.ts";

export class GuardedSession implements EngineSession {
  readonly #session: EngineSession;
  readonly #graph: string;
  readonly #mapped: readonly ByteSource[];

  /** @param graph its name, for messages @param mapped the files that the session reads while it computes */
  constructor(session: EngineSession, graph: string, mapped: readonly ByteSource[]) {
    this.#session = session;
    this.#graph = graph;
    this.#mapped = mapped;
  }

  get ended(): boolean {
    return this.#session.ended === true;
  }

  /** Whether one of its files was written to. */
  get changed(): boolean {
    try {
      this.#expectUnchanged();
      return false;
    } catch {
      return true;
    }
  }

  /** @throws {ModelError} `model/changed`, `model/engine`, `model/engine-ended` @throws the signal's reason */
  async run(feeds: Feeds, options: CallOptions = {}): Promise<Record<string, Tensor>> {
    const outputs = await this.#call(options, () => this.#session.run(feeds, options));
    this.#expectUnchanged();
    return outputs;
  }

  /** @throws the same errors as `run` */
  async runRetaining(
    feeds: Feeds,
    retain: readonly string[],
    options: RunOptions = {},
  ): Promise<RetainedOutputs> {
    const outputs = await this.#call(options, () => this.#session.runRetaining(feeds, retain, options));
    try {
      this.#expectUnchanged();
    } catch (error) {
      this.#session.release(Object.values(outputs.retained));
      throw error;
    }
    return outputs;
  }

  release(tensors: readonly ResidentTensor[]): void {
    this.#session.release(tensors);
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  /** Calls `close`, for `await using`. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }

  #expectUnchanged(): void {
    for (const source of this.#mapped) source.expectUnchanged?.(true);
  }

  async #call<Outputs>({ signal }: RunOptions, call: () => Promise<Outputs>): Promise<Outputs> {
    signal?.throwIfAborted();
    this.#expectUnchanged();
    try {
      return await call();
    } catch (error) {
      if (error instanceof BlipError || signal?.aborted === true) throw error;
      throw engineFailed(this.#graph, error);
    }
  }
}
