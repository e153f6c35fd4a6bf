// Random inputs of a step. Each input has its own stream, which depends only on the step's seed and the input's name.
import { seededRandom, type Random } from "../../decode/random.ts";

/** The random stream for a seed and a name. */
export function streamOf(seed: number, name: string): Random {
  // FNV-1a of the name's code units.
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return seededRandom(seed, hash >>> 0);
}

/** A mask of `count` bytes: 0 with probability `rate`, else 1. Each uses 26 bits, so the rate is exact to 1.5e-8. */
export function keepMask(count: number, rate: number, random: Random): Uint8Array {
  const mask = new Uint8Array(count);
  const bound = rate * 2 ** 26;
  for (let at = 0; at < count; at += 2) {
    const number = random() * 2 ** 26;
    const whole = Math.floor(number);
    mask[at] = whole >= bound ? 1 : 0;
    if (at + 1 < count) mask[at + 1] = (number - whole) * 2 ** 26 >= bound ? 1 : 0;
  }
  return mask;
}

/** Uniform float32 numbers from 0 to below 1. No number rounds up to 1. */
export function uniforms(count: number, random: Random): Float32Array {
  return Float32Array.from({ length: count }, () => Math.floor(random() * 2 ** 24) / 2 ** 24);
}

/** Two independent standard normal numbers (Box-Muller). */
export function normals(random: Random): readonly [number, number] {
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  const angle = 2 * Math.PI * random();
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}
