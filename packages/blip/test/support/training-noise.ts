// Numbers derived from a name, equal here and in oracle/train/objectives/noise.py.
import { floatTensor, sizeOf, type Tensor } from "@blip-ts/graph";

/** Numbers from 0 to below 1: FNV-1a of the name plus multiples of the golden ratio, mixed with murmur3's finalizer. */
export function uniformNoise(name: string, count: number): Float64Array {
  let seed = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) seed = Math.imul(seed ^ name.charCodeAt(at), 0x01000193);
  return Float64Array.from({ length: count }, (_, index) => {
    let x = (seed + Math.imul(index, 0x9e3779b9)) | 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
  });
}

/** A tensor of numbers from mean - size to mean + size. */
export const namedNoise = (name: string, dims: readonly number[], mean = 0, size = 0.5) =>
  floatTensor(
    dims,
    Float32Array.from(uniformNoise(name, sizeOf(dims)), (u) => mean + size * (2 * u - 1)),
  );

/** Weights with gains near 1, a moderate temperature, and all others large enough to matter. */
export function namedWeight(name: string, dims: readonly number[]): Tensor<"float32"> {
  if (name === "temp") return floatTensor(dims, [0.2]);
  const isGain = name.endsWith(".weight") && /norm\d?\.weight$/i.test(name);
  return isGain ? namedNoise(name, dims, 1, 0.3) : namedNoise(name, dims);
}
