// Reads the chunks of a WebP file (RFC 9649, 2.3 and 2.7).
import type { OwnBytes } from "@blip-ts/base";
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

/** The position of the flags, in the file's first chunk. */
const flagsAt = 20;
const hasFlags = (bytes: Uint8Array): boolean => new ByteReader(bytes).letters(12) === "VP8X";

/** The flags of a WebP; 0 if it has no VP8X chunk. */
const flagsOf = (bytes: Uint8Array): number => (hasFlags(bytes) ? new ByteReader(bytes).u8(flagsAt) : 0);

/** Whether a WebP announces EXIF. libwebp, and so Pillow, ignores an EXIF chunk that is not announced. */
export const announcesExif = (bytes: Uint8Array): boolean => (flagsOf(bytes) & webpFlags.exif) !== 0;

/**
 * Whether a WebP is an animation that announces no alpha. Pillow drops the alpha of its frames, and of the part of the
 * image that the first frame does not cover.
 */
export const isOpaqueAnimation = (bytes: Uint8Array): boolean =>
  (flagsOf(bytes) & (webpFlags.animation | webpFlags.alpha)) === webpFlags.animation;

/** Whether a WebP's lossless pixels have alpha: a bit behind their signature and their sides of 14 bits (RFC 9649, 3.4). */
function hasLosslessAlpha(bytes: Uint8Array): boolean {
  for (const { type, data } of riffChunks(bytes)) {
    if (type === "VP8L") return ((new ByteReader(bytes).u32(data + 1, true) >>> 28) & 1) === 1;
    if (type === "VP8 ") return false;
  }
  return false;
}

/**
 * A still WebP whose VP8X chunk announces the alpha of its lossless pixels. Pillow uses that alpha even if VP8X denies
 * it; libvips leaves it out, and Chromium's colours are then wrong. (Pillow ignores the ALPH chunk of lossy pixels if VP8X
 * denies alpha.)
 * @returns the file itself if nothing is to be announced, otherwise a copy
 */
export function withAlphaAnnounced<Bytes extends Uint8Array>(bytes: Bytes): Bytes | OwnBytes {
  const flags = flagsOf(bytes);
  const isDenied = hasFlags(bytes) && (flags & (webpFlags.animation | webpFlags.alpha)) === 0;
  if (!isDenied || !hasLosslessAlpha(bytes)) return bytes;
  const announced = Uint8Array.from(bytes);
  announced[flagsAt] = flags | webpFlags.alpha;
  return announced;
}
