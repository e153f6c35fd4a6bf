// Limits of decoding, in this process and in decoder processes.
import { availableParallelism } from "node:os";
import type { DecodingMemory } from "../../../image/decode-options.ts";
import { tooMuchMemory } from "../../../image/errors.ts";

/** The default time limit of decoding an image, in milliseconds. */
export const decodeMilliseconds = 30_000;
/** The time limit of reading an image's file, in milliseconds. */
export const readMilliseconds = 30_000;

/** The maximum number of processes that decode at a time: one per core, from 2 to 4. */
export const decoders = Math.min(4, Math.max(2, availableParallelism()));

/** The maximum bytes of all concurrent decodes. Half is reserved for images that need at most 64 MB. */
export const decodingTotal = 1024e6;

/**
 * Up to this many bytes (a photograph of 30 megapixels), a trusted caller's image is decoded in the caller's process.
 * Decoding a larger image takes longer than starting a process.
 */
export const decodedHere = 100e6;

/** The bytes of a decoder process without its image; 75 MB before the first image. */
export const decoderBytes = 100e6;

/**
 * Checks that an image fits a memory limit, in this process or in a process that is killed after the image.
 * @param needs bytes needed to decode the image
 * @throws {InputError} `image/too-large`, with the MB that the image needs
 */
export function checkMemory(name: string, needs: number, { here, apart, boundFor }: DecodingMemory): void {
  const needed = needs + decoderBytes;
  if (needs > here && needed > apart) throw tooMuchMemory(name, needed, boundFor(needed));
}
