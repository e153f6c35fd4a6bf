// Fetches a page's images from any source, checks their limits, and decodes them. Large images are decoded and resized
// in a worker, so that the page stays responsive.
import { InputError, shownName, shownUrl, isDataUrl, whenAborted } from "@blip-ts/base";
import { badRaw, tooLarge, unreachable } from "../../image/errors.ts";
import { checkArea } from "../../image/image-area.ts";
import { isRawImage, toRgb, type RawImage, type RgbImage } from "../../image/raw-image.ts";
import { dataUrlFile, givenBytes } from "../../image/given-bytes.ts";
import type { DecodeOptions } from "../../image/decode-options.ts";
import { type Encoded, pixelsOf } from "./decode-file.ts";
import { decodeOffThread } from "./decode-off-thread.ts";
import { bodyOf, joined } from "./chunks.ts";

/**
 * A file, a URL (relative to the page's own address), the bytes of a file, an image element, a canvas, a bitmap, or
 * pixels.
 */
export type ImageInput =
  | string
  | URL
  | Blob
  | Uint8Array
  | ArrayBuffer
  | HTMLImageElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | ImageBitmap
  | ImageData
  | RawImage;

/** The largest file, in bytes. */
const maxFileBytes = 256 * 1024 * 1024;
/** The time limit for an image behind a URL, as in Node. */
const timeoutMilliseconds = 30_000;

/** Fetches the file behind a URL. @throws {InputError} `image/unreachable`, `image/too-large` */
async function fetchBytes(address: string | URL, signal: AbortSignal | undefined): Promise<Encoded> {
  const text = String(address);
  // Decode data URLs here, because `fetch` would apply the page's connection policy (CSP) to them.
  if (isDataUrl(text)) return dataUrlFile(text);
  let url: URL;
  try {
    url = new URL(address, document.baseURI);
  } catch (error) {
    throw unreachable(shownName(text), "expected a URL", error);
  }
  const name = shownUrl(url.href);
  // Some supported browsers have no `AbortSignal.any`.
  const stop = new AbortController();
  const abort = () => stop.abort(signal?.reason);
  const forget = whenAborted(signal, abort);
  if (signal?.aborted === true) abort();
  const late = new Error(`no whole answer within ${timeoutMilliseconds / 1000} seconds`);
  const timer = setTimeout(() => stop.abort(late), timeoutMilliseconds);
  try {
    return { name, bytes: await fetchWithin(name, url, stop.signal) };
  } catch (error) {
    signal?.throwIfAborted();
    throw stop.signal.reason === late ? unreachable(name, late.message, error) : error;
  } finally {
    clearTimeout(timer);
    forget();
  }
}

/** @throws {InputError} `image/unreachable`, `image/too-large` */
async function fetchWithin(name: string, url: URL, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  let response: Response;
  try {
    response = await fetch(url, { signal });
  } catch (error) {
    const shared = url.origin === location.origin || url.origin === "null";
    throw unreachable(
      name,
      `cannot be fetched${shared ? "" : `, or its server does not let pages of ${location.origin} read it (CORS)`}`,
      error,
    );
  }
  if (!response.ok) {
    void response.body?.cancel().catch(() => undefined);
    throw unreachable(name, `the server answered ${response.status}`);
  }
  try {
    return await readBody(name, response);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw unreachable(name, `the connection broke off (${messageOf(error)}): get it again`, error);
  }
}

/** @throws {InputError} `image/too-large`, before the whole body is in memory */
async function readBody(name: string, response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const said = Number(response.headers.get("content-length") ?? 0);
  if (said > maxFileBytes) throw tooLarge(name, `${said} bytes`, `${maxFileBytes} bytes`);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const part of bodyOf(response)) {
    size += part.length;
    if (size > maxFileBytes) throw tooLarge(name, "more", `${maxFileBytes} bytes`);
    parts.push(part);
  }
  return joined(parts);
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** @throws {InputError} `image/too-large`, `image/unreachable` if the file was moved since the user chose it */
async function readBlob(blob: Blob): Promise<Encoded> {
  const name = "name" in blob && typeof blob.name === "string" ? blob.name : "the image";
  if (blob.size > maxFileBytes) throw tooLarge(name, `${blob.size} bytes`, `${maxFileBytes} bytes`);
  try {
    return { name, bytes: new Uint8Array(await blob.arrayBuffer()) };
  } catch (error) {
    throw unreachable(name, `the browser cannot read it (${messageOf(error)}): choose it again`, error);
  }
}

/**
 * Returns the RGB bytes of an image; for an animation, of its first frame.
 * @throws {InputError} `image/not-an-image`, `image/unsupported`, `image/truncated`, `image/too-large`,
 * `image/bad-raw`, `image/unreachable`
 */
export async function decodeImage(input: ImageInput, options: DecodeOptions): Promise<RgbImage> {
  const { signal, maxPixels } = options;
  signal?.throwIfAborted();
  if (typeof input === "string" || input instanceof URL)
    return decodeOffThread(await fetchBytes(input, signal), options);
  if (input instanceof Blob) return decodeOffThread(await readBlob(input), options);
  if (input instanceof ArrayBuffer)
    return decodeOffThread({ name: "the image", bytes: givenBytes(input) }, options);
  if (input instanceof Uint8Array)
    return decodeOffThread({ name: "the image", bytes: Uint8Array.from(givenBytes(input)) }, options);
  if (input instanceof HTMLImageElement) {
    const address = input.currentSrc || input.src;
    if (address === "") throw unreachable("the image element", "it has no src");
    // Decode the element's file, because painting the element rotates the image and changes its colours.
    return decodeOffThread(await fetchBytes(address, signal), options);
  }
  if (input instanceof ImageData) {
    const { data, width, height } = input;
    checkArea("the ImageData", width, height, maxPixels);
    return toRgb({ data, width, height, channels: 4 }, options);
  }
  if (
    input instanceof HTMLCanvasElement ||
    input instanceof OffscreenCanvas ||
    input instanceof ImageBitmap
  ) {
    const { width, height } = input;
    if (width === 0 || height === 0)
      throw badRaw(`expected a canvas or bitmap with pixels, got ${width} x ${height}.`);
    checkArea("the canvas or bitmap", width, height, maxPixels);
    return toRgb(pixelsOf(input, width, height), options);
  }
  if (typeof input === "object" && isRawImage(input)) {
    checkArea("raw pixels", input.width, input.height, maxPixels);
    return toRgb(input, options);
  }
  throw badRaw(
    "expected a File, Blob, URL, bytes, image element, canvas, ImageBitmap, ImageData, or { data, width, height, channels }.",
  );
}
