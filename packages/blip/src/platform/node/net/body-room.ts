// A byte budget for all bodies in memory. Bytes count as they arrive; an announced size reserves nothing. If the budget
// is exhausted, reading from the connection pauses until bytes are freed.
import { whenAborted } from "@blip-ts/base";

/** The uncounted first bytes of each body, so that small bodies never wait for large ones. */
const freeBytes = 2 ** 20;

/** One body's share of the budget. */
export interface BodyShare {
  /** Waits until this many more bytes may be held. @throws the signal's reason */
  take(bytes: number, signal?: AbortSignal): Promise<void>;
  /** Returns all bytes of the share. A second call has no effect. */
  close(): void;
}

interface Waiting {
  readonly share: BodyShare;
  readonly bytes: number;
  readonly admit: () => void;
}

/** The byte budget for bodies. Grants requests in order. */
export class BodyRoom {
  readonly #total: number;
  readonly #free: number;
  readonly #waiting: Waiting[] = [];
  #taken = 0;
  /** The only share that may exceed the budget. Without it, all bodies could wait for each other. */
  #exempt: BodyShare | undefined;

  /** @param total counted bytes, which one body at a time may exceed @param free uncounted first bytes of each body */
  constructor(total: number, free = freeBytes) {
    this.#total = total;
    this.#free = free;
  }

  /** Bytes currently counted. */
  get taken(): number {
    return this.#taken;
  }

  /** The number of waiting bodies. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Opens a share for one body. */
  open(): BodyShare {
    let [free, counted] = [this.#free, 0];
    const share: BodyShare = {
      take: async (bytes, signal) => {
        const more = Math.max(0, bytes - free);
        free -= Math.min(free, bytes);
        if (more === 0) return;
        await this.#acquire(share, more, signal);
        counted += more;
      },
      close: () => {
        this.#taken -= counted;
        counted = 0;
        if (this.#exempt === share) this.#exempt = undefined;
        this.#next();
      },
    };
    return share;
  }

  async #acquire(share: BodyShare, bytes: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const stop = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(signal?.reason as Error);
        this.#next();
      };
      const forget = whenAborted(signal, stop);
      const admit = () => {
        forget();
        resolve();
      };
      const waiting = { share, bytes, admit };
      this.#waiting.push(waiting);
      this.#next();
    });
  }

  #next(): void {
    for (;;) {
      const ready = this.#waiting.find(({ share }) => share === this.#exempt) ?? this.#waiting[0];
      if (!ready) return;
      if (this.#taken + ready.bytes > this.#total) {
        this.#exempt ??= ready.share;
        if (this.#exempt !== ready.share) return;
      }
      this.#waiting.splice(this.#waiting.indexOf(ready), 1);
      this.#taken += ready.bytes;
      ready.admit();
    }
  }
}
