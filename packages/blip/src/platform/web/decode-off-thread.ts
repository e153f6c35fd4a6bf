// Decodes each large image in a separate worker, which is terminated afterwards: a photograph of 108 megapixels takes 5
// s. Small images are decoded on the page's thread, in slices of a few milliseconds.
import { revivedError, whenAborted } from "@blip-ts/base";
import type { DecodeOptions } from "../../image/decode-options.ts";
import type { RgbImage } from "../../image/raw-image.ts";
import { noImageWorker } from "./errors.ts";
import { decodeFile, type Encoded, formatOf, inspectFile } from "./decode-file.ts";
import type { ImageReply, ImageRequest } from "./image-messages.ts";
import { currentSettings } from "./settings.ts";

/** The number of pixels from which an image is large: a photograph of 8 megapixels. */
const largePixels = 2 ** 23;

/** Starts the worker in the notation that bundlers recognize. */
const ownWorker = () =>
  new Worker(new URL("./web-image-worker.js", import.meta.url), { type: "module", name: "blip-ts image" });

/**
 * Starts the worker; undefined if the page may not start it, because its file is cross-origin or a policy forbids it.
 */
function startWorker(): Worker | undefined {
  const { imageWorker } = currentSettings();
  try {
    if (typeof imageWorker === "function") return imageWorker();
    return imageWorker === undefined
      ? ownWorker()
      : new Worker(new URL(imageWorker, document.baseURI), { type: "module", name: "blip-ts image" });
  } catch {
    return undefined;
  }
}

/** Decodes an image in the worker; undefined if the worker's script cannot be loaded. @throws the signal's reason */
function decodedBy(worker: Worker, encoded: Encoded, options: DecodeOptions): Promise<RgbImage | undefined> {
  const { alpha, orientation, grey16, maxPixels, size, signal, onWarning } = options;
  let forget = (): void => undefined;
  return new Promise<RgbImage | undefined>((resolve, reject) => {
    forget = whenAborted(signal, () => reject(signal?.reason as Error));
    worker.addEventListener("error", () => resolve(undefined));
    worker.addEventListener("message", ({ data: reply }: MessageEvent<ImageReply>) => {
      if (reply.kind === "warning") {
        onWarning?.(reply.warning);
        return;
      }
      if (reply.kind === "done") resolve(reply.image);
      else if (reply.known) reject(revivedError(reply.known));
      else reject(new Error(reply.message));
    });
    const request: ImageRequest = { encoded, options: { alpha, orientation, grey16, maxPixels, size } };
    worker.postMessage(request);
  }).finally(() => {
    forget();
    worker.terminate();
  });
}

/**
 * Returns the RGB bytes of a file; a large image has the requested size, if there is one.
 * @throws {InputError} `image/not-an-image`, `image/unsupported`, `image/truncated`, `image/too-large`
 * @throws the signal's reason
 */
export async function decodeOffThread(encoded: Encoded, options: DecodeOptions): Promise<RgbImage> {
  const { width, height } = inspectFile(encoded, formatOf(encoded), options.maxPixels);
  // Without a requested size, all pixels would have to be copied from the worker.
  if (!options.size || width * height < largePixels) return decodeFile(encoded, options);
  const worker = startWorker();
  const image = worker && (await decodedBy(worker, encoded, options));
  if (image) return image;
  options.onWarning?.(noImageWorker(encoded.name));
  return decodeFile(encoded, options);
}
