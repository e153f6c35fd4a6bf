// What cleaning a data set needs of its machine besides the platform: hashes, files, small images for the page. Node's is
// in platform/node/capfilt.
import type { Closable } from "@blip-ts/base";
import type { EvaluatedImage, EvaluationHost } from "../evaluate/host.ts";
import type { ImageFormat } from "../image/sniff.ts";

/** An image as the platform decodes it: a path or URL, the bytes of a file, or raw pixels. */
export type CollectedImage = EvaluatedImage;

/** A file that is written from its beginning to its end. */
export interface FileSink extends Closable {
  /** @throws {UsageError} `capfilt/cannot-write` */
  write(content: Uint8Array | string): Promise<void>;
}

export interface CapFiltHost extends Pick<
  EvaluationHost,
  "hasher" | "imageOf" | "openRows" | "writeFile" | "now"
> {
  /** Names in a folder; undefined if it is not there. @throws {UsageError} `capfilt/cannot-write` if it is no folder */
  list(folder: string): Promise<readonly string[] | undefined>;
  /** Makes a folder, and those above it. @throws {UsageError} `capfilt/cannot-write` */
  makeFolder(folder: string): Promise<void>;
  /** Removes a file, or a folder with all that is in it, if it is there. */
  remove(path: string): Promise<void>;
  /** Gives a folder another name. @throws {UsageError} `capfilt/cannot-write` */
  rename(folder: string, name: string): Promise<void>;
  /** Begins a file anew. @throws {UsageError} `capfilt/cannot-write` */
  create(path: string): Promise<FileSink>;
  /** The bytes of an encoded image, wherever it lies. @throws {InputError} `image/...` */
  readImage(
    image: CollectedImage,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly bytes: Uint8Array; readonly format: ImageFormat }>;
  /** A JPEG whose longer side has so many pixels at most. @throws {InputError} `image/...` */
  thumbnail(image: CollectedImage, side: number, signal: AbortSignal | undefined): Promise<Uint8Array>;
}
