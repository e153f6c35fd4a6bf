// The system functions that CapFilt needs in addition to the platform: hashes, files, thumbnails for the page.
// platform/node/capfilt implements them for Node.
import type { Closable } from "@blip-ts/base";
import type { EvaluatedImage, EvaluationHost } from "../evaluate/host.ts";
import type { ImageFormat } from "../image/sniff.ts";

/** An image as the platform decodes it: a path or URL, the bytes of a file, or raw pixels. */
export type CollectedImage = EvaluatedImage;

/** A file that is written sequentially. */
export interface FileSink extends Closable {
  /** @throws {UsageError} `capfilt/cannot-write` */
  write(content: Uint8Array | string): Promise<void>;
}

export interface CapFiltHost extends Pick<
  EvaluationHost,
  "hasher" | "imageOf" | "openRows" | "writeFile" | "now"
> {
  /**
   * Lists the names in a folder; undefined if it is missing.
   * @throws {UsageError} `capfilt/cannot-write` if the path is not a folder
   */
  list(folder: string): Promise<readonly string[] | undefined>;
  /** Creates a folder and its parents. @throws {UsageError} `capfilt/cannot-write` */
  makeFolder(folder: string): Promise<void>;
  /** Removes a file, or a folder with its content, if it exists. */
  remove(path: string): Promise<void>;
  /** Renames a folder. @throws {UsageError} `capfilt/cannot-write` */
  rename(folder: string, name: string): Promise<void>;
  /** Creates or truncates a file. @throws {UsageError} `capfilt/cannot-write` */
  create(path: string): Promise<FileSink>;
  /** Reads the bytes of an encoded image from any source. @throws {InputError} `image/...` */
  readImage(
    image: CollectedImage,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly bytes: Uint8Array; readonly format: ImageFormat }>;
  /** Creates a JPEG whose longer side has at most `side` pixels. @throws {InputError} `image/...` */
  thumbnail(image: CollectedImage, side: number, signal: AbortSignal | undefined): Promise<Uint8Array>;
}
