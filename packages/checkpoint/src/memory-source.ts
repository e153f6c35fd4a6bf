// A ByteSource over bytes in memory.
import type { ByteSource } from "@blip-ts/base";
import { readFailed } from "./errors.ts";

/**
 * Serves ranges of `bytes` under `name`. Each read returns a copy in its own buffer, starting at byte 0. So callers can
 * view it as numbers of any width and write to it without changing the source.
 */
export const memorySource = (name: string, bytes: Uint8Array): ByteSource => ({
  name,
  size: bytes.length,
  read: (offset, length) => {
    const fits =
      Number.isSafeInteger(offset) &&
      Number.isSafeInteger(length) &&
      offset >= 0 &&
      length >= 0 &&
      offset + length <= bytes.length;
    if (!fits) return Promise.reject(readFailed(name, offset, length, bytes.length));
    return Promise.resolve(new Uint8Array(bytes.subarray(offset, offset + length)));
  },
});
