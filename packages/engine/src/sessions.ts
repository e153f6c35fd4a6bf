// A loaded checkpoint: its architecture, its tensors, and the sessions made of its graphs when they are first needed.
import { asyncDispose, BlipError, type Closable, nextTurn } from "@blip-ts/base";
import { type EmitOptions, type Graph, optimize, type Pass } from "@blip-ts/graph";
import type { StoredTensor } from "@blip-ts/checkpoint";
import type { NetworkDType } from "./device.ts";
import type { Engine, EngineSession, SessionOptions } from "./engine.ts";
import { toEngineModel } from "./engine-model.ts";
import { engineRefused, modelClosed, isNotFinite } from "./errors.ts";
import { checkFiniteWeights } from "./finite-weights.ts";

/** How a session is loaded; those of one group can hand each other the outputs that they retain. */
type SessionForm = Pick<SessionOptions, "group" | "retain" | "prepack">;

/** What is being made, unless a check beside it fails: then it is closed when it is there. */
async function closedUnless<T extends Closable>(making: Promise<T>, check: Promise<void>): Promise<T> {
  // Whichever fails first is reported; the other's failure is nobody's.
  making.catch(() => undefined);
  try {
    await check;
  } catch (error) {
    making.then((made) => made.close()).catch(() => undefined);
    throw error;
  }
  return making;
}

export class Network implements Closable {
  /** The type in which it computes. */
  readonly dtype: NetworkDType;
  readonly #passes: NetworkTypes["passes"];
  readonly #tensors: ReadonlyMap<string, StoredTensor>;
  readonly #engine: Engine;
  readonly #emit: EmitOptions;
  /** Of weights of 8-bit graphs: whether they are finite. */
  readonly #finite = new Map<string, Promise<void>>();
  readonly #sessions = new Map<string, Promise<EngineSession>>();
  #closing: Promise<void> | undefined;

  /**
   * @param tensors as graphs of this type read them
   * @param emit how graphs are lowered for the engine's device
   */
  constructor(
    { dtype, passes }: NetworkTypes,
    tensors: ReadonlyMap<string, StoredTensor>,
    engine: Engine,
    emit: EmitOptions,
  ) {
    this.dtype = dtype;
    this.#passes = passes;
    this.#tensors = tensors;
    this.#engine = engine;
    this.#emit = emit;
  }

  /**
   * A graph's session, loaded when it is first asked for; `key` names it among this network's, `build` makes the graph.
   * @param form what it retains and hands to other sessions, and what its products are like
   * @throws {UsageError} `usage/disposed` @throws {ModelError} `model/engine`, `model/not-finite` where weights of 8 bits
   * are not finite, and where weights cannot be read
   */
  session(key: string, build: () => Graph, form: SessionForm = {}): Promise<EngineSession> {
    const known = this.#sessions.get(key);
    if (known) return known;
    const made = this.#load(build, form);
    this.#sessions.set(key, made);
    // What failed is not kept: the next call tries again and reports its own failure. Numbers do not become finite.
    made.catch((error: unknown) => isNotFinite(error) || this.#sessions.delete(key));
    return made;
  }

  async #load(build: () => Graph, form: SessionForm): Promise<EngineSession> {
    // Building, optimizing and emitting take 5 to 25 ms each at full size: the event loop gets its turn in between.
    await nextTurn();
    const graph = build();
    await nextTurn();
    const optimized = optimize(graph, this.#passes);
    await nextTurn();
    const read = new Map<string, Uint8Array<ArrayBuffer>>();
    const model = await toEngineModel(optimized, this.#tensors, this.#emit, (name, bytes) =>
      read.set(name, bytes),
    );
    // Nobody would end the thread of a session that is made from now on.
    if (this.#closing) throw modelClosed();
    // Whole numbers are always packed: their products need sums of columns.
    const prepack = form.prepack !== false || this.dtype !== "fp32";
    const create = () =>
      this.#engine.createSession(model, { ...form, prepack, name: graph.name }).catch((error: unknown) => {
        throw error instanceof BlipError ? error : engineRefused(graph.name, error);
      });
    if (this.dtype !== "int8") return create();
    // Both at once: what is in files is read while the engine's thread makes the session.
    const check = checkFiniteWeights(optimized, this.#tensors, read, this.#finite);
    return closedUnless(create(), check);
  }

  /** Frees the model. A second call does nothing more; other calls are refused from now on (`usage/disposed`). */
  close(): Promise<void> {
    this.#sessions.clear();
    this.#closing ??= this.#engine.close();
    return this.#closing;
  }

  /** Calls `close`, for `await using`. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** How a network's graphs and weights are typed. */
export interface NetworkTypes {
  readonly dtype: NetworkDType;
  readonly passes: readonly Pass[];
}
