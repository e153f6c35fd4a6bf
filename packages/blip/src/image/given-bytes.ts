// Bytes that a caller gives, and may have given to somebody else before.
import { unreachable } from "./errors.ts";

/** The bytes of a file. @throws {InputError} `image/unreachable` if their memory went to another thread */
export function givenBytes<Memory extends ArrayBufferLike>(
  input: Uint8Array<Memory> | Memory,
): Uint8Array<Memory> {
  const isView = input instanceof Uint8Array;
  try {
    // Engines of today have no other way to see that memory is gone.
    if (input.byteLength === 0) new Uint8Array(isView ? input.buffer : input);
  } catch {
    throw unreachable(
      "the image",
      "expected the bytes of a file, got a buffer that was transferred away (detached). Give a copy of it.",
    );
  }
  return isView ? input : new Uint8Array(input);
}
