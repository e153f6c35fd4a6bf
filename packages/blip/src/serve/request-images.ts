// Images of requests, read and decoded before their batches are formed: each distinct one once, callers in turn, so many
// at a time. One whose reading takes long lends its place to others.
import { BlipError } from "@blip-ts/base";
import { sameImage } from "../verbs/distinct-images.ts";
import type { ReadImage, RequestImageOptions } from "../verbs/image-batches.ts";
import { FairQueue } from "./fair-queue.ts";

/** What reads images in its own way: a model. */
export interface ImageReader<ImageInput> {
  /** Images that may be in memory at a time; undefined if their number is the caller's choice. */
  readonly imagesAtOnce: number | undefined;
  /** Reads an image as the model takes it. */
  readImage(image: ImageInput, options: RequestImageOptions): Promise<ReadImage>;
  /** Starts what images are decoded with that are isolated. */
  prepareDecoders(): void;
}

/** A request's share of an image. */
export interface ImageShare {
  /** Settles when the image is there. @throws what is wrong with it */
  readonly ready: Promise<void>;
  /** Lets go of it: whoever needs it no more. A second call does nothing more. */
  release(): void;
}

/** Milliseconds after which a read that is not done lends its place. */
const patience = 250;
/** Least of the most reads that have lent their places; and how many are for callers who have fewer than so many. */
const leastSlow = 64;
const keptForOthers = 16;
/** Most milliseconds for which a batch waits for an image that is likely to be there soon. */
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
  /** Images that are being read or ready, and those that are read side by side. */
  readonly #places: number;
  readonly #sideBySide: number;
  /** Reads that have lent their places. */
  readonly #mostSlow: number;
  readonly #entries = new Set<Entry<ImageInput>>();
  readonly #waiting = new FairQueue<Entry<ImageInput>>();
  /** Milliseconds from one image that is done to the next, by the last ones. */
  #usual = 50;
  #lastDone = 0;

  constructor(reader: ImageReader<ImageInput>, options: RequestImageOptions, places: number) {
    const { imagesAtOnce } = reader;
    this.#reader = reader;
    this.#options = options;
    this.#places = imagesAtOnce ?? places;
    this.#mostSlow = Math.max(leastSlow, this.#places + keptForOthers);
    // One at a time where memory is bounded: a decoded photograph takes far more than its pixel values.
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

  /** Milliseconds in which an image is likely to be there; 0 if none is. */
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
    // Whoever shares it is told what went wrong.
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

  /** Is there room for another read of a caller, should it be slow? Those that wait in their places count as if they were. */
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

/** Images of requests to several models, which read them in their own ways. */
export class RequestImages<ImageInput> {
  readonly #options: RequestImageOptions;
  readonly #places: number;
  readonly #readers = new Map<ImageReader<ImageInput>, ImagesOfReader<ImageInput>>();

  /** @param options how they are read @param places images of a model that are being read or ready */
  constructor(options: RequestImageOptions, places: number) {
    this.#options = options;
    this.#places = places;
  }

  /** Begins to read an image when it is its caller's turn. */
  share(image: ImageInput, reader: ImageReader<ImageInput>, caller: string): ImageShare {
    const known = this.#readers.get(reader) ?? new ImagesOfReader(reader, this.#options, this.#places);
    this.#readers.set(reader, known);
    return known.share(image, caller);
  }

  /** An image that somebody has a share of, as its model reads it. */
  read(image: ImageInput, reader: ImageReader<ImageInput>): Promise<ReadImage> | undefined {
    return this.#readers.get(reader)?.find(image)?.picture;
  }

  /** Milliseconds in which another image is likely to be there; 0 if none is. */
  expected(): number {
    return Math.max(0, ...[...this.#readers.values()].map((images) => images.expected()));
  }
}
