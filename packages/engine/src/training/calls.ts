// Calls to a training thread, as promises.
import { revivedError } from "@blip-ts/base";
import type {
  TrainingCalls,
  TrainingFailure,
  TrainingKind,
  TrainingReply,
  TrainingRequest,
} from "./messages.ts";
import { sessionClosed } from "./errors.ts";

/** The owner's side of a thread. */
export interface TrainingPort {
  /** Sends a request. @param taken memory to transfer to the thread instead of copying it */
  post(request: TrainingRequest, taken: readonly ArrayBuffer[]): void;
  terminate(): Promise<void>;
  /** Keeps the process alive only while a call is pending. Web pages lack this method. */
  keepAlive?(pending: boolean): void;
}

export interface TrainingListener {
  message(reply: TrainingReply): void;
  /** The thread has ended. */
  failure(error: Error): void;
}

/** Starts a thread that runs `worker/training-host.ts`. */
export type StartTraining = (listener: TrainingListener) => TrainingPort;

interface Pending {
  resolve(result: TrainingReply["result"]): void;
  reject(error: unknown): void;
}

/** Restores the thread's own errors; messages of ONNX Runtime become plain errors. */
const errorOf = ({ message, known }: TrainingFailure): Error =>
  known ? revivedError(known) : new Error(message);

export class TrainingThread {
  readonly #port: TrainingPort;
  readonly #pending = new Map<number, Pending>();
  #failure: Error | undefined;
  #nextId = 0;

  constructor(start: StartTraining) {
    this.#port = start({
      message: ({ id, result, failure }) =>
        this.#settle(id, (pending) => (failure ? pending.reject(errorOf(failure)) : pending.resolve(result))),
      failure: (error) => {
        this.#failure ??= error;
        for (const id of [...this.#pending.keys()])
          this.#settle(id, (pending) => pending.reject(this.#failure));
      },
    });
  }

  async call<K extends TrainingKind>(
    kind: K,
    body: TrainingCalls[K]["request"],
    taken: readonly ArrayBuffer[] = [],
  ): Promise<TrainingCalls[K]["result"]> {
    if (this.#failure) throw this.#failure;
    const id = this.#nextId++;
    const reply = new Promise<TrainingReply["result"]>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
    });
    if (this.#pending.size === 1) this.#port.keepAlive?.(true);
    this.#port.post({ id, kind, body } as TrainingRequest, taken);
    return reply;
  }

  async end(): Promise<void> {
    this.#failure ??= sessionClosed();
    await this.#port.terminate();
  }

  #settle(id: number, act: (pending: Pending) => void): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#port.keepAlive?.(false);
    act(pending);
  }
}
