// What decoding may take, of this process and of those that decode for it.
import { availableParallelism } from "node:os";
import type { DecodingMemory } from "../../../image/decode-options.ts";
import { tooMuchMemory } from "../../../image/errors.ts";

/** Milliseconds that decoding an image may take, unless told. */
export const decodeMilliseconds = 30_000;
/** Milliseconds that reading its file may take. */
export const readMilliseconds = 30_000;

/** Processes that decode at a time: one per core, from 2 to 4. */
export const decoders = Math.min(4, Math.max(2, availableParallelism()));

/** Bytes of all that is being decoded at once, half of them for images that need 64 MB at most. */
export const decodingTotal = 1024e6;

/**
 * Bytes up to which an image is decoded in the caller's own process, if its caller is trusted: a photograph of 30
 * megapixels. A larger one takes longer than a process takes to start.
 */
export const decodedHere = 100e6;

/** Bytes of a process that decodes, beside its image: 75 MB before the first one. */
export const decoderBytes = 100e6;

/**
 * Is there room for an image within a bound of memory: in this process, or in one that ends after it?
 * @param needs bytes that decoding it takes
 * @throws {InputError} `image/too-large`, with the MB that it needs
 */
export function checkMemory(name: string, needs: number, { here, apart, boundFor }: DecodingMemory): void {
  const needed = needs + decoderBytes;
  if (needs > here && needed > apart) throw tooMuchMemory(name, needed, boundFor(needed));
}
