// Weights that are derived from a model's own weights and cached by the platform.
import { readSafetensors, type StoredTensor } from "@blip-ts/checkpoint";
import { ModelError } from "@blip-ts/base";
import type { DerivedWeights } from "../files.ts";
import type { Platform } from "../platform.ts";

/**
 * Reads the cached weights. Derives them if they are not cached, or if the cached weights are damaged.
 * @throws {ModelError} if the original weights cannot be read
 */
export async function keptTensors(
  platform: Pick<Platform<never>, "deriveWeights">,
  derived: DerivedWeights,
): Promise<ReadonlyMap<string, StoredTensor>> {
  const read = async (renew: boolean) =>
    (await readSafetensors(await platform.deriveWeights(derived, renew))).tensors;
  return read(false).catch((error: unknown) => {
    // If the second attempt fails too, throw its error.
    if (error instanceof ModelError && error.code.startsWith("checkpoint/")) return read(true);
    throw error;
  });
}
