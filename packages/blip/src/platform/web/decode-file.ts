// Decodes the bytes of a page's image to RGB, on the page's own thread or in a worker. This package's own code decodes
// PNG and GIF, to the same bytes as in Node. The browser decodes JPEG, WebP and AVIF, without colour profiles.
import {
  badRaw,
  grey16Clipped,
  hiddenColoursLost,
  notAnImage,
  truncated,
  unsupported,
} from "../../image/errors.ts";
import { declaredSize, type DeclaredSize, type SizedFormat } from "../../image/declared-size.ts";
import type { DecodeOptions } from "../../image/decode-options.ts";
import { turnTo } from "../../image/exif-orientation.ts";
import { decodeGif, parseGif } from "../../image/gif.ts";
import { checkArea } from "../../image/image-area.ts";
import { checkParts, checkSize } from "../../image/image-bounds.ts";
import { turned } from "../../image/orientation.ts";
import { parsePngHeader } from "../../image/png-header.ts";
import { toRgb, whitenColour, type RawImage, type RgbImage } from "../../image/raw-image.ts";
import { sniff, sniffLength, type ImageFormat } from "../../image/sniff.ts";
import { tiffDirectory } from "../../image/tiff-directory.ts";
import { tiffKind, unreadTiff } from "../../image/tiff-kind.ts";
import { isOpaqueAnimation, withAlphaAnnounced } from "../../image/webp-chunks.ts";
import { decodePng, parsePng } from "./decode-png.ts";
import { tainted } from "./errors.ts";
import { withoutExif } from "./without-exif.ts";

/** The bytes of an image's file. */
export interface Encoded {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The longest side and the most pixels of a canvas that all browsers support. */
const canvasSide = 16_384;
const canvasPixels = 2 ** 28;

/** @throws {InputError} `image/not-an-image`, `image/unsupported` */
export function formatOf({ name, bytes }: Encoded): ImageFormat {
  const sniffed = sniff(bytes.subarray(0, sniffLength));
  if (sniffed.kind === "image") return sniffed.format;
  throw sniffed.kind === "unsupported"
    ? unsupported(name, sniffed.description)
    : notAnImage(name, sniffed.description);
}

/** Reads a canvas's pixels without premultiplied alpha. @throws {InputError} `image/unreachable` */
export function pixelsOf(image: CanvasImageSource, width: number, height: number): RawImage {
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

function isTranslucent({ data }: RawImage): boolean {
  for (let at = 3; at < data.length; at += 4) if (data[at] !== 255) return true;
  return false;
}

/** The error for a file with a valid header that the browser cannot decode. */
function failure(
  { name }: Encoded,
  format: SizedFormat,
  { width, height }: DeclaredSize,
  cause: unknown,
): Error {
  if (format === "tiff" || format === "avif")
    return unsupported(name, `${format.toUpperCase()}, for which this browser has no decoder`, cause);
  if (Math.max(width, height) > canvasSide || width * height > canvasPixels)
    return unsupported(name, `${width} x ${height} pixels, more than this browser decodes`, cause);
  return truncated(name, "the browser cannot decode it", cause);
}

/** Whether the alpha of the browser's pixels does not count. */
const isOpaque = (format: ImageFormat, bytes: Uint8Array): boolean =>
  format === "webp" && isOpaqueAnimation(bytes);

/** Decodes an image with the browser's decoder, in its stored orientation; AVIF and TIFF upright. */
async function decodeByBrowser(
  encoded: Encoded,
  format: SizedFormat,
  size: DeclaredSize,
  { alpha, maxPixels, onWarning }: DecodeOptions,
): Promise<RawImage> {
  const { name, bytes } = encoded;
  const file = format === "webp" ? withAlphaAnnounced(bytes) : bytes;
  let bitmap: ImageBitmap;
  try {
    // Whether browsers apply the EXIF orientation depends on the format and the browser, so the EXIF is removed first.
    bitmap = await createImageBitmap(new Blob([withoutExif(format, file)], { type: `image/${format}` }), {
      colorSpaceConversion: "none",
      premultiplyAlpha: "none",
      imageOrientation: "from-image",
    });
  } catch (error) {
    throw failure(encoded, format, size, error);
  }
  try {
    checkArea(name, bitmap.width, bitmap.height, maxPixels);
    const pixels = pixelsOf(bitmap, bitmap.width, bitmap.height);
    if (alpha === "drop" && !isOpaque(format, bytes) && isTranslucent(pixels))
      onWarning?.(hiddenColoursLost(name, format));
    return pixels;
  } finally {
    bitmap.close();
  }
}

/** Checks an image against the limits and returns its size. @throws {InputError} `image/...` */
export function inspectFile(
  encoded: Encoded,
  format: ImageFormat,
  maxPixels: number | undefined,
): DeclaredSize {
  const { name, bytes } = encoded;
  const size = format === "gif" ? parseGif(bytes, name) : declaredSize(format, bytes);
  // Browsers have no limit to set, and allocate the memory first.
  if (!size) throw truncated(name, "its header has no size");
  checkSize(name, { width: size.width, height: size.height, bytes: bytes.length }, maxPixels);
  checkParts(name, format, bytes);
  const unread = format === "tiff" ? unreadTiff(tiffKind(tiffDirectory(bytes))) : undefined;
  if (unread !== undefined) throw unsupported(name, unread);
  return size;
}

/** @throws {InputError} `image/not-an-image`, `image/unsupported`, `image/truncated`, `image/too-large` */
export async function decodeFile(encoded: Encoded, options: DecodeOptions): Promise<RgbImage> {
  const { name, bytes } = encoded;
  const format = formatOf(encoded);
  const size = inspectFile(encoded, format, options.maxPixels);
  const onClip = () => options.onWarning?.(grey16Clipped(name));
  if (format === "gif") return decodeGif(bytes, parseGif(bytes, name), name, options.alpha);
  const upright = async (image: RgbImage) =>
    // The browser turns a TIFF itself.
    turned(image, await turnTo(format === "tiff" ? "stored" : options.orientation, format, bytes));
  if (format !== "png") {
    const raw = await decodeByBrowser(encoded, format, size, options);
    return upright(await toRgb(raw, isOpaque(format, bytes) ? { ...options, alpha: "drop" } : options));
  }
  const rgb = await toRgb(await decodePng(parsePng(bytes, name), name), { ...options, onClip });
  const key = options.alpha === "white" ? parsePngHeader(bytes)?.key : undefined;
  return upright(key ? await whitenColour(rgb, key) : rgb);
}
