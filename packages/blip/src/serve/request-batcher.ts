// Runs requests of many callers in batches: compatible requests that become ready within a few milliseconds, up to the
// batch size. Callers take turns. The queue is bounded, and each request can be cancelled.
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

/** Limits on the waiting time, the batch size and the queue. */
export interface BatcherOptions {
  /**
   * Milliseconds for which the first request waits for others; by default 5. Requests also accumulate while a batch
   * runs.
   */
  readonly window?: number | undefined;
  /** The most requests per batch; by default 8. */
  readonly maxBatch?: number | undefined;
  /** The most waiting requests; by default 256. */
  readonly maxQueue?: number | undefined;
  /** Called at the start of a batch. */
  readonly onBatch?: ((batch: BatchStart) => void) | undefined;
}

export const batcherOptionNames = optionNames<BatcherOptions>()({
  window: true,
  maxBatch: true,
  maxQueue: true,
  onBatch: true,
});

/** The start of a batch. */
export interface BatchStart {
  /** The key that all requests of the batch share. */
  readonly group: string;
  /** The number of requests in the batch. */
  readonly requests: number;
  /** The number of requests that remain waiting. */
  readonly waiting: number;
}

/** Options of one request. */
export interface RequestOptions {
  /** Cancels the request; its promise rejects immediately. A running batch continues for its other requests. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The caller's identity. Callers take turns, and requests with the same caller and group keep their order. By default
   * all requests have the same caller.
   */
  readonly caller?: string | undefined;
  /** The behaviour if the queue is full: `reject` (default), or `wait` for room. */
  readonly whenFull?: "reject" | "wait" | undefined;
}

export const requestOptionNames = optionNames<RequestOptions>()({
  signal: true,
  caller: true,
  whenFull: true,
});

/** The result or the error of one request of a batch. */
export type Outcome<Result> = { readonly value: Result } | { readonly error: unknown };

/**
 * Runs requests of one group together.
 * @param signal aborts when every caller has cancelled
 * @returns one outcome per request, in order; if the function throws, every request fails with that error
 */
export type RunBatch<Request, Result> = (
  requests: readonly Request[],
  group: string,
  signal: AbortSignal,
) => Promise<readonly Outcome<Result>[]>;

/** Preparation of a request before it can join a batch. */
export interface Preparation {
  /** Settles when the request is ready. Its rejection fails only this request. */
  readonly ready: Promise<unknown>;
  /** Called when the request is answered or cancelled. */
  release(): void;
}

/** Prepares requests individually. */
export interface Preparer<Request> {
  /** Starts preparing a request. Returns undefined if the request needs no preparation. */
  prepare(request: Request, caller: string): Preparation | undefined;
  /** Milliseconds within which another request is likely to be ready; a batch that is not full waits this long. */
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

/** The ways to handle waiting requests when a batcher is closed. */
const endings = ["answer", "reject"] as const;

/** Options of closing a batcher. */
export interface CloseOptions {
  /** Waiting requests are answered (default) or rejected with `batch/closed`. */
  readonly waiting?: (typeof endings)[number] | undefined;
}

const closeOptionNames = optionNames<CloseOptions>()({ waiting: true });

/** The ways to handle a request if the queue is full. */
const fulls = ["reject", "wait"] as const;

export const defaultMaxBatch = 8;
const defaults = { window: 5, maxBatch: defaultMaxBatch, maxQueue: 256 };

/** The longest time that a batch waits for unready requests, in milliseconds. */
const mostPatience = 100;

/** The identity of a caller that gives none. */
const anybody = "";

function whole(name: string, value: number, least: number): number {
  if (!Number.isSafeInteger(value) || value < least)
    throw badOption(name, value, [`a whole number of at least ${least}`]);
  return value;
}

/** Collects requests of many callers and passes compatible requests to a function, one batch at a time. */
export class RequestBatcher<Request, Result> implements Closable {
  readonly #run: RunBatch<Request, Result>;
  readonly #preparer: Preparer<Request> | undefined;
  readonly #options: typeof defaults & Pick<BatcherOptions, "onBatch">;
  /** Requests that are ready. */
  readonly #queue = new FairQueue<Waiting<Request, Result>>();
  /** Requests in preparation, which count as queued. */
  readonly #unready = new Set<Waiting<Request, Result>>();
  /** Requests that wait for room in the queue. */
  readonly #outside = new FairQueue<Waiting<Request, Result>>();
  #timer: unknown;
  /** Whether the first waiting request has waited long enough. */
  #due = false;
  /** The time when the first ready request became ready. */
  #readySince = 0;
  #running: Promise<void> | undefined;
  /** Requests of the running batch whose callers still wait. */
  #awaited = new Set<Waiting<Request, Result>>();
  /** Aborts the running batch when no caller waits for it. */
  #stop = new AbortController();
  #closed = false;
  readonly #whenIdle: (() => void)[] = [];

  /** @param preparer prepares requests before their batches are formed @throws {UsageError} `usage/bad-option` */
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

  /** The number of waiting requests, including requests in preparation and requests that wait for room. */
  get waiting(): number {
    return this.#admitted + this.#outside.size;
  }

  get #admitted(): number {
    return this.#queue.size + this.#unready.size;
  }

  /**
   * Answers a request in a batch with other requests of its group.
   * @throws {UsageError} `batch/full`, `batch/closed`; also throws the signal's reason, and any error from preparing or
   * running the request
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
   * Accepts no more requests. Finishes the running batch, then answers the waiting requests, or rejects them if
   * `options.waiting` is `reject`. Call it again with `waiting: "reject"` to reject the rest.
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
   * Accepts no more requests, cancels the running batch, and rejects all unanswered requests. Resolves when the running
   * batch has ended. You may call it while `close` is pending.
   * @param reason the requests' rejection reason; by default a UsageError `batch/closed`
   */
  async abort(reason: unknown = batcherClosed()): Promise<void> {
    this.#closed = true;
    this.#rejectWaiting(reason);
    for (const waiting of this.#awaited) waiting.reject(reason);
    this.#awaited.clear();
    this.#stop.abort(reason);
    await this.#idle();
  }

  /** Calls `close`, for `await using`. Waiting requests are answered. */
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

  /** Queues a request and prepares it. */
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

  /** Sets the timer that lets a batch start, even if the batch is not full. */
  #arm(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#due = true;
      this.#begin();
    }, milliseconds);
  }

  /** Resets the timer, so that the next request opens a new window. */
  #disarm(): void {
    this.#due = false;
    clearTimeout(this.#timer);
  }

  /** Moves requests that wait for room into the queue while it has room. Callers take turns. */
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

  /** Returns the milliseconds for which a batch that is not full waits for requests in preparation. */
  #patience(): number {
    const left = this.#readySince + mostPatience - Date.now();
    return this.#unready.size === 0 ? 0 : Math.min(left, this.#preparer?.expected() ?? left);
  }

  /** Starts a batch if no batch is running, and if the window is over or enough requests are ready. */
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
      // The first request determines the group; other requests of that group join the batch.
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

  /** Runs a batch and settles its requests. Never rejects; passes errors to the requests. */
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
