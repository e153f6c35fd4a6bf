// Loads samples in several threads, one sample per thread at a time. It replaces a thread that dies and retries its
// sample once.
import { closedBy, revivedError, whenAborted } from "@blip-ts/base";
import type { SampleLoader, SampleRequest } from "../data/load-sample.ts";
import { closed, workerDied } from "../data/errors.ts";
import { noThreads } from "./errors.ts";
import type { ThreadReply, ThreadRequest } from "./messages.ts";

/** The loader's interface to a thread. */
export interface SampleThread {
  post(request: ThreadRequest): void;
  /** Keeps the process alive while a sample is loading. */
  keepAlive(busy: boolean): void;
  terminate(): Promise<void>;
}

export interface ThreadListener {
  message(reply: ThreadReply): void;
  /** Called when the thread has ended or is about to end. */
  died(detail: string): void;
}

export type StartSampleThread = (listener: ThreadListener) => SampleThread;

interface Task {
  readonly id: number;
  readonly request: SampleRequest;
  readonly signal: AbortSignal;
  readonly resolve: (values: Float32Array<ArrayBuffer>) => void;
  readonly reject: (reason: unknown) => void;
  deaths: number;
  /** Whether the caller no longer waits for the task. */
  dropped: boolean;
}

interface Slot {
  thread: SampleThread | undefined;
  task: Task | undefined;
  /** Called when the running task has ended. */
  idle: (() => void) | undefined;
}

/** The loader gives up after this many deaths per thread, if no thread has answered yet. */
const deathsPerThread = 3;

class ThreadLoader {
  readonly #start: StartSampleThread;
  readonly #slots: Slot[];
  readonly #queue: Task[] = [];
  readonly #signals = new WeakSet<AbortSignal>();
  #nextId = 0;
  #answered = false;
  #replaced = 0;
  #end: Error | undefined;

  constructor(start: StartSampleThread, threads: number) {
    this.#start = start;
    this.#slots = Array.from({ length: threads }, () => ({
      thread: undefined,
      task: undefined,
      idle: undefined,
    }));
  }

  get parallel(): number {
    return this.#slots.length;
  }

  get replaced(): number {
    return this.#replaced;
  }

  load(request: SampleRequest, signal: AbortSignal): Promise<Float32Array<ArrayBuffer>> {
    return new Promise((resolve, reject) => {
      if (this.#end !== undefined) throw this.#end;
      signal.throwIfAborted();
      this.#listenTo(signal);
      const id = this.#nextId++;
      this.#queue.push({ id, request, signal, resolve, reject, deaths: 0, dropped: false });
      this.#feed();
    });
  }

  async close(): Promise<void> {
    this.#finish(closed());
    await Promise.all(
      this.#slots.map(async (slot) => {
        // Do not terminate a thread in the middle of a native call.
        if (slot.task !== undefined) await new Promise<void>((resolve) => (slot.idle = resolve));
        const { thread } = slot;
        slot.thread = undefined;
        await thread?.terminate();
      }),
    );
  }

  /** Adds a single listener per signal, for any number of samples. */
  #listenTo(signal: AbortSignal): void {
    if (this.#signals.has(signal)) return;
    this.#signals.add(signal);
    whenAborted(signal, () => this.#drop((task) => task.signal === signal, signal.reason));
  }

  /** Rejects the tasks for which `condition` is true. */
  #drop(condition: (task: Task) => boolean, reason: unknown): void {
    for (const task of this.#queue.splice(0)) {
      if (condition(task)) task.reject(reason);
      else this.#queue.push(task);
    }
    for (const { task, thread } of this.#slots)
      if (task !== undefined && !task.dropped && condition(task)) {
        task.dropped = true;
        task.reject(reason);
        thread?.post({ kind: "cancel", id: task.id });
      }
  }

  #finish(error: Error): void {
    this.#end ??= error;
    this.#drop(() => true, this.#end);
  }

  /** Gives waiting samples to idle threads. */
  #feed(): void {
    for (const slot of this.#slots) {
      if (this.#end !== undefined) return;
      if (slot.task !== undefined) continue;
      const task = this.#queue.shift();
      if (task === undefined) return;
      slot.task = task;
      slot.thread ??= this.#newThread(slot);
      slot.thread.keepAlive(true);
      slot.thread.post({ kind: "load", id: task.id, request: task.request });
    }
  }

  #newThread(slot: Slot): SampleThread {
    const isCurrent = () => slot.thread === thread;
    const thread: SampleThread = this.#start({
      message: (reply) => {
        if (isCurrent()) this.#answer(slot, reply);
      },
      died: (detail) => {
        if (isCurrent()) this.#died(slot, detail);
      },
    });
    return thread;
  }

  #release(slot: Slot): Task | undefined {
    const { task } = slot;
    slot.task = undefined;
    slot.thread?.keepAlive(false);
    slot.idle?.();
    return task;
  }

  #answer(slot: Slot, reply: ThreadReply): void {
    if (slot.task?.id !== reply.id) return;
    this.#answered = true;
    const task = this.#release(slot);
    if (task !== undefined && !task.dropped) {
      if ("values" in reply) task.resolve(reply.values);
      else if ("bad" in reply) task.reject(revivedError(reply.bad));
      else task.reject(new Error(reply.fault));
    }
    this.#feed();
  }

  #died(slot: Slot, detail: string): void {
    slot.thread = undefined;
    this.#replaced++;
    const task = this.#release(slot);
    if (task !== undefined && !task.dropped) {
      if (++task.deaths < 2) this.#queue.unshift(task);
      else task.reject(workerDied(detail));
    }
    if (!this.#answered && this.#replaced >= deathsPerThread * this.#slots.length)
      this.#finish(noThreads(detail));
    this.#feed();
  }
}

/** Creates a loader with threads. @param threads at least 1; each thread starts on first use */
export function threadLoader(start: StartSampleThread, threads: number): SampleLoader {
  const loader = new ThreadLoader(start, threads);
  return {
    parallel: threads,
    get replaced() {
      return loader.replaced;
    },
    load: (request, signal) => loader.load(request, signal),
    ...closedBy(() => loader.close()),
  };
}
