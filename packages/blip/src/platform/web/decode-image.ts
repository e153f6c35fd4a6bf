// Pictures of a page. PNG and GIF are decoded by our own code, to the bytes that Node gives; JPEG, WebP and AVIF by the
// browser, with colour profiles left alone.
import { InputError, missed } from "@blip-ts/base";
import { badRaw, notAnImage, tooLarge, truncated, unreachable, unsupported } from "../../image/errors.ts";
import { declaredSize, type SizedFormat } from "../../image/declared-size.ts";
import { decodeGif, parseGif } from "../../image/gif.ts";
import { checkArea } from "../../image/image-area.ts";
import { parsePngHeader } from "../../image/png-header.ts";
import { isRawImage, toRgb, whitenColour, type RawImage, type RgbImage } from "../../image/raw-image.ts";
import { sniff, sniffLength, type ImageFormat } from "../../image/sniff.ts";
import type { DecodeOptions } from "../../image/decode-options.ts";
import { decodePng, parsePng } from "./decode-png.ts";
import { tainted } from "./errors.ts";
import { bodyOf } from "./chunks.ts";

/**
 * A file, a URL (relative ones from the page's own address), the bytes of a file, what an image element shows, a canvas,
 * a bitmap, or pixels.
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

/** Largest file. */
const maxFileBytes = 256 * 1024 * 1024;

interface Encoded {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The file behind a URL. @throws {InputError} `image/unreachable`, `image/too-large` */
async function fetchBytes(address: string | URL, signal: AbortSignal | undefined): Promise<Encoded> {
  let url: URL;
  try {
    url = new URL(address, document.baseURI);
  } catch (error) {
    throw unreachable(String(address), "expected a URL", error);
  }
  const name = url.protocol === "data:" ? "the image" : url.href;
  let response: Response;
  try {
    response = await fetch(url, signal ? { signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    const shared = url.origin === location.origin || url.origin === "null";
    throw unreachable(
      name,
      `cannot be fetched${shared ? "" : `, or its server does not let pages of ${location.origin} read it (CORS)`}`,
      error,
    );
  }
  if (!response.ok) throw unreachable(name, `the server answered ${response.status} ${response.statusText}`);
  try {
    return { name, bytes: await readBody(name, response) };
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof InputError) throw error;
    throw unreachable(name, `the connection broke off (${messageOf(error)}): get it again`, error);
  }
}

/** @throws {InputError} `image/too-large`, before all of it is in memory */
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

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let filled = 0;
  for (const part of parts) {
    whole.set(part, filled);
    filled += part.length;
  }
  return whole;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** @throws {InputError} `image/too-large`, `image/unreachable` for a file that was moved since it was chosen */
async function readBlob(blob: Blob): Promise<Encoded> {
  const name = "name" in blob && typeof blob.name === "string" ? blob.name : "the image";
  if (blob.size > maxFileBytes) throw tooLarge(name, `${blob.size} bytes`, `${maxFileBytes} bytes`);
  try {
    return { name, bytes: new Uint8Array(await blob.arrayBuffer()) };
  } catch (error) {
    throw unreachable(name, `the browser cannot read it (${messageOf(error)}): choose it again`, error);
  }
}

/** @throws {InputError} `image/not-an-image`, `image/unsupported` */
function formatOf({ name, bytes }: Encoded): ImageFormat {
  const sniffed = sniff(bytes.subarray(0, sniffLength));
  if (sniffed.kind === "image") return sniffed.format;
  throw sniffed.kind === "unsupported"
    ? unsupported(name, sniffed.description)
    : notAnImage(name, sniffed.description);
}

/** What a canvas holds, as bytes without multiplication by alpha. @throws {InputError} `image/unreachable` */
function pixelsOf(image: CanvasImageSource, width: number, height: number): RawImage {
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!context)
    throw badRaw("the browser has no room for another canvas. Close other pages, or make it smaller.");
  context.drawImage(image, 0, 0);
  try {
    const { data } = context.getImageData(0, 0, width, height);
    return { data, width, height, channels: 4 };
  } catch (error) {
    throw tainted(error);
  }
}

/**
 * A JPEG without its EXIF. Browsers turn every picture as that says: `imageOrientation: "none"` means "from-image" since
 * the HTML standard took it so.
 */
function withoutExif(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const kept: Uint8Array<ArrayBuffer>[] = [bytes.subarray(0, 2)];
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1] ?? missed("byte");
    // The pixels begin.
    if (marker === 0xda) break;
    const end = at + 2 + (((bytes[at + 2] ?? missed("byte")) << 8) | (bytes[at + 3] ?? missed("byte")));
    if (marker !== 0xe1) kept.push(bytes.subarray(at, end));
    at = end;
  }
  kept.push(bytes.subarray(at));
  return joined(kept);
}

function isTranslucent({ data }: RawImage): boolean {
  for (let at = 3; at < data.length; at += 4) if (data[at] !== 255) return true;
  return false;
}

/** A picture by the browser's decoder. */
async function decodeByBrowser(
  { name, bytes }: Encoded,
  format: SizedFormat,
  { alpha, orientation, maxPixels, onWarning }: DecodeOptions,
): Promise<RawImage> {
  // A browser has no limit that can be set, and takes the memory first.
  const declared = declaredSize(format, bytes);
  if (!declared) throw truncated(name, "its header does not say how large it is");
  checkArea(name, declared.width, declared.height, maxPixels);
  const file = format === "jpeg" && orientation === "stored" ? withoutExif(bytes) : bytes;
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(new Blob([file], { type: `image/${format}` }), {
      colorSpaceConversion: "none",
      premultiplyAlpha: "none",
      imageOrientation: "from-image",
    });
  } catch (error) {
    if (format === "tiff" || format === "avif")
      throw unsupported(name, `${format.toUpperCase()}, for which this browser has no decoder`, error);
    throw truncated(name, "the browser cannot decode it", error);
  }
  try {
    checkArea(name, bitmap.width, bitmap.height, maxPixels);
    const pixels = pixelsOf(bitmap, bitmap.width, bitmap.height);
    if (alpha === "drop" && isTranslucent(pixels))
      onWarning?.({
        code: "hidden-colours-lost",
        message: `${name}: browsers forget the colours under transparent pixels of ${format}, which this mode looks at; convert it to PNG`,
      });
    return pixels;
  } finally {
    bitmap.close();
  }
}

async function decodeFile(encoded: Encoded, options: DecodeOptions): Promise<RgbImage> {
  const { name, bytes } = encoded;
  const format = formatOf(encoded);
  const onClip = () =>
    options.onWarning?.({
      code: "grey16-clipped",
      message: `${name}: a 16-bit grey image is clipped at 255, as Pillow does; convert it to 8 bits for its full range`,
    });
  if (format === "gif") {
    const frame = parseGif(bytes, name);
    checkArea(name, frame.width, frame.height, options.maxPixels);
    return decodeGif(bytes, frame, name, options.alpha);
  }
  if (format === "png") {
    const frame = parsePng(bytes, name);
    checkArea(name, frame.width, frame.height, options.maxPixels);
    const rgb = await toRgb(await decodePng(frame, name), { ...options, onClip });
    const key = options.alpha === "white" ? parsePngHeader(bytes)?.key : undefined;
    return key ? whitenColour(rgb, key) : rgb;
  }
  return toRgb(await decodeByBrowser(encoded, format, options), options);
}

/**
 * The RGB bytes of a picture; of an animation, its first frame.
 * @throws {InputError} `image/not-an-image`, `image/unsupported`, `image/truncated`, `image/too-large`, `image/bad-raw`,
 * `image/unreachable`
 */
export async function decodeImage(input: ImageInput, options: DecodeOptions): Promise<RgbImage> {
  const { signal, maxPixels } = options;
  signal?.throwIfAborted();
  if (typeof input === "string" || input instanceof URL)
    return decodeFile(await fetchBytes(input, signal), options);
  if (input instanceof Blob) return decodeFile(await readBlob(input), options);
  if (input instanceof ArrayBuffer)
    return decodeFile({ name: "the image", bytes: new Uint8Array(input) }, options);
  if (input instanceof Uint8Array)
    return decodeFile({ name: "the image", bytes: Uint8Array.from(input) }, options);
  if (input instanceof HTMLImageElement) {
    const address = input.currentSrc || input.src;
    if (address === "") throw unreachable("the image element", "it has no src");
    // Its file, not what it paints: painting turns the picture and changes its colours.
    return decodeFile(await fetchBytes(address, signal), options);
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
      throw badRaw(`expected a canvas or bitmap with pixels, found ${width} x ${height}.`);
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
