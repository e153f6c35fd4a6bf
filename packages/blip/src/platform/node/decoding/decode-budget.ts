// A memory budget for all images that are being decoded. Small images have a separate share, so they never wait for
// large images.
import { must, whenAborted } from "@blip-ts/base";

/** The maximum bytes of a small image: the need of a JPEG of 20 megapixels. */
export const smallBytes = 64e6;

/** Returns bytes to the budget; a second call has no effect. */
export type Release = () => void;

interface Waiting {
  readonly bytes: number;
  readonly admit: () => void;
}

/** A number of bytes granted in order of request. A request for more than the total runs alone. */
class Lane {
  readonly #total: number;
  readonly #most: number;
  readonly #waiting: Waiting[] = [];
  #taken = 0;
  #holders = 0;

  constructor(total: number, most: number) {
    this.#total = total;
    this.#most = most;
  }

  async acquire(bytes: number, signal: AbortSignal | undefined): Promise<Release> {
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
      const waiting = { bytes, admit };
      this.#waiting.push(waiting);
      this.#next();
    });
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#taken -= bytes;
      this.#holders--;
      this.#next();
    };
  }

  #next(): void {
    for (let [first] = this.#waiting; first && this.#fits(first); [first] = this.#waiting) {
      const { bytes, admit } = must(this.#waiting.splice(0, 1), 0);
      this.#taken += bytes;
      this.#holders++;
      admit();
    }
  }

  #fits({ bytes }: Waiting): boolean {
    return this.#holders === 0 || (this.#holders < this.#most && this.#taken + bytes <= this.#total);
  }
}

/** Half of the bytes is for images that need at most `smallBytes`, half for larger images. */
export class DecodeBudget {
  readonly #small: Lane;
  readonly #large: Lane;

  /** @param total bytes of both halves @param mostLarge the maximum number of large images at a time */
  constructor(total: number, mostLarge: number) {
    this.#small = new Lane(total / 2, Infinity);
    this.#large = new Lane(total / 2, mostLarge);
  }

  /** Waits until this many bytes are free. @throws the signal's reason */
  async acquire(bytes: number, signal?: AbortSignal): Promise<Release> {
    signal?.throwIfAborted();
    return (bytes > smallBytes ? this.#large : this.#small).acquire(bytes, signal);
  }
}
