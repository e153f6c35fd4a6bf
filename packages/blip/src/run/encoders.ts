// The encoders of a loaded network.
import type { LoadedNetwork } from "../load/load-model.ts";
import { imageHeadOf } from "../tasks/index.ts";
import type { NetworkTask } from "../tasks/task.ts";
import type { ImageCache } from "./image-cache.ts";
import { ImageEncoder } from "./image-encoder.ts";
import { TextEncoder } from "./text-encoder.ts";

/** The encoder of images, and the encoder of texts with and without images. */
export interface Encoders {
  readonly images: ImageEncoder;
  readonly texts: TextEncoder;
}

/**
 * Creates the encoders for tasks that share them.
 * @param cache caches the outputs of the last images; if omitted, every call encodes its images
 */
export function encodersOf(
  loaded: LoadedNetwork,
  tasks: readonly NetworkTask[],
  cache?: ImageCache,
): Encoders {
  const head = imageHeadOf(tasks, loaded.opened.architecture);
  return { images: new ImageEncoder(loaded, head, cache), texts: new TextEncoder(loaded, head) };
}
