// Decodes an image in this process, within the shared memory budget. Native decoding cannot be cancelled: an aborted
// call rejects immediately, but its bytes count until the decoding ends.
import { unlessAborted } from "@blip-ts/base";
import type { DecodeOptions } from "../../../image/decode-options.ts";
import { tooSlow } from "../../../image/errors.ts";
import type { RgbImage } from "../../../image/raw-image.ts";
import { DecodeBudget } from "./decode-budget.ts";
import { decodeEncoded } from "./decode-encoded.ts";
import type { InspectedImage } from "./inspect-image.ts";
import { within } from "./within.ts";
import { decodeMilliseconds, decoders, decodingTotal } from "./limits.ts";

/** Large images may use all decoder processes but one, so that small images can always run. */
export const budget = new DecodeBudget(decodingTotal, decoders - 1);

/**
 * @throws {InputError} `image/unsupported`, `image/truncated`, `image/too-large`, `image/too-slow`
 * @throws the signal's reason
 */
export async function decodeHere(image: InspectedImage, options: DecodeOptions): Promise<RgbImage> {
  const { signal, timeout = decodeMilliseconds } = options;
  const release = await budget.acquire(image.needs, signal);
  const work = decodeEncoded(image, options).finally(release);
  return unlessAborted(
    within(work, timeout, () => tooSlow(image.name, timeout)),
    signal,
  );
}
