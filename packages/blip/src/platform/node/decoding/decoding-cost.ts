// Estimates from an image's header how much additional memory sharp needs to decode it. The factors are measured
// (docs/images.md).
import { jpegHeader } from "../../../image/jpeg-header.ts";
import { orientationOf } from "../../../image/exif-orientation.ts";
import { ByteReader } from "../../../image/byte-reader.ts";
import { parsePngHeader } from "../../../image/png-header.ts";
import { tiffDirectory } from "../../../image/tiff-directory.ts";
import { tiffKind } from "../../../image/tiff-kind.ts";
import type { ImageFormat } from "../../../image/sniff.ts";
import type { EncodedImage } from "../read-image.ts";

/** RGB. The second value is for decoders that produce RGBA, or 16-bit grey, which is then converted to RGB. */
const rgb = 3;
const throughRgba = 4 + rgb;

/** A progressive JPEG keeps its coefficients, 2 bytes each, until its last scan. */
const jpegBytes = (bytes: Uint8Array) => (jpegHeader(bytes)?.progressive === true ? rgb + 6 : rgb);

function pngBytes(bytes: Uint8Array): number {
  const header = parsePngHeader(bytes);
  const depth = header?.bitDepth ?? 16;
  const whole: Readonly<Record<number, number>> = { 0: 1 + rgb + (depth === 16 ? 2 : 0), 2: rgb };
  // A transparent colour is made white in a copy; an interlaced image is held whole.
  const keyed = header?.key ? rgb : 0;
  const interlaced = new ByteReader(bytes).u8(28) === 1 ? (4 * Math.max(8, depth)) / 8 : 0;
  return (whole[header?.colourType ?? 6] ?? throughRgba) + keyed + interlaced;
}

function tiffBytes(bytes: Uint8Array): number {
  const { bits, samples } = tiffKind(tiffDirectory(bytes));
  const stored = (samples * Math.max(8, ...bits)) / 8;
  return stored + (samples === 3 ? rgb : throughRgba);
}

/** Bytes per pixel, of the decoded image and its conversions. */
const perPixel: Readonly<Record<ImageFormat, (bytes: Uint8Array) => number>> = {
  jpeg: jpegBytes,
  png: pngBytes,
  webp: () => 4 + throughRgba,
  gif: () => 1 + rgb,
  avif: () => 12 + throughRgba,
  tiff: tiffBytes,
};

/** @param width and `height`: in pixels, from the header @returns the peak bytes, including the file's */
export async function decodingBytes(
  { format, bytes }: Pick<EncodedImage, "format" | "bytes">,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<number> {
  // Rotation needs a second copy of the image. The file is in memory twice while it is sent between processes.
  const turning = (await orientationOf(format, bytes)) === 1 ? 0 : 4;
  return 2 * bytes.length + width * height * (perPixel[format](bytes) + turning);
}
