// Derived weights that exist only in memory and are not stored.
import { must } from "@blip-ts/base";
import type { ByteSource } from "@blip-ts/base";
import type { DerivedWeights } from "../files.ts";
import { memorySource } from "@blip-ts/checkpoint";
import { convertedNotKept } from "./errors.ts";

/** Names derived weights for messages. */
export const derivedName = ({ sources, type }: DerivedWeights): string =>
  `${must(sources, 0).name} as ${type}`;

/** Warns that weights are derived again at every load, and gives the reason. */
export function warnNotKept(weights: DerivedWeights, reason: string): void {
  weights.warn(convertedNotKept(derivedName(weights), reason));
}

/** Derives the file of `weights` in memory. @param bytes the file's bytes, if they are already being derived */
export async function derivedInMemory(
  weights: DerivedWeights,
  bytes: AsyncIterable<Uint8Array> = weights.bytes(),
): Promise<ByteSource> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    chunks.push(chunk);
    size += chunk.length;
  }
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return memorySource(derivedName(weights), whole);
}
