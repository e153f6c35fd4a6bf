// Weights derived from a model's own, kept by the platform.
import { readSafetensors, type StoredTensor } from "@blip-ts/checkpoint";
import { ModelError } from "@blip-ts/base";
import type { DerivedWeights } from "../files.ts";
import type { Platform } from "../platform.ts";

/**
 * Reads the kept weights, or derives them now; derives them again if the kept ones are damaged.
 * @throws {ModelError} if the original weights cannot be read
 */
export async function keptTensors(
  platform: Pick<Platform<never>, "deriveWeights">,
  derived: DerivedWeights,
): Promise<ReadonlyMap<string, StoredTensor>> {
  const read = async (renew: boolean) =>
    (await readSafetensors(await platform.deriveWeights(derived, renew))).tensors;
  return read(false).catch((error: unknown) => {
    // If the second attempt fails too, its error is reported.
    if (error instanceof ModelError && error.code.startsWith("checkpoint/")) return read(true);
    throw error;
  });
}
