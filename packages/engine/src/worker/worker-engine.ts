// ONNX Runtime in worker threads, so that the caller's event loop never waits for a matrix product. Node or a page
// supplies the thread, which runs `session-host.ts`.
import { asyncDispose, BlipError, closing, revivedError, unlessAborted, whenAborted } from "@blip-ts/base";
import type { Tensor } from "@blip-ts/graph";
import type { Int8Trial, LendSession } from "../int8-trial.ts";
import type {
  CallOptions,
  Engine,
  EngineModel,
  EngineSession,
  Feeds,
  RetainedOutputs,
  ResidentTensor,
  RunOptions,
  SessionOptions,
} from "../engine.ts";
import { engineEnded, modelClosed } from "../errors.ts";
import type { WorkerOutputs, WorkerReply, WorkerRequest } from "./messages.ts";

export interface WorkerEngineOptions {
  /** The threads of ONNX Runtime. Default: one per core. */
  readonly threads?: number | undefined;
  /**
   * ONNX Runtime's session configuration entries without their `session.` prefix, e.g. `{ dynamic_block_base: "4" }`.
   */
  readonly sessionConfig?: Readonly<Record<string, string>>;
  /** The number of threads started at once, while the caller still reads the first sessions' files. */
  readonly waitingThreads?: number | undefined;
  /** The entries of sessions whose weights are not packed. */
  readonly withoutPrepacking?: Readonly<Record<string, string>>;
  /**
   * Gives the entries of sessions with 8-bit products. Without it, such sessions have no special entries and no trial
   * runs.
   */
  readonly int8Trial?: Int8Trial | undefined;
  /** Returns the path prefix of a session's trace, if one is to be written. Called once per session. */
  readonly profilePrefix?: ((session: string) => string) | undefined;
}

/** The owner's side of a thread. */
export interface EngineThreadPort {
  /** Sends a request. @param taken memory to transfer to the thread instead of copying it */
  post(request: WorkerRequest, taken: readonly ArrayBuffer[]): void;
  terminate(): Promise<void>;
  /** Keeps the process alive only while a call is pending. Web pages lack this method. */
  keepAlive?(pending: boolean): void;
}

export interface EngineThreadListener {
  message(reply: WorkerReply): void;
  /** The thread has ended. */
  failure(error: Error): void;
}

/** Starts a thread. */
export type StartThread = (listener: EngineThreadListener) => EngineThreadPort;

interface Pending {
  resolve(outputs: WorkerOutputs): void;
  reject(error: unknown): void;
}

type RequestBody = WorkerRequest extends infer R ? (R extends WorkerRequest ? Omit<R, "id"> : never) : never;

/** A thread with its sessions and the tensors that they retain for each other. */
class EngineThread {
  readonly #port: EngineThreadPort;
  readonly #pending = new Map<number, Pending>();
  #failure: BlipError | undefined;
  #nextId = 0;
  #nextSession = 0;
  #open = 0;

  constructor(start: StartThread) {
    this.#port = start({
      message: (reply) => {
        const settled = this.#settle(reply.id, (pending) => {
          if (reply.error === undefined) pending.resolve(reply.outputs ?? { tensors: {}, retained: {} });
          else pending.reject(reply.known ? revivedError(reply.known) : new Error(reply.error));
        });
        // The caller's signal was aborted during the computation, so nobody will release the retained outputs.
        if (!settled) this.free(Object.values(reply.outputs?.retained ?? {}));
      },
      failure: (error) => this.#fail(error instanceof BlipError ? error : engineEnded(error.message)),
    });
  }

  /** Whether the thread can open no more sessions. */
  get ended(): boolean {
    return this.#failure !== undefined;
  }

  /** The number of a new session in this thread. */
  claim(): number {
    this.#open++;
    return this.#nextSession++;
  }

  async call(
    body: RequestBody,
    { signal }: RunOptions,
    taken: readonly ArrayBuffer[] = [],
  ): Promise<WorkerOutputs> {
    signal?.throwIfAborted();
    if (this.#failure) throw this.#failure;
    const id = this.#nextId++;
    const reply = new Promise<WorkerOutputs>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
    });
    const abort = () => this.#settle(id, (pending) => pending.reject(signal?.reason));
    const forget = whenAborted(signal, abort);
    if (this.#pending.size === 1) this.#port.keepAlive?.(true);
    this.#port.post({ id, ...body } satisfies WorkerRequest, taken);
    try {
      return await reply;
    } finally {
      forget();
    }
  }

  free(tensors: readonly ResidentTensor[]): void {
    if (this.#failure || tensors.length === 0) return;
    const numbers = tensors.map(({ resident }) => resident);
    const request = { id: this.#nextId++, session: -1, kind: "free", tensors: numbers } as const;
    this.#port.post(request satisfies WorkerRequest, []);
  }

  /** Ends a thread in which no session was opened. */
  async end(): Promise<void> {
    this.#failure ??= modelClosed();
    await this.#port.terminate();
  }

  /** Frees a session's memory. Closing the last session ends the thread. */
  async close(session: number): Promise<void> {
    // If the thread ends in the meantime, the memory is already free.
    if (!this.#failure) await this.call({ session, kind: "release" }, {}).catch(() => undefined);
    if (--this.#open > 0) return;
    this.#failure ??= modelClosed();
    await this.#port.terminate();
  }

  #settle(id: number, act: (pending: Pending) => void): boolean {
    const pending = this.#pending.get(id);
    if (!pending) return false;
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#port.keepAlive?.(false);
    act(pending);
    return true;
  }

  #fail(error: BlipError): void {
    this.#failure ??= error;
    for (const id of [...this.#pending.keys()]) this.#settle(id, (pending) => pending.reject(this.#failure));
  }
}

/** A session. Without a group, it has its own thread: two sessions that are needed at once load in parallel. */
class WorkerSession implements EngineSession {
  readonly #thread: EngineThread;
  readonly #number: number;
  #closed = false;

  constructor(thread: EngineThread) {
    this.#thread = thread;
    this.#number = thread.claim();
  }

  get ended(): boolean {
    return this.#thread.ended;
  }

  async create(
    model: EngineModel,
    { threads, sessionConfig: every = {}, withoutPrepacking, profilePrefix }: WorkerEngineOptions,
    options: SessionOptions,
  ) {
    const { name = "session", retain = [], prepack = true } = options;
    const sessionConfig = prepack ? every : { ...every, ...withoutPrepacking };
    const prefix = profilePrefix?.(name);
    await this.#call(
      { kind: "create", model, threads, sessionConfig, retain, profilePrefix: prefix },
      options,
    );
  }

  async run(feeds: Feeds, { transfer = [], ...options }: CallOptions = {}): Promise<Record<string, Tensor>> {
    const taken = transfer.flatMap((name) => bufferOf(feeds[name]));
    return (await this.#call({ kind: "run", feeds, retain: [] }, options, taken)).tensors;
  }

  runRetaining(feeds: Feeds, retain: readonly string[], options: RunOptions = {}): Promise<RetainedOutputs> {
    return this.#call({ kind: "run", feeds, retain }, options);
  }

  release(tensors: readonly ResidentTensor[]): void {
    this.#thread.free(tensors);
  }

  /** Waits for the running call, then frees the session's memory. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#thread.close(this.#number);
  }

  /** Calls `close`, for `await using`. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }

  #call(
    body: RequestBody extends infer R ? (R extends RequestBody ? Omit<R, "session"> : never) : never,
    options: RunOptions,
    taken: readonly ArrayBuffer[] = [],
  ): Promise<WorkerOutputs> {
    return this.#thread.call({ session: this.#number, ...body }, options, taken);
  }
}

/** The buffer of a tensor that does not share it. Shared buffers are copied. */
function bufferOf(feed: Feeds[string] | undefined): ArrayBuffer[] {
  if (!feed || !("data" in feed)) return [];
  const { buffer, byteLength } = feed.data;
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [];
}

/** One thread for all sessions of all engines that share it: a device fails if two threads use it at once. */
export class SharedThread {
  readonly #start: StartThread;
  #thread: EngineThread | undefined;

  constructor(start: StartThread) {
    this.#start = start;
  }

  /** The current thread; a new one if the last session of the previous thread was closed. */
  get(): EngineThread {
    if (!this.#thread || this.#thread.ended) this.#thread = new EngineThread(this.#start);
    return this.#thread;
  }
}

class WorkerEngine implements Engine {
  readonly #threads: StartThread | SharedThread;
  readonly #options: WorkerEngineOptions;
  /** Threads started in advance for the first sessions. */
  readonly #waiting: EngineThread[];
  readonly #sessions = new Set<WorkerSession>();
  readonly #groups = new Map<string, EngineThread>();

  constructor(threads: StartThread | SharedThread, options: WorkerEngineOptions) {
    this.#threads = threads;
    this.#options = options;
    const { waitingThreads = 0 } = options;
    this.#waiting =
      threads instanceof SharedThread
        ? []
        : Array.from({ length: waitingThreads }, () => new EngineThread(threads));
  }

  async createSession(model: EngineModel, options: SessionOptions = {}): Promise<EngineSession> {
    for (const session of this.#sessions) if (session.ended) this.#sessions.delete(session);
    const thread = this.#thread(options.group);
    const session = new WorkerSession(thread);
    this.#sessions.add(session);
    const { int8Trial, sessionConfig } = this.#options;
    if (model.signedProducts !== true || !int8Trial) {
      await session.create(model, this.#options, options);
      return session;
    }
    const own = await unlessAborted(int8Trial.config(this.#lender(thread)), options.signal);
    await session.create(model, { ...this.#options, sessionConfig: { ...own, ...sessionConfig } }, options);
    return session;
  }

  /** Lends sessions in a thread without a trace, since they do not belong to the model. */
  #lender(thread: EngineThread): LendSession {
    const { sessionConfig } = this.#options;
    return (model, config, use) =>
      closing(new WorkerSession(thread), async (session) => {
        await session.create(model, { threads: 1, sessionConfig: { ...sessionConfig, ...config } }, {});
        return use(session);
      });
  }

  #thread(group: string | undefined): EngineThread {
    const threads = this.#threads;
    if (threads instanceof SharedThread) return threads.get();
    const next = (): EngineThread => {
      const waiting = this.#waiting.shift();
      return waiting?.ended === true ? next() : (waiting ?? new EngineThread(threads));
    };
    if (group === undefined) return next();
    const known = this.#groups.get(group);
    const thread = known?.ended === false ? known : next();
    this.#groups.set(group, thread);
    return thread;
  }

  /** Ends the threads, each after its running call. */
  async close(): Promise<void> {
    const unused = this.#waiting.splice(0).map((thread) => thread.end());
    await Promise.all([...unused, ...[...this.#sessions].map((session) => session.close())]);
    this.#sessions.clear();
    this.#groups.clear();
  }

  /** Calls `close`, for `await using`. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Makes an engine that runs ONNX Runtime in its own threads, or in one thread shared by engines. */
export function createWorkerEngine(
  threads: StartThread | SharedThread,
  options: WorkerEngineOptions = {},
): Engine {
  return new WorkerEngine(threads, options);
}
