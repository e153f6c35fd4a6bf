// Reads an image's EXIF orientation (Exif 2.32, 4.6.4, tag 274), for all formats and platforms. JPEG stores EXIF in its
// first APP1 segment named Exif, PNG in eXIf (third edition, 11.3.4.5), WebP in an EXIF chunk (RFC 9649, 2.7). A TIFF
// file has the same structure as EXIF. AVIF stores the orientation in its own boxes, which decoders apply.
import { missed } from "@blip-ts/base";
import { ByteReader, maxParts } from "./byte-reader.ts";
import { jpegSegments } from "./jpeg-header.ts";
import { pauses } from "./pause.ts";
import type { RgbImage } from "./raw-image.ts";
import type { ImageFormat } from "./sniff.ts";
import { tiffDirectory } from "./tiff-directory.ts";

/** An EXIF orientation: 1 leaves an image unchanged, 2 to 4 mirror it or rotate it by 180°, 5 to 8 swap its sides. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

const orientations: readonly Orientation[] = [1, 2, 3, 4, 5, 6, 7, 8];
const orientationTag = 0x112;

/** "Exif", 0, 0: the prefix of the EXIF block in JPEG, and by mistake in some WebP files. */
const prefix = [0x45, 0x78, 0x69, 0x66, 0, 0];
const hasPrefix = (bytes: Uint8Array) => prefix.every((byte, index) => bytes[index] === byte);

function jpegExif(bytes: Uint8Array): Uint8Array | undefined {
  for (const { marker, start, end } of jpegSegments(bytes)) {
    const data = bytes.subarray(start, end);
    if (marker === 0xe1 && hasPrefix(data)) return data;
  }
  return undefined;
}

function pngExif(bytes: Uint8Array): Uint8Array | undefined {
  const file = new ByteReader(bytes);
  for (let at = 8, step = 0; step < maxParts && at + 12 <= file.length; step++) {
    const [length, type] = [file.u32(at), file.letters(at + 4)];
    if (type === "eXIf") return bytes.subarray(at + 8, at + 8 + length);
    if (type === "IEND") break;
    at += 12 + length;
  }
  return undefined;
}

/** A part of a WebP file. */
export interface RiffChunk {
  readonly type: string;
  /** The position of the chunk's header. `end` excludes the padding byte that makes the length even. */
  readonly start: number;
  readonly data: number;
  readonly end: number;
  /** The position of the next chunk. */
  readonly next: number;
}

export function* riffChunks(bytes: Uint8Array): Generator<RiffChunk, void, undefined> {
  const file = new ByteReader(bytes);
  for (let start = 12, step = 0; step < maxParts && start + 8 <= file.length; step++) {
    const length = file.u32(start + 4, true);
    const [data, end] = [start + 8, start + 8 + length];
    const next = end + (length % 2);
    yield { type: file.letters(start), start, data, end, next };
    start = next;
  }
}

function webpExif(bytes: Uint8Array): Uint8Array | undefined {
  for (const { type, data, end } of riffChunks(bytes)) if (type === "EXIF") return bytes.subarray(data, end);
  return undefined;
}

/** Extracts a format's EXIF block. */
const blocks: Readonly<Record<ImageFormat, (bytes: Uint8Array) => Uint8Array | undefined>> = {
  jpeg: jpegExif,
  png: pngExif,
  webp: webpExif,
  tiff: (bytes) => bytes,
  gif: () => undefined,
  avif: () => undefined,
};

/** Returns the orientation of an image; 1 if the orientation is missing or invalid. */
export function orientationOf(format: ImageFormat, bytes: Uint8Array): Orientation {
  const block = blocks[format](bytes);
  if (!block) return 1;
  const [value] =
    tiffDirectory(hasPrefix(block) ? block.subarray(prefix.length) : block).get(orientationTag) ?? [];
  return orientations.find((known) => known === value) ?? 1;
}

/**
 * Turns an image upright. Yields to the event loop about every 8 ms.
 * @returns the upright image; `image` itself if the orientation is 1
 */
export async function turned(image: RgbImage, orientation: Orientation): Promise<RgbImage> {
  if (orientation === 1) return image;
  const { data: source, width: w, height: h } = image;
  const swaps = orientation >= 5;
  const [width, height] = swaps ? [h, w] : [w, h];
  // The source of each result pixel is at start + x * across + y * down, counted in pixels.
  const end = w * h - 1;
  const [start, across, down] = (
    {
      2: [w - 1, -1, w],
      3: [end, -1, -w],
      4: [end - w + 1, 1, -w],
      5: [0, w, 1],
      6: [end - w + 1, -w, 1],
      7: [end, -w, -1],
      8: [w - 1, w, -1],
    } as const
  )[orientation];
  const data = new Uint8Array(width * height * 3);
  const pause = pauses();
  let at = 0;
  for (let row = 0; row < height; row++) {
    let from = (start + row * down) * 3;
    for (let column = 0; column < width; column++, from += across * 3) {
      data[at++] = source[from] ?? missed("pixel");
      data[at++] = source[from + 1] ?? missed("pixel");
      data[at++] = source[from + 2] ?? missed("pixel");
    }
    const wait = pause();
    if (wait) await wait;
  }
  return { data, width, height };
}
