// Requests of many callers, run in batches: those that are ready within a few milliseconds and go together, as many as
// fit, callers in turn. The queue is bounded, and each request can be taken back.
import {
  type Closable,
  asyncDispose,
  badOption,
  expectOptions,
  optionNames,
  whenAborted,
} from "@blip-ts/base";
import { FairQueue } from "./fair-queue.ts";
import { batcherClosed, queueFull } from "./errors.ts";

/** How long requests wait for others, and how many may wait. */
export interface BatcherOptions {
  /** Milliseconds for which the first request waits for others: 5. While a batch runs, requests gather anyway. */
  readonly window?: number | undefined;
  /** Requests that run together at most: 8. */
  readonly maxBatch?: number | undefined;
  /** Requests that wait at most: 256. */
  readonly maxQueue?: number | undefined;
  /** Called as a batch begins. */
  readonly onBatch?: ((batch: BatchStart) => void) | undefined;
}

export const batcherOptionNames = optionNames<BatcherOptions>()({
  window: true,
  maxBatch: true,
  maxQueue: true,
  onBatch: true,
});

/** A batch that begins. */
export interface BatchStart {
  /** What its requests have in common. */
  readonly group: string;
  /** Requests of the batch. */
  readonly requests: number;
  /** Requests that go on waiting. */
  readonly waiting: number;
}

/** How one request waits. */
export interface RequestOptions {
  /** Takes the request back: it rejects at once. A batch that runs goes on for the others. */
  readonly signal?: AbortSignal | undefined;
  /** Who asks: callers take turns, and each one's requests of a kind keep their order. Without it, all are one caller. */
  readonly caller?: string | undefined;
  /** Where the queue is full: `reject` (unless told), or `wait` for room. */
  readonly whenFull?: "reject" | "wait" | undefined;
}

export const requestOptionNames = optionNames<RequestOptions>()({
  signal: true,
  caller: true,
  whenFull: true,
});

/** What became of one request of a batch. */
export type Outcome<Result> = { readonly value: Result } | { readonly error: unknown };

/**
 * Runs requests of one group together.
 * @param signal aborts when nobody waits for any of them
 * @returns an outcome for each, in order; what it throws is the outcome of all
 */
export type RunBatch<Request, Result> = (
  requests: readonly Request[],
  group: string,
  signal: AbortSignal,
) => Promise<readonly Outcome<Result>[]>;

/** What a request needs before it can be part of a batch. */
export interface Preparation {
  /** Settles when the request is ready. What it rejects with is the request's own failure. */
  readonly ready: Promise<unknown>;
  /** The request is answered, or taken back. */
  release(): void;
}

/** How requests are made ready, each by itself. */
export interface Preparer<Request> {
  /** Begins what a request needs; undefined if it is ready as it is. */
  prepare(request: Request, caller: string): Preparation | undefined;
  /** Milliseconds in which another request is likely to be ready, for which a batch that is not full waits. */
  expected(): number;
}

interface Waiting<Request, Result> {
  readonly request: Request;
  readonly group: string;
  readonly caller: string;
  readonly resolve: (result: Result) => void;
  readonly reject: (reason: unknown) => void;
  release: () => void;
}

/** What becomes of requests that wait when a batcher is closed. */
const endings = ["answer", "reject"] as const;

/** How a batcher is closed. */
export interface CloseOptions {
  /** Requests that wait are answered (unless told otherwise) or rejected with `batch/closed`. */
  readonly waiting?: (typeof endings)[number] | undefined;
}

const closeOptionNames = optionNames<CloseOptions>()({ waiting: true });

/** What becomes of a request for which the queue has no room. */
const fulls = ["reject", "wait"] as const;

export const defaultMaxBatch = 8;
const defaults = { window: 5, maxBatch: defaultMaxBatch, maxQueue: 256 };

/** Most milliseconds for which a batch waits for requests that are not ready. */
const mostPatience = 100;

/** Callers that do not say who they are. */
const anybody = "";

function whole(name: string, value: number, least: number): number {
  if (!Number.isSafeInteger(value) || value < least)
    throw badOption(name, value, [`a whole number of at least ${least}`]);
  return value;
}

/** Collects requests of many callers, and hands what goes together to a function, one batch at a time. */
export class RequestBatcher<Request, Result> implements Closable {
  readonly #run: RunBatch<Request, Result>;
  readonly #preparer: Preparer<Request> | undefined;
  readonly #options: typeof defaults & Pick<BatcherOptions, "onBatch">;
  /** Those that are ready. */
  readonly #queue = new FairQueue<Waiting<Request, Result>>();
  /** Those that are being prepared, which have their room in the queue. */
  readonly #unready = new Set<Waiting<Request, Result>>();
  /** Those for whom there is no room in the queue yet. */
  readonly #outside = new FairQueue<Waiting<Request, Result>>();
  #timer: unknown;
  /** Has the first of those that wait waited long enough? */
  #due = false;
  /** When the first of those that are ready was. */
  #readySince = 0;
  #running: Promise<void> | undefined;
  /** Those of the running batch whose callers still wait, and what stops it where there are none. */
  #awaited = new Set<Waiting<Request, Result>>();
  #stop = new AbortController();
  #closed = false;
  readonly #whenIdle: (() => void)[] = [];

  /** @param preparer makes requests ready before their batches are formed @throws {UsageError} `usage/bad-option` */
  constructor(run: RunBatch<Request, Result>, options: BatcherOptions = {}, preparer?: Preparer<Request>) {
    expectOptions("RequestBatcher", options, batcherOptionNames);
    const { onBatch, window, maxBatch, maxQueue } = options;
    this.#run = run;
    this.#preparer = preparer;
    this.#options = {
      window: whole("window", window ?? defaults.window, 0),
      maxBatch: whole("maxBatch", maxBatch ?? defaults.maxBatch, 1),
      maxQueue: whole("maxQueue", maxQueue ?? defaults.maxQueue, 1),
      onBatch,
    };
  }

  /** Requests that wait, those that are not ready or wait for room included. */
  get waiting(): number {
    return this.#admitted + this.#outside.size;
  }

  get #admitted(): number {
    return this.#queue.size + this.#unready.size;
  }

  /**
   * Answers a request together with others of its group.
   * @throws {UsageError} `batch/full`, `batch/closed`; the signal's reason; what preparing or running the request throws
   */
  async submit(request: Request, group: string, options: RequestOptions = {}): Promise<Result> {
    expectOptions("submit", options, requestOptionNames);
    const { signal, caller = anybody, whenFull = "reject" } = options;
    if (!fulls.includes(whenFull)) throw badOption("whenFull", whenFull, fulls);
    signal?.throwIfAborted();
    if (this.#closed) throw batcherClosed();
    const { maxQueue } = this.#options;
    const full = this.#admitted >= maxQueue;
    if (full && whenFull === "reject") throw queueFull(this.#admitted, maxQueue);
    let forget = (): void => undefined;
    const answer = new Promise<Result>((resolve, reject) => {
      const release = () => undefined;
      const waiting: Waiting<Request, Result> = { request, group, caller, resolve, reject, release };
      forget = whenAborted(signal, () => {
        this.#takeBack(waiting);
        waiting.reject(signal?.reason);
      });
      if (full) this.#outside.push(caller, waiting);
      else this.#admit(waiting);
    });
    try {
      return await answer;
    } finally {
      forget();
    }
  }

  /**
   * Takes no more requests. What runs is finished, and those that wait are answered, or rejected if the options say so.
   * A second call may reject those that still wait.
   * @throws {UsageError} `usage/bad-option`
   */
  async close(options: CloseOptions = {}): Promise<void> {
    expectOptions("close", options, closeOptionNames);
    const { waiting = "answer" } = options;
    if (!endings.includes(waiting)) throw badOption("waiting", waiting, endings);
    this.#closed = true;
    if (waiting === "reject") this.#rejectWaiting(batcherClosed());
    else {
      this.#due = true;
      this.#begin();
    }
    await this.#idle();
  }

  /**
   * Takes no more requests, and rejects all that are not answered: those that wait, and those of the batch that runs,
   * which is stopped. Settles when that batch is over. It may follow a `close` that is not over.
   * @param reason what requests reject with; without it, a UsageError `batch/closed`
   */
  async abort(reason: unknown = batcherClosed()): Promise<void> {
    this.#closed = true;
    this.#rejectWaiting(reason);
    for (const waiting of this.#awaited) waiting.reject(reason);
    this.#awaited.clear();
    this.#stop.abort(reason);
    await this.#idle();
  }

  /** Calls `close`, for `await using`: those that wait are answered. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }

  #idle(): Promise<void> {
    return new Promise<void>((resolve) => {
      this.#whenIdle.push(resolve);
      this.#checkIdle();
    });
  }

  #checkIdle(): void {
    if (this.#running || this.waiting > 0) return;
    for (const idle of this.#whenIdle.splice(0)) idle();
  }

  #rejectWaiting(reason: unknown): void {
    const reject = (waiting: Waiting<Request, Result>) => {
      waiting.release();
      waiting.reject(reason);
    };
    for (const queue of [this.#outside, this.#queue])
      for (let next = queue.take(); next; next = queue.take()) reject(next);
    for (const waiting of this.#unready) reject(waiting);
    this.#unready.clear();
    this.#disarm();
  }

  /** Gives a request room in the queue, and makes it ready. */
  #admit(waiting: Waiting<Request, Result>): void {
    const preparation = this.#preparer?.prepare(waiting.request, waiting.caller);
    if (!preparation) {
      this.#enqueue(waiting);
      return;
    }
    waiting.release = () => preparation.release();
    this.#unready.add(waiting);
    preparation.ready.then(
      () => {
        if (this.#unready.delete(waiting)) this.#enqueue(waiting);
      },
      (error: unknown) => {
        if (!this.#unready.delete(waiting)) return;
        waiting.release();
        waiting.reject(error);
        this.#fill();
      },
    );
  }

  #enqueue(waiting: Waiting<Request, Result>): void {
    this.#queue.push(waiting.caller, waiting);
    if (this.#queue.size === 1) {
      this.#readySince = Date.now();
      if (this.#closed) this.#due = true;
      else this.#arm(this.#options.window);
    }
    this.#begin();
  }

  /** Lets a batch begin after so many milliseconds. */
  #arm(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#due = true;
      this.#begin();
    }, milliseconds);
  }

  /** What comes next has its own window. */
  #disarm(): void {
    this.#due = false;
    clearTimeout(this.#timer);
  }

  /** Lets those in for whom there is room now, callers in turn. */
  #fill(): void {
    while (this.#admitted < this.#options.maxQueue) {
      const next = this.#outside.take();
      if (!next) break;
      this.#admit(next);
    }
    if (this.#queue.size === 0) this.#disarm();
    else this.#begin();
    this.#checkIdle();
  }

  #takeBack(waiting: Waiting<Request, Result>): void {
    const { caller } = waiting;
    if (this.#queue.remove(caller, waiting) || this.#unready.delete(waiting)) {
      waiting.release();
      this.#fill();
    } else if (!this.#outside.remove(caller, waiting) && this.#awaited.delete(waiting)) {
      if (this.#awaited.size === 0) this.#stop.abort();
    }
  }

  /** Milliseconds for which a batch that is not full waits for requests that are about to be ready. */
  #patience(): number {
    const left = this.#readySince + mostPatience - Date.now();
    return this.#unready.size === 0 ? 0 : Math.min(left, this.#preparer?.expected() ?? left);
  }

  /** Begins a batch where nothing runs and it is time, or enough are ready. */
  #begin(): void {
    const { maxBatch } = this.#options;
    if (this.#running || this.#queue.size === 0) return;
    if (this.#queue.size < maxBatch) {
      if (!this.#due) return;
      const wait = this.#patience();
      if (wait > 0) {
        this.#arm(wait);
        return;
      }
    }
    const first = this.#queue.take();
    if (!first) return;
    const batch = [first];
    while (batch.length < maxBatch) {
      // Whoever is first decides what runs; others of the same kind come along.
      const more = this.#queue.take(({ group }) => group === first.group);
      if (!more) break;
      batch.push(more);
    }
    this.#running = this.#runTogether(batch, first.group).then(() => {
      this.#running = undefined;
      this.#begin();
      this.#checkIdle();
    });
    this.#fill();
  }

  /** Never rejects: what goes wrong is the requests' own. */
  async #runTogether(batch: readonly Waiting<Request, Result>[], group: string): Promise<void> {
    this.#awaited = new Set(batch);
    this.#stop = new AbortController();
    let outcomes: readonly Outcome<Result>[];
    try {
      this.#options.onBatch?.({ group, requests: batch.length, waiting: this.waiting });
      outcomes = await this.#run(
        batch.map(({ request }) => request),
        group,
        this.#stop.signal,
      );
    } catch (error) {
      outcomes = batch.map(() => ({ error }));
    }
    batch.forEach(({ resolve, reject, release }, index) => {
      release();
      const outcome = outcomes[index];
      if (outcome && "value" in outcome) resolve(outcome.value);
      else reject(outcome ? outcome.error : new Error(`request ${index} of ${group} has no outcome`));
    });
  }
}
