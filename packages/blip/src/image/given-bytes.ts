// The bytes of a file that a caller gives: as they are, perhaps given to somebody else before, or written out in a data: URL.
import { dataUrlBytes, shownUrl } from "@blip-ts/base";
import { badDataUrl, unreachable } from "./errors.ts";

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

/** The file in a data: URL, under a name for messages. @throws {InputError} `image/bad-data-url` */
export function dataUrlFile(address: string): {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
} {
  const { bytes, problem } = dataUrlBytes(address);
  if (problem !== undefined) throw badDataUrl(problem);
  return { name: shownUrl("data:"), bytes };
}
