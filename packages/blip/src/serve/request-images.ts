// Reads and decodes the images of requests before their batches are formed: each distinct image once, callers in turn,
// a limited number at a time. An image that takes long to read lends its place to others.
import { BlipError } from "@blip-ts/base";
import { sameImage } from "../verbs/distinct-images.ts";
import type { ReadImage, RequestImageOptions } from "../verbs/image-batches.ts";
import { FairQueue } from "./fair-queue.ts";

/** Reads images in its own way, like a model. */
export interface ImageReader<ImageInput> {
  /** The most images in memory at a time; undefined if the caller decides. */
  readonly imagesAtOnce: number | undefined;
  /** Reads an image in the model's form. */
  readImage(image: ImageInput, options: RequestImageOptions): Promise<ReadImage>;
  /** Starts the processes that decode isolated images. */
  prepareDecoders(): void;
}

/** A request's share of an image. */
export interface ImageShare {
  /** Settles when the image is ready. @throws the image's error */
  readonly ready: Promise<void>;
  /** Releases the share. A second call has no effect. */
  release(): void;
}

/** Milliseconds after which an unfinished read lends its place. */
const patience = 250;
/** The least value of the limit on slow reads. */
const leastSlow = 64;
/** Slow reads that are reserved for callers with fewer of them than this. */
const keptForOthers = 16;
/** The longest time that a batch waits for an image that is likely to be ready soon, in milliseconds. */
const mostExpected = 100;

interface Entry<ImageInput> {
  readonly image: ImageInput;
  readonly caller: string;
  readonly stop: AbortController;
  readonly picture: Promise<ReadImage>;
  readonly begin: () => void;
  users: number;
  state: "waits" | "reads" | "slow" | "ready";
  since: number;
}

/** Images of the requests to one model. */
class ImagesOfReader<ImageInput> {
  readonly #reader: ImageReader<ImageInput>;
  readonly #options: RequestImageOptions;
  /** The most images that are being read or ready. */
  readonly #places: number;
  /** The most images that are read concurrently. */
  readonly #sideBySide: number;
  /** The most slow reads, which have lent their places. */
  readonly #mostSlow: number;
  readonly #entries = new Set<Entry<ImageInput>>();
  readonly #waiting = new FairQueue<Entry<ImageInput>>();
  /** The recent average of milliseconds between two finished images. */
  #usual = 50;
  #lastDone = 0;

  constructor(reader: ImageReader<ImageInput>, options: RequestImageOptions, places: number) {
    const { imagesAtOnce } = reader;
    this.#reader = reader;
    this.#options = options;
    this.#places = imagesAtOnce ?? places;
    this.#mostSlow = Math.max(leastSlow, this.#places + keptForOthers);
    // One at a time with a memory bound: a decoded photograph takes far more memory than its pixel values.
    this.#sideBySide = imagesAtOnce === undefined ? Infinity : 1;
  }

  share(image: ImageInput, caller: string): ImageShare {
    const entry = this.find(image) ?? this.#add(image, caller);
    entry.users++;
    let held = true;
    return {
      ready: entry.picture.then((read) => {
        if (read instanceof BlipError) throw read;
      }),
      release: () => {
        if (!held) return;
        held = false;
        if (--entry.users === 0) this.#drop(entry);
      },
    };
  }

  find(image: ImageInput): Entry<ImageInput> | undefined {
    for (const entry of this.#entries) if (sameImage(entry.image, image)) return entry;
    return undefined;
  }

  /** Milliseconds within which an image is likely to be ready; 0 if none is being read. */
  expected(): number {
    const wait = Math.min(mostExpected, 2 * this.#usual);
    const left = this.#in("reads").map(({ since }) => Math.max(since, this.#lastDone) + wait - Date.now());
    return Math.max(0, ...left);
  }

  #add(image: ImageInput, caller: string): Entry<ImageInput> {
    let begin = (): void => undefined;
    const stop = new AbortController();
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const picture = begun.then(() =>
      this.#reader.readImage(image, { ...this.#options, caller, signal: stop.signal }),
    );
    const entry: Entry<ImageInput> = {
      ...{ image, caller, stop, picture, begin },
      ...{ users: 0, state: "waits", since: 0 },
    };
    // All sharers get the error.
    picture.then(
      () => this.#done(entry),
      () => this.#done(entry),
    );
    this.#entries.add(entry);
    this.#waiting.push(caller, entry);
    this.#next();
    return entry;
  }

  #in(...states: readonly Entry<ImageInput>["state"][]): Entry<ImageInput>[] {
    return [...this.#entries].filter(({ state }) => states.includes(state));
  }

  #next(): void {
    while (
      this.#in("reads", "ready").length < this.#places &&
      this.#in("reads").length < this.#sideBySide &&
      this.#in("slow").length < this.#mostSlow
    ) {
      const entry = this.#waiting.take(({ caller }) => this.#mayBeSlow(caller));
      if (!entry) return;
      entry.state = "reads";
      entry.since = Date.now();
      entry.begin();
      setTimeout(() => {
        if (entry.state !== "reads") return;
        entry.state = "slow";
        this.#next();
      }, patience);
    }
  }

  /**
   * Whether a caller may have another read, in case it becomes slow. Reads that still hold their places count as slow.
   */
  #mayBeSlow(caller: string): boolean {
    const slow = this.#in("slow", "reads");
    const own = slow.filter((entry) => entry.caller === caller).length;
    return slow.length < this.#mostSlow - keptForOthers || own < keptForOthers;
  }

  #done(entry: Entry<ImageInput>): void {
    const now = Date.now();
    const took = now - Math.max(entry.since, this.#lastDone);
    this.#usual = (this.#usual + Math.min(mostExpected, took)) / 2;
    this.#lastDone = now;
    entry.state = "ready";
    this.#next();
  }

  #drop(entry: Entry<ImageInput>): void {
    this.#entries.delete(entry);
    this.#waiting.remove(entry.caller, entry);
    entry.stop.abort();
    this.#next();
  }
}

/** Images of requests to several models, each of which reads them in its own way. */
export class RequestImages<ImageInput> {
  readonly #options: RequestImageOptions;
  readonly #places: number;
  readonly #readers = new Map<ImageReader<ImageInput>, ImagesOfReader<ImageInput>>();

  /** @param options options of reading @param places the most images per model that are being read or ready */
  constructor(options: RequestImageOptions, places: number) {
    this.#options = options;
    this.#places = places;
  }

  /** Starts reading an image when it is its caller's turn. */
  share(image: ImageInput, reader: ImageReader<ImageInput>, caller: string): ImageShare {
    const known = this.#readers.get(reader) ?? new ImagesOfReader(reader, this.#options, this.#places);
    this.#readers.set(reader, known);
    return known.share(image, caller);
  }

  /** An image with a shareholder, as its model reads it. */
  read(image: ImageInput, reader: ImageReader<ImageInput>): Promise<ReadImage> | undefined {
    return this.#readers.get(reader)?.find(image)?.picture;
  }

  /** Milliseconds within which another image is likely to be ready; 0 if none is being read. */
  expected(): number {
    return Math.max(0, ...[...this.#readers.values()].map((images) => images.expected()));
  }
}
