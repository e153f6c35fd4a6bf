// Reads images, checks their limits, and decodes them in this process or in a separate process.
import { resolve } from "node:path";
import { unlessAborted } from "@blip-ts/base";
import { badRaw, readTooSlow } from "../../image/errors.ts";
import { checkArea } from "../../image/image-area.ts";
import { isRawImage, toRgb, type RawImage, type RgbImage } from "../../image/raw-image.ts";
import type { DecodeOptions } from "../../image/decode-options.ts";
import { decodeHere } from "./decoding/decode-here.ts";
import { rawOptions } from "./decoding/decode-encoded.ts";
import { inspectImage } from "./decoding/inspect-image.ts";
import { checkMemory, decodedHere, readMilliseconds } from "./decoding/limits.ts";
import { within } from "./decoding/within.ts";
import { fetchedImages } from "./fetch-image.ts";
import type { BodyShare } from "./net/body-room.ts";
import { pathOfImage, readImage, type EncodedInput } from "./read-image.ts";

/** A path, an http(s), data or file URL, the bytes of a file, or raw pixels. */
export type ImageInput = EncodedInput | RawImage;

/** Loads the decoder pool on demand, because most programs decode images in their own process. */
const apart = () => import("./decoding/decode-apart.ts");

/** Decodes a trusted caller's image in this process, unless the image is so large that decoding must be cancellable. */
async function decodeTrusted(
  input: EncodedInput,
  options: DecodeOptions,
  share: BodyShare,
): Promise<RgbImage> {
  const { signal, maxPixels, memory, size, allowPrivateRedirects } = options;
  const path = pathOfImage(input);
  const reading = readImage(input, { signal, allowPrivateRedirects, share });
  const late = () => readTooSlow(path ?? "the image", readMilliseconds);
  const encoded = await unlessAborted(
    path === undefined ? reading : within(reading, readMilliseconds, late),
    signal,
  );
  const image = await inspectImage(encoded, maxPixels);
  if (memory) checkMemory(image.name, image.needs, memory);
  // Without `size`, the caller gets all pixels, which a separate process would have to send through a pipe.
  if (!size || image.needs <= (memory?.here ?? decodedHere)) return decodeHere(image, options);
  const { decodeApart } = await apart();
  return decodeApart({ name: image.name, bytes: image.bytes }, options);
}

/** Decodes an untrusted image in a separate process. If the image is a file, the separate process also reads it. */
async function decodeIsolated(
  input: EncodedInput,
  options: DecodeOptions,
  share: BodyShare,
): Promise<RgbImage> {
  const { signal, maxPixels, allowPrivateRedirects } = options;
  const { decodeApart } = await apart();
  const path = pathOfImage(input);
  if (path !== undefined) return decodeApart({ name: path, path: resolve(path) }, options);
  const encoded = await readImage(input, { signal, allowPrivateRedirects, share });
  const { name, bytes } = await inspectImage(encoded, maxPixels);
  return decodeApart({ name, bytes }, options);
}

/**
 * Returns the RGB bytes of an image; for an animation, of its first frame.
 * @param options `stored` keeps the pixels in the file's own orientation, except of TIFF, which is always upright
 * @returns for raw RGB bytes, a view of the bytes; with `size` and a separate process, an image of that size
 * @throws {InputError} `image/not-found`, `image/unreadable`, `image/not-an-image`, `image/unsupported`,
 * `image/truncated`, `image/too-large`, `image/too-slow`, `image/decoder-ended`, `image/bad-raw`, `image/bad-data-url`,
 * `image/unreachable`
 * @throws the signal's reason
 */
export async function decodeImage(input: ImageInput, options: DecodeOptions): Promise<RgbImage> {
  const { signal, maxPixels, isolate } = options;
  signal?.throwIfAborted();
  if (!isInput(input))
    throw badRaw(
      `expected a path, a URL, bytes, a Blob, or { data, width, height, channels }, got ${typeof input}.`,
    );
  if (typeof input === "object" && isRawImage(input)) {
    checkArea("raw pixels", input.width, input.height, maxPixels);
    return toRgb(input, rawOptions(options, "raw pixels"));
  }
  const share = fetchedImages.open();
  try {
    return await (isolate === true ? decodeIsolated : decodeTrusted)(input, options, share);
  } finally {
    share.close();
  }
}

/** Checks the type of the input, because JavaScript callers can pass any value. */
function isInput(input: unknown): input is ImageInput {
  if (typeof input === "string") return true;
  if (typeof input !== "object" || input === null) return false;
  const classes = [URL, Uint8Array, ArrayBuffer, Blob];
  return isRawImage(input) || classes.some((one) => input instanceof one);
}
