// A budget of bytes over all bodies in memory, counted as they arrive. A server's announced size reserves nothing. A
// server that sends a lot is slowed down through its own connection until there is room.
import { whenAborted } from "@blip-ts/base";

/** The uncounted first bytes of each body, so that small bodies never wait for large ones. */
const freeBytes = 2 ** 20;

/** One body's share of the room. */
export interface BodyShare {
  /** Waits until this many more bytes may be held. @throws the signal's reason */
  take(bytes: number, signal?: AbortSignal): Promise<void>;
  /** Returns all of its bytes; a second call has no effect. */
  close(): void;
}

interface Waiting {
  readonly share: BodyShare;
  readonly bytes: number;
  readonly admit: () => void;
}

/** Room for bodies, granted in order of request. */
export class BodyRoom {
  readonly #total: number;
  readonly #free: number;
  readonly #waiting: Waiting[] = [];
  #taken = 0;
  /** The one share that may exceed the room; otherwise all could wait for each other. */
  #exempt: BodyShare | undefined;

  /** @param total counted bytes; one body at a time may exceed it @param free uncounted first bytes of each body */
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
