// Computes the seed of an image's draw from the run's seed and the image's key.
import type { ImageSource } from "@blip-ts/datasets";
import type { EvaluationHost } from "../evaluate/host.ts";
import { hashOf } from "../evaluate/survey.ts";

type Hashes = Pick<EvaluationHost, "hasher">;

/**
 * The image's key, independent of the data's location: its path relative to the image folder, its URL, or its bytes.
 */
export function keyOfImage(host: Hashes, source: ImageSource): string {
  if (source.kind === "path") return `path ${source.path}`;
  return source.kind === "url" ? `url ${source.url}` : `bytes ${hashOf(host, source.bytes)}`;
}

/** The number of hexadecimal digits that a JavaScript number represents exactly. */
const digits = 13;

/** A whole number below 2^52: the first digits of the SHA-256 of seed and key. */
export function sampleSeed(host: Hashes, seed: number, key: string): number {
  const hasher = host.hasher();
  hasher.update(`${seed}\n${key}`);
  return Number.parseInt(hasher.digest().slice(0, digits), 16);
}
