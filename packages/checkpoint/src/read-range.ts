// Checked reads: a range is compared with the source's size before anything is allocated.
import type { ByteSource } from "@blip-ts/base";
import { malformed, truncated } from "./errors.ts";

/**
 * Reads `length` bytes from `offset`.
 * @param what the name of the range, for messages
 * @throws {ModelError} `checkpoint/truncated` if the source is shorter; `checkpoint/malformed` if the range is invalid
 */
export async function readRange(
  source: ByteSource,
  offset: number,
  length: number,
  what: string,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0)
    throw malformed(source.name, `${what} has the impossible range of ${length} bytes from byte ${offset}`);
  if (offset + length > source.size) throw truncated(source.name, what, offset + length, source.size);
  const bytes = await source.read(offset, length);
  if (bytes.length !== length) throw truncated(source.name, what, length, bytes.length);
  return bytes;
}

/** A view to read numbers from `bytes`. */
export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** A little-endian unsigned 64-bit number; undefined if it is 2^53 or more. */
export function readUint64(view: DataView, at: number): number | undefined {
  const value = view.getBigUint64(at, true);
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Decodes strict UTF-8; undefined if the bytes are not valid. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
