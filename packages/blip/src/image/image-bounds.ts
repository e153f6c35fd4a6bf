// What an image may ask for before memory is taken for it: pixels, pixels per stored byte, scans, images in one file.
import { manyFrames, manyScans, tooDense } from "./errors.ts";
import { riffChunks } from "./exif-orientation.ts";
import { checkArea } from "./image-area.ts";
import { jpegHeader, jpegScans } from "./jpeg-header.ts";
import type { ImageFormat } from "./sniff.ts";
import { tiffDirectories } from "./tiff-directory.ts";

/**
 * Most pixels of an image of a caller who is not trusted: 2^26, of which phones of 64 megapixels take a few less. Three
 * bytes each, they are 201 MB.
 */
export const serverMaxPixels = 2 ** 26;

/**
 * Pixels per stored byte beyond the pixels that any file may have. What is flat compresses well: Deflate to 1,032 bytes
 * per byte, so that a flat PNG of 8 bits has up to 1,032 pixels per byte, and LZW to about 1,340, so that flat pages of
 * the bitmap formats pass, however large. Lossless WebP, AVIF, PNG of 1 bit and LZW without ends go beyond (34 bytes can
 * declare 178 million pixels): they pass up to `freePixels`, 33.5 million, which is a screen of 8K.
 */
export const maxPixelsPerByte = 2048;
export const freePixels = 2 ** 25;

/** Scans of a progressive JPEG: encoders make about ten, and each goes over all pixels. */
export const maxScans = 100;

/** Images in one file. The first one is decoded; the others are counted by decoders, which takes time. */
export const maxFrames = 10_000;

export interface Bounded {
  readonly width: number;
  readonly height: number;
  /** Bytes of the file. */
  readonly bytes: number;
}

/**
 * @param maxPixels most pixels, `defaultMaxPixels` unless told
 * @throws {InputError} `image/too-large`
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

/** What decoders go over beside the pixels. @throws {InputError} `image/too-large` */
export function checkParts(name: string, format: ImageFormat, bytes: Uint8Array): void {
  if (format === "jpeg" && jpegHeader(bytes)?.progressive === true) {
    const scans = jpegScans(bytes, maxScans);
    if (scans > maxScans) throw manyScans(name, maxScans);
  }
  const frames =
    format === "webp" ? webpFrames(bytes) : format === "tiff" ? tiffDirectories(bytes, maxFrames) : 1;
  if (frames > maxFrames) throw manyFrames(name, maxFrames);
}
