// A ByteSource over bytes that are in memory already.
import type { ByteSource } from "@blip-ts/base";
import { readFailed } from "./errors.ts";

/**
 * Serves ranges of `bytes` under `name`. Each read is a copy: it starts at byte 0 of its own buffer, so that it can be
 * seen as numbers of any width, and writing to it leaves the source as it is.
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
