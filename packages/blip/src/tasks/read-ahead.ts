// Pictures that are read while another batch runs: the engine's threads compute, the platform's decode.
import { samePicture } from "./distinct-pictures.ts";
import { readPicture, type AheadOfBatch, type ReadPicture } from "./picture-model.ts";
import type { ImageProcessor } from "./processor.ts";

/** Begins to read a picture; undefined where memory is bounded, and pictures are read one at a time. */
export const readAhead = <ImageInput>(
  image: ImageInput,
  processor: ImageProcessor<ImageInput>,
  signal: AbortSignal,
  other?: ImageProcessor<ImageInput>,
): Promise<ReadPicture> | undefined =>
  processor.atOnce === undefined ? readPicture(image, processor, other, signal) : undefined;

interface Begun<ImageInput> {
  readonly image: ImageInput;
  readonly picture: Promise<ReadPicture>;
  readonly stop: AbortController;
}

type Read<ImageInput> = (image: ImageInput, signal: AbortSignal) => Promise<ReadPicture> | undefined;

const nothing = [[], () => undefined] as const;

/** Pictures of the requests that are likely to be next; those of others are dropped. */
export class PicturesAhead<ImageInput> {
  #begun: readonly Begun<ImageInput>[] = [];
  #expected: readonly [images: readonly ImageInput[], read: Read<ImageInput>] = nothing;
  /** Is a batch reading its own pictures? Those come first. */
  #busy = false;

  /** @param read begins to read a picture, if it may be read ahead */
  expect(images: readonly ImageInput[], read: Read<ImageInput>): void {
    this.#expected = [images, read];
    if (!this.#busy) this.#begin();
  }

  /** Hands over those that are begun to the batch that begins. @param signal of that batch */
  take(signal: AbortSignal): AheadOfBatch<ImageInput> {
    const begun = this.#begun;
    this.#begun = [];
    // They are the batch's own now; what comes after it is not known yet.
    this.#expected = nothing;
    this.#busy = true;
    const stop = () => begun.forEach((one) => one.stop.abort(signal.reason));
    signal.addEventListener("abort", stop, { once: true });
    return {
      begun: (image) => find(begun, image)?.picture,
      onRead: () => {
        this.#busy = false;
        this.#begin();
      },
    };
  }

  #begin(): void {
    const [images, read] = this.#expected;
    const [before, next] = [this.#begun, [] as Begun<ImageInput>[]];
    for (const image of images) {
      if (find(next, image)) continue;
      const known = find(before, image);
      if (known) {
        next.push(known);
        continue;
      }
      const stop = new AbortController();
      const picture = read(image, stop.signal);
      // Whoever takes it is told what went wrong.
      picture?.catch(() => undefined);
      if (picture) next.push({ image, picture, stop });
    }
    for (const one of before) if (!next.includes(one)) one.stop.abort();
    this.#begun = next;
  }
}

const find = <ImageInput>(begun: readonly Begun<ImageInput>[], image: ImageInput) =>
  begun.find((one) => samePicture(one.image, image));
