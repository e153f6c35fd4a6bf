// Loads samples ahead of the trainer, up to a maximum number, and returns them in order.
import { InputError } from "@blip-ts/base";
import type { SampleLoader } from "./load-sample.ts";
import type { Entry } from "./sample-source.ts";

/** A sample with its pixel values, or with the error that prevented loading. */
export type Loaded =
  | { readonly entry: Entry; readonly values: Float32Array<ArrayBuffer> }
  | { readonly entry: Entry; readonly error: InputError };

/** The queue of samples of one epoch. */
export class SampleQueue {
  readonly #entries: AsyncIterator<Entry>;
  readonly #loader: SampleLoader;
  readonly #epoch: number;
  readonly #room: number;
  readonly #signal: AbortSignal;
  readonly #waiting: Promise<Loaded>[] = [];
  #ended = false;

  /** @param room the maximum number of samples that are loading or ready */
  constructor(
    entries: AsyncIterable<Entry>,
    loader: SampleLoader,
    { epoch, room, signal }: { epoch: number; room: number; signal: AbortSignal },
  ) {
    this.#entries = entries[Symbol.asyncIterator]();
    this.#loader = loader;
    this.#epoch = epoch;
    this.#room = room;
    this.#signal = signal;
  }

  /** Starts loading samples until the queue is full. */
  async fill(): Promise<void> {
    while (!this.#ended && this.#waiting.length < this.#room) {
      const next = await this.#entries.next();
      if (next.done === true) this.#ended = true;
      else this.#waiting.push(this.#load(next.value));
    }
  }

  /** The next sample in order; undefined at the epoch's end. @throws the signal's reason */
  async next(): Promise<Loaded | undefined> {
    await this.fill();
    const loaded = await this.#waiting.shift();
    await this.fill();
    return loaded;
  }

  /** Stops reading. */
  async close(): Promise<void> {
    this.#ended = true;
    this.#waiting.length = 0;
    await this.#entries.return?.();
  }

  #load(entry: Entry): Promise<Loaded> {
    const request = { images: entry.item.images, epoch: this.#epoch, number: entry.number };
    const loaded = this.#loader.load(request, this.#signal).then(
      (values) => ({ entry, values }),
      (error: unknown) => {
        if (error instanceof InputError) return { entry, error };
        throw error;
      },
    );
    // The promise may reject before `next` awaits it. This avoids an unhandled rejection; `next` still throws.
    loaded.catch(() => undefined);
    return loaded;
  }
}
