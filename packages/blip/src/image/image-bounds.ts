// Limits that are checked before memory is allocated for an image: pixels, pixels per stored byte, scans, images per
// file.
import { manyFrames, manyScans, tooDense } from "./errors.ts";
import { checkArea } from "./image-area.ts";
import { jpegHeader, jpegScans } from "./jpeg-header.ts";
import type { ImageFormat } from "./sniff.ts";
import { tiffDirectories } from "./tiff-directory.ts";
import { riffChunks } from "./webp-chunks.ts";

/**
 * The most pixels of an untrusted caller's image: 2^26, slightly more than a phone camera of 64 megapixels takes. At
 * three bytes per pixel, this is 201 MB.
 */
export const serverMaxPixels = 2 ** 26;

/**
 * The most pixels per stored byte, in addition to the `freePixels` that any file may have. Flat images compress well.
 * Deflate reaches 1,032 bytes per byte, so a flat 8-bit PNG has up to 1,032 pixels per byte; LZW reaches about 1,340.
 * Flat pages in the bitmap formats are therefore accepted at any size. Lossless WebP, AVIF, 1-bit PNG and unterminated
 * LZW compress more (34 bytes can declare 178 million pixels). They are accepted up to `freePixels`, 33.5 million,
 * which is an 8K screen.
 */
export const maxPixelsPerByte = 2048;
export const freePixels = 2 ** 25;

/** The most scans of a progressive JPEG: encoders make about ten, and each covers all pixels. */
export const maxScans = 100;

/** The most images in one file. Only the first image is decoded, but decoders spend time on counting the others. */
export const maxFrames = 10_000;

export interface Bounded {
  readonly width: number;
  readonly height: number;
  /** The file's size in bytes. */
  readonly bytes: number;
}

/**
 * Checks an image's pixels, and its pixels per stored byte.
 * @param maxPixels the most pixels; by default `defaultMaxPixels` @throws {InputError} `image/too-large`
 */
export function checkSize(name: string, { width, height, bytes }: Bounded, maxPixels?: number): void {
  checkArea(name, width, height, maxPixels);
  if (width * height > freePixels + maxPixelsPerByte * bytes) throw tooDense(name, { width, height, bytes });
}

function webpFrames(bytes: Uint8Array): number {
  let frames = 0;
  for (const { type } of riffChunks(bytes)) if (type === "ANMF") frames++;
  return frames;
}

/** Checks the numbers of scans and of images, which take decoding time. @throws {InputError} `image/too-large` */
export function checkParts(name: string, format: ImageFormat, bytes: Uint8Array): void {
  if (format === "jpeg" && jpegHeader(bytes)?.progressive === true) {
    const scans = jpegScans(bytes, maxScans);
    if (scans > maxScans) throw manyScans(name, maxScans);
  }
  const frames =
    format === "webp" ? webpFrames(bytes) : format === "tiff" ? tiffDirectories(bytes, maxFrames) : 1;
  if (frames > maxFrames) throw manyFrames(name, maxFrames);
}
