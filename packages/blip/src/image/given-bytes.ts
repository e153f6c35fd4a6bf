// Reads the bytes of a file from a caller: a buffer, which may have been transferred to another thread, or a data: URL.
import { dataUrlBytes, shownUrl } from "@blip-ts/base";
import { badDataUrl, unreachable } from "./errors.ts";

/**
 * Returns the bytes of a file. @throws {InputError} `image/unreachable` if their memory was transferred to another
 * thread
 */
export function givenBytes<Memory extends ArrayBufferLike>(
  input: Uint8Array<Memory> | Memory,
): Uint8Array<Memory> {
  const isView = input instanceof Uint8Array;
  try {
    // JavaScript engines have no other way to detect a transferred buffer.
    if (input.byteLength === 0) new Uint8Array(isView ? input.buffer : input);
  } catch {
    throw unreachable(
      "the image",
      "expected the bytes of a file, got a buffer that was transferred away (detached). Give a copy of it.",
    );
  }
  return isView ? input : new Uint8Array(input);
}

/** Decodes the file in a data: URL. Also returns a name for messages. @throws {InputError} `image/bad-data-url` */
export function dataUrlFile(address: string): {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
} {
  const { bytes, problem } = dataUrlBytes(address);
  if (problem !== undefined) throw badDataUrl(problem);
  return { name: shownUrl("data:"), bytes };
}
