// A loaded checkpoint: its architecture, its tensors, and the sessions made of its graphs when they are first needed.
import { optimize, type EmitOptions, type Graph, type Tensor } from "@blip-ts/graph";
import type { StoredTensor } from "../checkpoint/stored-tensor.ts";
import { BlipError } from "../errors.ts";
import type { BlipConfig } from "../model/config.ts";
import { nextTurn } from "../runtime/next-turn.ts";
import type { Engine, EngineSession, RunOptions, SessionOptions } from "../runtime/runtime.ts";
import { toEngineModel } from "./engine-model.ts";
import { engineRefused } from "./errors.ts";

/** Sessions of one group can hand each other the outputs that they keep. */
type Sharing = Pick<SessionOptions, "group" | "keep">;

export class Network implements AsyncDisposable {
  readonly config: BlipConfig;
  readonly #tensors: ReadonlyMap<string, StoredTensor>;
  readonly #engine: Engine;
  readonly #emit: EmitOptions;
  readonly #sessions = new Map<string, Promise<EngineSession>>();

  /** @param emit how graphs are lowered for the engine's device */
  constructor(
    config: BlipConfig,
    tensors: ReadonlyMap<string, StoredTensor>,
    engine: Engine,
    emit: EmitOptions,
  ) {
    this.config = config;
    this.#tensors = tensors;
    this.#engine = engine;
    this.#emit = emit;
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
   * @param sharing what it keeps and hands to other sessions
   */
  session(key: string, build: () => Graph, sharing: Sharing = {}): Promise<EngineSession> {
    const known = this.#sessions.get(key);
    if (known) return known;
    const made = this.#load(build, sharing);
    this.#sessions.set(key, made);
    // What failed is not kept: the next call tries again and reports its own failure.
    made.catch(() => this.#sessions.delete(key));
    return made;
  }

  async #load(build: () => Graph, sharing: Sharing): Promise<EngineSession> {
    // Building, optimizing and emitting take 5 to 25 ms each at full size: the event loop gets its turn in between.
    await nextTurn();
    const graph = build();
    await nextTurn();
    const optimized = optimize(graph);
    await nextTurn();
    const model = await toEngineModel(optimized, this.#tensors, this.#emit);
    return this.#engine.createSession(model, { ...sharing, name: graph.name }).catch((error: unknown) => {
      throw error instanceof BlipError ? error : engineRefused(graph.name, error);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sessions.clear();
    await this.#engine[Symbol.asyncDispose]();
  }
}
