// A loaded checkpoint: its architecture, its tensors, and the sessions made of its graphs when they are first needed.
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

/** How a session is loaded; those of one group can hand each other the outputs that they retain. */
type SessionForm = Pick<SessionOptions, "group" | "retain" | "prepack">;

/** @throws {ModelError} `model/changed` */
function expectUnchanged(files: readonly ByteSource[]): void {
  for (const file of files) file.expectUnchanged?.();
}

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
  readonly #renew: (() => Promise<Tensors>) | undefined;
  #tensors: Tensors;
  readonly #engine: Engine;
  readonly #emit: EmitOptions;
  /** Of weights of 8-bit graphs: whether they are finite. */
  readonly #finite = new Map<string, Promise<void>>();
  readonly #sessions = new Map<string, Promise<GuardedSession>>();
  /** Those that are loaded. */
  readonly #loaded = new Map<string, GuardedSession>();
  #closing: Promise<void> | undefined;

  /**
   * @param tensors as graphs of this type read them
   * @param emit how graphs are lowered for the engine's device
   * @param renew makes tensors anew whose files were made of others, and are gone or changed
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
   * A graph's session, loaded when it is first asked for; `key` names it among this network's, `build` makes the graph.
   * @param form what it retains and hands to other sessions, and what its products are like
   * @throws {UsageError} `usage/disposed` @throws {ModelError} `model/engine`, `model/not-finite` where weights of 8 bits
   * are not finite, `model/changed` where a file is not what it was, and where weights cannot be read
   */
  session(key: string, build: () => Graph, form: SessionForm = {}): Promise<EngineSession> {
    const known = this.#sessions.get(key);
    if (known && !this.#isOver(key)) return known;
    this.#forget(key);
    const made = this.#load(build, form);
    this.#sessions.set(key, made);
    made.then(
      (session) => this.#sessions.get(key) === made && this.#loaded.set(key, session),
      // What failed is not kept: the next call tries again and reports its own failure. Numbers do not become finite.
      (error: unknown) => isNotFinite(error) || this.#sessions.delete(key),
    );
    return made;
  }

  /** Is a session to be made anew: as its thread is gone, or as the weights that it maps were damaged and can be renewed? */
  #isOver(key: string): boolean {
    const loaded = this.#loaded.get(key);
    return loaded?.ended === true || (this.#renew !== undefined && loaded?.changed === true);
  }

  /** Lets go of such a session. */
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
    // Building, optimizing and emitting take 5 to 25 ms each at full size: the event loop gets its turn in between.
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
    // Nobody would end the thread of a session that is made from now on.
    if (this.#closing) throw modelClosed();
    // Whole numbers are always packed: their products need sums of columns.
    const prepack = form.prepack !== false || this.dtype !== "fp32";
    const create = async () => {
      const options = { ...form, prepack, name: graph.name };
      const session = await this.#engine.createSession(model, options).catch((error: unknown) => {
        // What became of the file says more than what the engine found in it.
        expectUnchanged(files);
        throw error instanceof BlipError ? error : engineRefused(graph.name, error);
      });
      return orClosed(session, () => {
        // It may have been replaced while the session was made.
        expectUnchanged(files);
        return Promise.resolve(
          new GuardedSession(session, graph.name, model.folder === undefined ? [] : files),
        );
      });
    };
    if (this.dtype !== "int8") return create();
    // Both at once: what is in files is read while the engine's thread makes the session.
    const check = checkFiniteWeights(graph, this.#tensors, read, this.#finite);
    return closedUnless(create(), check);
  }

  /** Frees the model. A second call does nothing more; other calls are refused from now on (`usage/disposed`). */
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

/** How a network's graphs and weights are typed. */
export interface NetworkTypes {
  readonly dtype: NetworkDType;
  readonly passes: readonly Pass[];
}
