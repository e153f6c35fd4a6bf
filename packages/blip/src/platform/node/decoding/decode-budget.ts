// The sum over everything that is being decoded at once. What is small has room of its own, so that it never waits for
// what is large.
import { must, whenAborted } from "@blip-ts/base";

/** Bytes up to which an image is small: 20 megapixels of JPEG. */
export const smallBytes = 64e6;

/** Gives bytes back; a second call does nothing more. */
export type Release = () => void;

interface Waiting {
  readonly bytes: number;
  readonly admit: () => void;
}

/** Bytes that are taken by several, in turn. Who needs more than there is goes alone. */
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

/** Half of the bytes is for images that decode in `smallBytes` at most, half for the others. */
export class DecodeBudget {
  readonly #small: Lane;
  readonly #large: Lane;

  /** @param total bytes of both halves @param mostLarge large images at a time */
  constructor(total: number, mostLarge: number) {
    this.#small = new Lane(total / 2, Infinity);
    this.#large = new Lane(total / 2, mostLarge);
  }

  /** Waits for so many bytes. @throws the signal's reason */
  async acquire(bytes: number, signal?: AbortSignal): Promise<Release> {
    signal?.throwIfAborted();
    return (bytes > smallBytes ? this.#large : this.#small).acquire(bytes, signal);
  }
}
