// Pictures that are read while another batch runs: the engine's threads compute, the platform's decode.
import { sameImage } from "./distinct-images.ts";
import { readPixels, type AheadOfBatch, type ReadImage, type ReadImageOptions } from "./image-batches.ts";
import type { ImageProcessor } from "../processor/image-processor.ts";

/** Begins to read a picture; undefined where memory is bounded, and pictures are read one at a time. */
export const readAhead = <ImageInput>(
  image: ImageInput,
  processor: ImageProcessor<ImageInput>,
  options: ReadImageOptions,
  other?: ImageProcessor<ImageInput>,
): Promise<ReadImage> | undefined =>
  processor.atOnce === undefined ? readPixels(image, processor, other, options) : undefined;

/** What reads pictures in its own way: a model. */
export interface ImageReader<ImageInput> {
  /** Begins to read a picture, if it may be read ahead. */
  readAhead(image: ImageInput, options: ReadImageOptions): Promise<ReadImage> | undefined;
}

interface Begun<ImageInput> {
  readonly image: ImageInput;
  readonly reader: ImageReader<ImageInput>;
  readonly reading: Promise<ReadImage>;
  readonly stop: AbortController;
}

type Expected<ImageInput> = readonly [images: readonly ImageInput[], reader: ImageReader<ImageInput>];

/** Pictures of the requests that are likely to be next; those of others are dropped. */
export class ImagesAhead<ImageInput> {
  readonly #maxPixels: number | undefined;
  #begun: readonly Begun<ImageInput>[] = [];
  #expected: Expected<ImageInput> | undefined;
  /** Is a batch reading its own pictures? Those come first. */
  #busy = false;

  /** @param maxPixels most pixels of a picture, instead of its model's own limit */
  constructor(maxPixels?: number) {
    this.#maxPixels = maxPixels;
  }

  /** @param reader of all of them; undefined where there is nothing to read */
  expect(images: readonly ImageInput[], reader: ImageReader<ImageInput> | undefined): void {
    this.#expected = reader && [images, reader];
    if (!this.#busy) this.#begin();
  }

  /** Hands over those that are begun to the batch that begins. @param reader of that batch @param signal of it */
  take(reader: ImageReader<ImageInput>, signal: AbortSignal): AheadOfBatch<ImageInput> {
    // Requests may be taken back just before another model's batch begins: pictures are its own where it reads them.
    const begun = this.#begun.filter((entry) => entry.reader === reader);
    this.#drop(begun);
    this.#begun = [];
    // They are the batch's own now; what comes after it is not known yet.
    this.#expected = undefined;
    this.#busy = true;
    const stop = () => begun.forEach((entry) => entry.stop.abort(signal.reason));
    signal.addEventListener("abort", stop, { once: true });
    return {
      begun: (image) => find(begun, image)?.reading,
      onRead: () => {
        this.#busy = false;
        this.#begin();
      },
    };
  }

  #begin(): void {
    const next: Begun<ImageInput>[] = [];
    const [images, reader] = this.#expected ?? [[]];
    const before = this.#begun.filter((entry) => entry.reader === reader);
    for (const image of images) {
      if (find(next, image)) continue;
      const known = find(before, image);
      if (known) {
        next.push(known);
        continue;
      }
      const stop = new AbortController();
      const reading = reader?.readAhead(image, { signal: stop.signal, maxPixels: this.#maxPixels });
      // Whoever takes it is told what went wrong.
      reading?.catch(() => undefined);
      if (reader && reading) next.push({ image, reader, reading, stop });
    }
    this.#drop(next);
    this.#begun = next;
  }

  /** Leaves off what was begun for nothing. */
  #drop(wanted: readonly Begun<ImageInput>[]): void {
    for (const entry of this.#begun) if (!wanted.includes(entry)) entry.stop.abort();
  }
}

const find = <ImageInput>(begun: readonly Begun<ImageInput>[], image: ImageInput) =>
  begun.find((one) => sameImage(one.image, image));
