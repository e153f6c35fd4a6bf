// Reads a JPEG's header (ITU-T T.81, B.2), and counts its scans.
import { ByteReader, maxParts } from "./byte-reader.ts";

export interface JpegHeader {
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  /** Whether the decoder keeps all coefficients until the last scan. */
  readonly progressive: boolean;
}

/** A segment of the file before its pixels. */
export interface JpegSegment {
  readonly marker: number;
  /** The start of the segment's content, after marker and length. */
  readonly start: number;
  readonly end: number;
}

/** Iterates over the segments before the pixels. Skips bytes that are not markers, as decoders do. */
export function* jpegSegments(bytes: Uint8Array): Generator<JpegSegment, void, undefined> {
  const file = new ByteReader(bytes);
  let at = 2;
  for (let step = 0; step < maxParts && at < file.length; step++) {
    const marker = file.u8(at) === 0xff ? file.u8(at + 1) : 0;
    // Skip fill bytes, and bytes that are not markers.
    if (marker === 0 || marker === 0xff) {
      at++;
      continue;
    }
    // The pixels begin, or the image ends.
    if (marker === 0xda || marker === 0xd9) return;
    const isAlone = marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
    const end = at + 2 + (isAlone ? 0 : file.u16(at + 2));
    if (!(end > at)) return;
    if (!isAlone) yield { marker, start: at + 4, end };
    at = end;
  }
}

/** Reads the first frame header. Returns undefined if there is no frame header before the pixels. */
export function jpegHeader(bytes: Uint8Array): JpegHeader | undefined {
  const file = new ByteReader(bytes);
  for (const { marker, start } of jpegSegments(bytes)) {
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (!isFrame) continue;
    const progressive = [0xc2, 0xc6, 0xca, 0xce].includes(marker);
    return { width: file.u16(start + 3), height: file.u16(start + 1), progressive };
  }
  return undefined;
}

/** Counts the scans, up to `most` + 1. Each scan covers all pixels. */
export function jpegScans(bytes: Uint8Array, most: number): number {
  let scans = 0;
  for (let at = bytes.indexOf(0xff); at >= 0 && scans <= most; at = bytes.indexOf(0xff, at + 1))
    if (bytes[at + 1] === 0xda) scans++;
  return scans;
}
