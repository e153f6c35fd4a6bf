// Limits of decoding, in this process and in decoder processes.
import { availableParallelism } from "node:os";
import type { DecodingMemory } from "../../../image/decode-options.ts";
import { tooMuchMemory } from "../../../image/errors.ts";

/** The default time limit of decoding an image, in milliseconds. */
export const decodeMilliseconds = 30_000;
/** The time limit of reading an image's file, in milliseconds. */
export const readMilliseconds = 30_000;

/** The most processes that decode at a time: one per core, from 2 to 4. */
export const decoders = Math.min(4, Math.max(2, availableParallelism()));

/** Bytes of all concurrent decodes; half of them are for images that need at most 64 MB. */
export const decodingTotal = 1024e6;

/**
 * Bytes up to which a trusted caller's image is decoded in the caller's own process: a photograph of 30 megapixels. A
 * larger image takes longer to decode than a process takes to start.
 */
export const decodedHere = 100e6;

/** Bytes of a decoder process besides its image: 75 MB before the first one. */
export const decoderBytes = 100e6;

/**
 * Checks that an image fits a memory bound, in this process or in one that is killed after it.
 * @param needs bytes needed to decode the image
 * @throws {InputError} `image/too-large`, with the MB that it needs
 */
export function checkMemory(name: string, needs: number, { here, apart, boundFor }: DecodingMemory): void {
  const needed = needs + decoderBytes;
  if (needs > here && needed > apart) throw tooMuchMemory(name, needed, boundFor(needed));
}
