// Reads and decodes the images of requests before their batches are formed. Each distinct image is read once. Callers
// take turns, and the number of concurrent reads is limited. A slow read frees its place for other images.
import { BlipError } from "@blip-ts/base";
import { sameImage } from "../verbs/distinct-images.ts";
import type { ReadImage, RequestImageOptions } from "../verbs/image-batches.ts";
import { FairQueue } from "./fair-queue.ts";

/** Reads images in a model's own form. */
export interface ImageReader<ImageInput> {
  /** The most images in memory at a time; undefined if there is no limit. */
  readonly imagesAtOnce: number | undefined;
  /** Reads an image as pixel values for the model. */
  readImage(image: ImageInput, options: RequestImageOptions): Promise<ReadImage>;
  /** Starts the child processes that decode isolated images. */
  prepareDecoders(): void;
}

/** A request's reference to a shared image. */
export interface ImageShare {
  /** Resolves when the image is ready; rejects with the image's error. */
  readonly ready: Promise<void>;
  /** Releases the reference. A second call has no effect. */
  release(): void;
}

/** Milliseconds after which an unfinished read counts as slow and frees its place. */
const patience = 250;
/** The least value of the limit on slow reads. */
const leastSlow = 64;
/** The number of slow reads reserved for callers that have fewer slow reads than this number. */
const keptForOthers = 16;
/** The longest time that a batch waits for an image that is expected soon, in milliseconds. */
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

/** Reads the images of the requests to one model. */
class ImagesOfReader<ImageInput> {
  readonly #reader: ImageReader<ImageInput>;
  readonly #options: RequestImageOptions;
  /** The most images that are being read, or are ready and in use. */
  readonly #places: number;
  /** The most images that are read concurrently. */
  readonly #sideBySide: number;
  /** The most slow reads, which have freed their places. */
  readonly #mostSlow: number;
  readonly #entries = new Set<Entry<ImageInput>>();
  readonly #waiting = new FairQueue<Entry<ImageInput>>();
  /** The moving average of the milliseconds between two finished images. */
  #usual = 50;
  #lastDone = 0;

  constructor(reader: ImageReader<ImageInput>, options: RequestImageOptions, places: number) {
    const { imagesAtOnce } = reader;
    this.#reader = reader;
    this.#options = options;
    this.#places = imagesAtOnce ?? places;
    this.#mostSlow = Math.max(leastSlow, this.#places + keptForOthers);
    // Read one image at a time under a memory limit: a decoded photograph takes far more memory than its pixel values.
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

  /** Milliseconds within which an image is likely to be ready; 0 if no image is being read. */
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
    // Every request that shares the image gets its error.
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
   * Whether a caller may start another read, which may become slow. Reads that still hold their places count as slow.
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

/** Reads the images of requests to several models, each of which has its own form of images. */
export class RequestImages<ImageInput> {
  readonly #options: RequestImageOptions;
  readonly #places: number;
  readonly #readers = new Map<ImageReader<ImageInput>, ImagesOfReader<ImageInput>>();

  /** @param options options for reading images @param places the most images per model that are being read or ready */
  constructor(options: RequestImageOptions, places: number) {
    this.#options = options;
    this.#places = places;
  }

  /** Shares an image, which is read when it is the caller's turn. */
  share(image: ImageInput, reader: ImageReader<ImageInput>, caller: string): ImageShare {
    const known = this.#readers.get(reader) ?? new ImagesOfReader(reader, this.#options, this.#places);
    this.#readers.set(reader, known);
    return known.share(image, caller);
  }

  /** Returns a shared image as its model reads it; undefined if no request shares it. */
  read(image: ImageInput, reader: ImageReader<ImageInput>): Promise<ReadImage> | undefined {
    return this.#readers.get(reader)?.find(image)?.picture;
  }

  /** Milliseconds within which another image is likely to be ready; 0 if no image is being read. */
  expected(): number {
    return Math.max(0, ...[...this.#readers.values()].map((images) => images.expected()));
  }
}
