// A loaded checkpoint: its tensors, and the sessions of its graphs, which are made at first use.
import { asyncDispose, BlipError, type ByteSource, type Closable, nextTurn, orClosed } from "@blip-ts/base";
import { type EmitOptions, type Graph, optimize, type Pass } from "@blip-ts/graph";
import type { StoredTensor } from "@blip-ts/checkpoint";
import type { NetworkDType } from "./device.ts";
import type { Engine, EngineSession, SessionOptions } from "./engine.ts";
import { toEngineModel } from "./engine-model.ts";
import { engineRefused, isChanged, isNotFinite, modelClosed } from "./errors.ts";
import { checkFiniteWeights } from "./finite-weights.ts";
import { GuardedSession } from "./guarded-session.ts";

type Tensors = ReadonlyMap<string, StoredTensor>;

/** Options for loading a session. Sessions of one group can pass each other the outputs that they retain. */
type SessionForm = Pick<SessionOptions, "group" | "retain" | "prepack">;

/** @throws {ModelError} `model/changed` */
function expectUnchanged(files: readonly ByteSource[]): void {
  for (const file of files) file.expectUnchanged?.();
}

/** The object being made, unless a parallel check fails. Then the object is closed once it exists. */
async function closedUnless<T extends Closable>(making: Promise<T>, check: Promise<void>): Promise<T> {
  // The first failure is reported; the other one is dropped.
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
  /** The type in which the network computes. */
  readonly dtype: NetworkDType;
  readonly #passes: NetworkTypes["passes"];
  readonly #renew: (() => Promise<Tensors>) | undefined;
  #tensors: Tensors;
  readonly #engine: Engine;
  readonly #emit: EmitOptions;
  /** The checks for finite weights in 8-bit graphs, by weight. */
  readonly #finite = new Map<string, Promise<void>>();
  readonly #sessions = new Map<string, Promise<GuardedSession>>();
  /** The sessions that have finished loading. */
  readonly #loaded = new Map<string, GuardedSession>();
  #closing: Promise<void> | undefined;

  /**
   * @param tensors as graphs of this type read them
   * @param emit options for lowering graphs for the engine's device
   * @param renew makes converted tensors again when their files are gone or changed
   */
  constructor(
    { dtype, passes }: NetworkTypes,
    tensors: Tensors,
    engine: Engine,
    emit: EmitOptions,
    renew?: () => Promise<Tensors>,
  ) {
    this.dtype = dtype;
    this.#renew = renew;
    this.#passes = passes;
    this.#tensors = tensors;
    this.#engine = engine;
    this.#emit = emit;
  }

  /**
   * A graph's session, loaded at first use.
   * @param key the session's name within this network
   * @param build makes the graph
   * @param form the outputs to retain, the group, and whether to pack weights
   * @throws {UsageError} `usage/disposed` @throws {ModelError} `model/engine`; `model/not-finite` if weights of an
   * 8-bit network are not finite; `model/changed` if a file has changed; also if weights cannot be read
   */
  session(key: string, build: () => Graph, form: SessionForm = {}): Promise<EngineSession> {
    const known = this.#sessions.get(key);
    if (known && !this.#isOver(key)) return known;
    this.#forget(key);
    const made = this.#load(build, form);
    this.#sessions.set(key, made);
    made.then(
      (session) => this.#sessions.get(key) === made && this.#loaded.set(key, session),
      // A failed session is not kept: the next call tries again and reports its own failure. Non-finite weights are
      // kept as failures, because they do not become finite.
      (error: unknown) => isNotFinite(error) || this.#sessions.delete(key),
    );
    return made;
  }

  /**
   * Whether a session must be made again: its thread has ended, or its mapped weights were damaged and can be renewed.
   */
  #isOver(key: string): boolean {
    const loaded = this.#loaded.get(key);
    return loaded?.ended === true || (this.#renew !== undefined && loaded?.changed === true);
  }

  /** Drops such a session. */
  #forget(key: string): void {
    const ended = this.#loaded.get(key);
    this.#loaded.delete(key);
    ended?.close().catch(() => undefined);
  }

  /** The files of a graph's weights. */
  #filesOf(graph: Graph): readonly ByteSource[] {
    return [...new Set(graph.weights.flatMap(({ name }) => this.#tensors.get(name)?.source ?? []))];
  }

  async #load(build: () => Graph, form: SessionForm): Promise<GuardedSession> {
    // Building, optimizing and emitting take 5 to 25 ms each at full size, so the event loop gets a turn in between.
    await nextTurn();
    const graph = build();
    await nextTurn();
    const optimized = optimize(graph, this.#passes);
    await nextTurn();
    try {
      return await this.#make(optimized, form);
    } catch (error) {
      if (!isChanged(error) || !this.#renew) throw error;
      this.#tensors = await this.#renew();
      return this.#make(optimized, form);
    }
  }

  async #make(graph: Graph, form: SessionForm): Promise<GuardedSession> {
    const files = this.#filesOf(graph);
    expectUnchanged(files);
    const read = new Map<string, Uint8Array<ArrayBuffer>>();
    const model = await toEngineModel(graph, this.#tensors, this.#emit, (name, bytes) =>
      read.set(name, bytes),
    );
    // Nothing would end the thread of a session made after this point.
    if (this.#closing) throw modelClosed();
    // Integers are always packed: their products need sums of columns.
    const prepack = form.prepack !== false || this.dtype !== "fp32";
    const create = async () => {
      const options = { ...form, prepack, name: graph.name };
      const session = await this.#engine.createSession(model, options).catch((error: unknown) => {
        // A changed file explains the failure better than the engine's error.
        expectUnchanged(files);
        throw error instanceof BlipError ? error : engineRefused(graph.name, error);
      });
      return orClosed(session, () => {
        // The file may have been replaced while the session was made.
        expectUnchanged(files);
        return Promise.resolve(
          new GuardedSession(session, graph.name, model.folder === undefined ? [] : files),
        );
      });
    };
    if (this.dtype !== "int8") return create();
    // Both run in parallel: files are read while the engine's thread makes the session.
    const check = checkFiniteWeights(graph, this.#tensors, read, this.#finite);
    return closedUnless(create(), check);
  }

  /** Frees the model. Further calls of `close` do nothing; all other calls are refused (`usage/disposed`). */
  close(): Promise<void> {
    this.#sessions.clear();
    this.#loaded.clear();
    this.#closing ??= this.#engine.close();
    return this.#closing;
  }

  /** Calls `close`, for `await using`. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The types of a network's graphs and weights. */
export interface NetworkTypes {
  readonly dtype: NetworkDType;
  readonly passes: readonly Pass[];
}
