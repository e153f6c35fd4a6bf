// Reads the chunks of a WebP file (RFC 9649, 2.3 and 2.7).
import { ByteReader, maxParts } from "./byte-reader.ts";

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

/** Iterates over the chunks of a WebP. Bytes after the declared size do not belong to it. */
export function* riffChunks(bytes: Uint8Array): Generator<RiffChunk, void, undefined> {
  const file = new ByteReader(bytes);
  const total = Math.min(file.length, 8 + file.u32(4, true));
  for (let start = 12, step = 0; step < maxParts && start + 8 <= total; step++) {
    const length = file.u32(start + 4, true);
    const [data, end] = [start + 8, start + 8 + length];
    const next = end + (length % 2);
    yield { type: file.letters(start), start, data, end, next };
    start = next;
  }
}

/** Flags of the VP8X chunk (RFC 9649, 2.7.1). */
export const webpFlags = { animation: 0x02, exif: 0x08, alpha: 0x10 } as const;

/** The flags of a WebP; 0 if it has no VP8X chunk. */
function flagsOf(bytes: Uint8Array): number {
  const file = new ByteReader(bytes);
  return file.letters(12) === "VP8X" ? file.u8(20) : 0;
}

/** Whether a WebP announces EXIF. libwebp, and so Pillow, ignores an EXIF chunk that is not announced. */
export const announcesExif = (bytes: Uint8Array): boolean => (flagsOf(bytes) & webpFlags.exif) !== 0;

/**
 * Whether a WebP is an animation that announces no alpha. Pillow drops the alpha of its frames, and of the part of the
 * image that the first frame does not cover.
 */
export const isOpaqueAnimation = (bytes: Uint8Array): boolean =>
  (flagsOf(bytes) & (webpFlags.animation | webpFlags.alpha)) === webpFlags.animation;
