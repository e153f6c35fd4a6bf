// Weights that are made of a model's own and kept nowhere.
import type { ByteSource } from "../byte-source.ts";
import type { DerivedWeights } from "../platform.ts";
import { memorySource } from "./memory-source.ts";

/** The file of `weights` in memory. */
export async function derivedInMemory(weights: DerivedWeights): Promise<ByteSource> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of weights.bytes()) {
    pieces.push(piece);
    size += piece.length;
  }
  const whole = new Uint8Array(size);
  let place = 0;
  for (const piece of pieces) {
    whole.set(piece, place);
    place += piece.length;
  }
  return memorySource(`${weights.sources[0]?.name ?? "weights"} as ${weights.type}`, whole);
}
