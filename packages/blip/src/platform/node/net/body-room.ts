// The sum over all bodies that are held in memory at once, in bytes as they arrive: a server that says it will send much
// takes nothing, and one that sends much waits, by its own connection, until there is room.
import { whenAborted } from "@blip-ts/base";

/** The first bytes of each body that are not counted: small ones never wait for large ones. */
const freeBytes = 2 ** 20;

/** A body's part of the room. */
export interface BodyShare {
  /** Waits until so many more bytes may be held. @throws the signal's reason */
  take(bytes: number, signal?: AbortSignal): Promise<void>;
  /** Gives all of it back; a second call does nothing more. */
  close(): void;
}

interface Waiting {
  readonly share: BodyShare;
  readonly bytes: number;
  readonly admit: () => void;
}

/** Room for bodies, in the order in which they ask. */
export class BodyRoom {
  readonly #total: number;
  readonly #free: number;
  readonly #waiting: Waiting[] = [];
  #taken = 0;
  /** May go beyond the room, as otherwise all could wait for each other. */
  #exempt: BodyShare | undefined;

  /** @param total bytes, beyond which one body may still go @param free first bytes of each that are not counted */
  constructor(total: number, free = freeBytes) {
    this.#total = total;
    this.#free = free;
  }

  /** Bytes that are counted now. */
  get taken(): number {
    return this.#taken;
  }

  /** Bodies that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** For a body that is to be held. */
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
