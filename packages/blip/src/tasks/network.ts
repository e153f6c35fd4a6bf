// A loaded checkpoint: its architecture, its tensors, and the sessions made of its graphs when they are first needed.
import { optimize, type Graph, type Tensor } from "@blip-ts/graph";
import type { StoredTensor } from "../checkpoint/stored-tensor.ts";
import { BlipError } from "../errors.ts";
import type { BlipConfig } from "../model/config.ts";
import type { NetworkDType } from "../platform.ts";
import { nextTurn } from "../runtime/next-turn.ts";
import type { Engine, EngineSession, RunOptions } from "../runtime/runtime.ts";
import { toEngineModel } from "./engine-model.ts";
import { engineRefused } from "./errors.ts";
import type { NetworkTypes } from "./network-dtype.ts";

export class Network implements AsyncDisposable {
  readonly config: BlipConfig;
  /** The type in which it computes. */
  readonly dtype: NetworkDType;
  readonly #passes: NetworkTypes["passes"];
  readonly #tensors: ReadonlyMap<string, StoredTensor>;
  readonly #engine: Engine;
  readonly #sessions = new Map<string, Promise<EngineSession>>();

  /** @param tensors as graphs of this type read them */
  constructor(
    config: BlipConfig,
    { dtype, passes }: NetworkTypes,
    tensors: ReadonlyMap<string, StoredTensor>,
    engine: Engine,
  ) {
    this.config = config;
    this.dtype = dtype;
    this.#passes = passes;
    this.#tensors = tensors;
    this.#engine = engine;
  }

  /** Runs a graph; `key` names it among this network's sessions, and `build` makes it the first time. */
  async run(
    key: string,
    build: () => Graph,
    feeds: Readonly<Record<string, Tensor>>,
    options: RunOptions = {},
  ): Promise<Record<string, Tensor>> {
    options.signal?.throwIfAborted();
    const session = await this.session(key, build);
    return session.run(feeds, options);
  }

  /**
   * Loads a graph's session without running it.
   * @param group sessions of one group can hand resident tensors to each other
   */
  session(key: string, build: () => Graph, group?: string): Promise<EngineSession> {
    const known = this.#sessions.get(key);
    if (known) return known;
    const made = this.#load(build, group);
    this.#sessions.set(key, made);
    // What failed is not kept: the next call tries again and reports its own failure.
    made.catch(() => this.#sessions.delete(key));
    return made;
  }

  async #load(build: () => Graph, group: string | undefined): Promise<EngineSession> {
    // Building, optimizing and emitting take 5 to 25 ms each at full size: the event loop gets its turn in between.
    await nextTurn();
    const graph = build();
    await nextTurn();
    const optimized = optimize(graph, this.#passes);
    await nextTurn();
    const model = await toEngineModel(optimized, this.#tensors);
    return this.#engine.createSession(model, { group }).catch((error: unknown) => {
      throw error instanceof BlipError ? error : engineRefused(graph.name, error);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sessions.clear();
    await this.#engine[Symbol.asyncDispose]();
  }
}
