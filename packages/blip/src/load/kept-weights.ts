// Weights that are made of a model's own, as the platform keeps them.
import { readSafetensors, type StoredTensor } from "@blip-ts/checkpoint";
import { ModelError } from "@blip-ts/base";
import type { DerivedWeights } from "../files.ts";
import type { Platform } from "../platform.ts";

/**
 * What was made before, or is made now; anew if what was kept is damaged.
 * @throws {ModelError} if the original weights cannot be read
 */
export async function keptTensors(
  platform: Pick<Platform<never>, "deriveWeights">,
  derived: DerivedWeights,
): Promise<ReadonlyMap<string, StoredTensor>> {
  const read = async (renew: boolean) =>
    (await readSafetensors(await platform.deriveWeights(derived, renew))).tensors;
  return read(false).catch((error: unknown) => {
    // What cannot be read anew is reported.
    if (error instanceof ModelError && error.code.startsWith("checkpoint/")) return read(true);
    throw error;
  });
}
