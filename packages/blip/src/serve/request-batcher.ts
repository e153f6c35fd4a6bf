// Requests of many callers, run in batches: those that arrive within a few milliseconds and go together, as many as fit,
// callers in turn. The queue is bounded, and each request can be taken back.
import { asyncDispose, badOption, type Closable, UsageError } from "@blip-ts/base";
import { AbortListeners } from "./abort-listeners.ts";
import { FairQueue } from "./fair-queue.ts";

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

/** A batch that begins. */
export interface BatchStart {
  /** What its requests have in common. */
  readonly group: string;
  readonly requests: number;
  /** Requests that go on waiting. */
  readonly waiting: number;
}

export interface RequestOptions {
  /** Takes the request back: it rejects at once. A batch that runs goes on for the others. */
  readonly signal?: AbortSignal | undefined;
  /** Who asks: callers take turns, and each one's requests of a kind keep their order. Without it, all are one caller. */
  readonly caller?: string | undefined;
  /** Where the queue is full: `reject` (unless told), or `wait` for room. */
  readonly whenFull?: "reject" | "wait" | undefined;
}

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

/**
 * Told, soon after it changes, which requests are likely to run next, so that work for them can begin while others run.
 * It does not throw.
 */
export type LookAhead<Request> = (requests: readonly Request[]) => void;

interface Waiting<Request, Result> {
  readonly request: Request;
  readonly group: string;
  readonly caller: string;
  readonly resolve: (result: Result) => void;
  readonly reject: (reason: unknown) => void;
}

/** What becomes of requests that wait when a batcher is closed. */
const endings = ["answer", "reject"] as const;

/** How a batcher is closed. */
export interface CloseOptions {
  /** Requests that wait are answered (unless told otherwise) or rejected with `batch/closed`. */
  readonly waiting?: (typeof endings)[number] | undefined;
}

const defaults = { window: 5, maxBatch: 8, maxQueue: 256 };

/** Callers that do not say who they are. */
const anybody = "";

const queueFull = (waiting: number, limit: number): UsageError =>
  new UsageError(
    "batch/full",
    `${waiting} requests wait, and the queue takes ${limit}: ask again later, say whenFull: "wait", or raise maxQueue`,
    { waiting, limit },
  );

const closed = (): UsageError =>
  new UsageError("batch/closed", "the batcher is closed: it takes no more requests");

function whole(name: string, value: number, least: number): number {
  if (!Number.isSafeInteger(value) || value < least)
    throw badOption(name, value, [`a whole number of at least ${least}`]);
  return value;
}

export class RequestBatcher<Request, Result> implements Closable {
  readonly #run: RunBatch<Request, Result>;
  readonly #lookAhead: LookAhead<Request> | undefined;
  readonly #options: typeof defaults & Pick<BatcherOptions, "onBatch">;
  readonly #queue = new FairQueue<Waiting<Request, Result>>();
  /** Those for whom there is no room in the queue yet. */
  readonly #outside = new FairQueue<Waiting<Request, Result>>();
  #timer: unknown;
  #looking = false;
  /** Has the first of those that wait waited long enough? */
  #due = false;
  #running: Promise<void> | undefined;
  /** Those of the running batch whose callers still wait, and what stops it where there are none. */
  #awaited = new Set<Waiting<Request, Result>>();
  #stop = new AbortController();
  readonly #aborts = new AbortListeners<Waiting<Request, Result>>((waiting, reason) => {
    this.#takeBack(waiting);
    waiting.reject(reason);
  });
  #closed = false;

  /** @throws {UsageError} `usage/bad-option` */
  constructor(run: RunBatch<Request, Result>, options: BatcherOptions = {}, lookAhead?: LookAhead<Request>) {
    const { onBatch, window, maxBatch, maxQueue } = options;
    this.#run = run;
    this.#lookAhead = lookAhead;
    this.#options = {
      window: whole("window", window ?? defaults.window, 0),
      maxBatch: whole("maxBatch", maxBatch ?? defaults.maxBatch, 1),
      maxQueue: whole("maxQueue", maxQueue ?? defaults.maxQueue, 1),
      onBatch,
    };
  }

  /** Requests that wait, those that wait for room included. */
  get waiting(): number {
    return this.#queue.size + this.#outside.size;
  }

  /**
   * Answers a request together with others of its group.
   * @throws {UsageError} `batch/full`, `batch/closed`; the signal's reason; what running the request throws
   */
  async submit(request: Request, group: string, options: RequestOptions = {}): Promise<Result> {
    const { signal, caller = anybody, whenFull = "reject" } = options;
    signal?.throwIfAborted();
    if (this.#closed) throw closed();
    const { maxQueue } = this.#options;
    const full = this.#queue.size >= maxQueue;
    if (full && whenFull === "reject") throw queueFull(this.#queue.size, maxQueue);
    let forget = (): void => undefined;
    const answer = new Promise<Result>((resolve, reject) => {
      const waiting: Waiting<Request, Result> = { request, group, caller, resolve, reject };
      if (signal) {
        this.#aborts.add(signal, waiting);
        forget = () => this.#aborts.remove(signal, waiting);
      }
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
  async close({ waiting = "answer" }: CloseOptions = {}): Promise<void> {
    if (!endings.includes(waiting)) throw badOption("waiting", waiting, endings);
    this.#closed = true;
    if (waiting === "reject") this.#rejectWaiting();
    else {
      this.#due = true;
      this.#begin();
    }
    while (this.#running) await this.#running;
  }

  /** Calls `close`, for `await using`: those that wait are answered. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }

  #rejectWaiting(): void {
    for (const queue of [this.#outside, this.#queue])
      for (let next = queue.take(); next; next = queue.take()) next.reject(closed());
    this.#disarm();
    this.#changed();
  }

  #admit(waiting: Waiting<Request, Result>): void {
    this.#queue.push(waiting.caller, waiting);
    if (this.#queue.size === 1)
      this.#timer = setTimeout(() => {
        this.#due = true;
        this.#begin();
      }, this.#options.window);
    this.#begin();
    this.#changed();
  }

  /** Looks ahead once for all that changes at a time. */
  #changed(): void {
    if (!this.#lookAhead || this.#looking) return;
    this.#looking = true;
    setTimeout(() => {
      this.#looking = false;
      const next = this.#queue.ahead(this.#options.maxBatch, (one, first) => one.group === first.group);
      this.#lookAhead?.(next.map(({ request }) => request));
    }, 0);
  }

  /** What comes next has its own window. */
  #disarm(): void {
    this.#due = false;
    clearTimeout(this.#timer);
  }

  /** Lets those in for whom there is room now, callers in turn. */
  #fill(): void {
    while (this.#queue.size < this.#options.maxQueue) {
      const next = this.#outside.take();
      if (!next) break;
      this.#queue.push(next.caller, next);
    }
    if (this.#queue.size === 0) this.#disarm();
    this.#changed();
  }

  #takeBack(waiting: Waiting<Request, Result>): void {
    const { caller } = waiting;
    if (this.#queue.remove(caller, waiting)) this.#fill();
    else if (!this.#outside.remove(caller, waiting) && this.#awaited.delete(waiting))
      if (this.#awaited.size === 0) this.#stop.abort();
  }

  /** Begins a batch where nothing runs and it is time, or enough wait. */
  #begin(): void {
    const { maxBatch } = this.#options;
    if (this.#running || !(this.#due || this.#queue.size >= maxBatch)) return;
    const first = this.#queue.take();
    if (!first) return;
    const batch = [first];
    while (batch.length < maxBatch) {
      // Whoever is first decides what runs; others of the same kind come along.
      const more = this.#queue.take(({ group }) => group === first.group);
      if (!more) break;
      batch.push(more);
    }
    this.#fill();
    this.#running = this.#runTogether(batch, first.group).then(() => {
      this.#running = undefined;
      this.#begin();
    });
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
    batch.forEach(({ resolve, reject }, index) => {
      const outcome = outcomes[index];
      if (outcome && "value" in outcome) resolve(outcome.value);
      else reject(outcome ? outcome.error : new Error(`request ${index} of ${group} has no outcome`));
    });
  }
}
