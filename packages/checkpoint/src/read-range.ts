// Checked reads: a range is compared with the size of the source before anything is allocated.
import type { ByteSource } from "@blip-ts/base";
import { malformed, truncated } from "./errors.ts";

/**
 * Reads `length` bytes from `offset` for `what` (which goes into the message).
 * @throws {ModelError} `checkpoint/truncated` where the source is shorter; `checkpoint/malformed` for a range that is no range.
 */
export async function readRange(
  source: ByteSource,
  offset: number,
  length: number,
  what: string,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0)
    throw malformed(source.name, `${what} is said to be at byte ${offset}, ${length} bytes long`);
  if (offset + length > source.size) throw truncated(source.name, what, offset + length, source.size);
  const bytes = await source.read(offset, length);
  if (bytes.length !== length) throw truncated(source.name, what, length, bytes.length);
  return bytes;
}

/** A view for reading numbers out of `bytes`. */
export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** A little-endian unsigned 64-bit number; `undefined` where it is 2^53 or more. */
export function readUint64(view: DataView, at: number): number | undefined {
  const value = view.getBigUint64(at, true);
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Strict UTF-8; `undefined` where the bytes are not. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
