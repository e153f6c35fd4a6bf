// ONNX Runtime in worker threads, so that a caller's event loop never waits for a matrix product.
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { Tensor } from "@blip-ts/graph";
import type { Engine, EngineModel, EngineSession, RunOptions } from "../../runtime/runtime.ts";
import type { WorkerReply, WorkerRequest } from "./worker-messages.ts";

export interface WorkerEngineOptions {
  /** Threads of ONNX Runtime; without it, one for each core. */
  readonly threads?: number | undefined;
  /** ONNX Runtime's session configuration entries, e.g. `{ "session.disable_prepacking": "1" }`. */
  readonly sessionConfig?: Readonly<Record<string, string>>;
}

interface Pending {
  resolve(outputs: Record<string, Tensor>): void;
  reject(error: unknown): void;
}

type RequestBody = WorkerRequest extends infer R ? (R extends WorkerRequest ? Omit<R, "id"> : never) : never;

/** The worker's file stands beside this one when built; from the sources it is the built one. */
function workerFile(): URL {
  const here = import.meta.url;
  return new URL(here.endsWith(".ts") ? "../../../dist/session-worker.js" : "./session-worker.js", here);
}

/** One session in a thread of its own: two that are needed at once load side by side. */
class WorkerSession implements EngineSession {
  readonly #worker = new Worker(fileURLToPath(workerFile()));
  readonly #pending = new Map<number, Pending>();
  #failure: Error | undefined;
  #nextId = 0;

  constructor() {
    // An idle session does not keep the process alive; a pending call does.
    this.#worker.unref();
    this.#worker.on("message", (reply: WorkerReply) => {
      this.#settle(reply.id, (pending) => {
        if (reply.error === undefined) pending.resolve(reply.outputs ?? {});
        else pending.reject(new Error(reply.error));
      });
    });
    this.#worker.on("error", (error: unknown) =>
      this.#fail(error instanceof Error ? error : new Error(String(error))),
    );
    this.#worker.on("exit", (code) => this.#fail(new Error(`the engine's thread ended (exit code ${code})`)));
  }

  async create(
    model: EngineModel,
    { threads, sessionConfig = {} }: WorkerEngineOptions,
    options: RunOptions,
  ) {
    await this.#call({ kind: "create", model, threads, sessionConfig }, options);
  }

  run(feeds: Readonly<Record<string, Tensor>>, options: RunOptions = {}): Promise<Record<string, Tensor>> {
    return this.#call({ kind: "run", feeds }, options);
  }

  /** Waits for the call that runs, frees the session's memory and ends its thread. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#failure) await this.#call({ kind: "release" }, {});
    this.#failure ??= new Error("the session is closed");
    await this.#worker.terminate();
  }

  async #call(body: RequestBody, { signal }: RunOptions): Promise<Record<string, Tensor>> {
    signal?.throwIfAborted();
    if (this.#failure) throw this.#failure;
    const id = this.#nextId++;
    const reply = new Promise<Record<string, Tensor>>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
    });
    const abort = () => this.#settle(id, (pending) => pending.reject(signal?.reason));
    signal?.addEventListener("abort", abort, { once: true });
    if (this.#pending.size === 1) this.#worker.ref();
    this.#worker.postMessage({ id, ...body } satisfies WorkerRequest);
    try {
      return await reply;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  #settle(id: number, act: (pending: Pending) => void): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#worker.unref();
    act(pending);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const id of [...this.#pending.keys()]) this.#settle(id, (pending) => pending.reject(this.#failure));
  }
}

class WorkerEngine implements Engine {
  readonly #options: WorkerEngineOptions;
  readonly #sessions = new Set<WorkerSession>();

  constructor(options: WorkerEngineOptions) {
    this.#options = options;
  }

  async createSession(model: EngineModel, options: RunOptions = {}): Promise<EngineSession> {
    const session = new WorkerSession();
    this.#sessions.add(session);
    await session.create(model, this.#options, options);
    return session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => session[Symbol.asyncDispose]()));
    this.#sessions.clear();
  }
}

/** ONNX Runtime on the CPU, each session in a thread of its own. */
export function createWorkerEngine(options: WorkerEngineOptions = {}): Engine {
  return new WorkerEngine(options);
}
