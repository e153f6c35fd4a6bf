// IEEE 754 binary16 as bits: the oldest supported Node has no Float16Array.
import { must } from "@blip-ts/base";

/** The largest finite half. */
export const halfMax = 65504;

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The bits of the half nearest to a float32, ties to even. Numbers beyond the largest finite half become that half. */
export function toHalf(value: number): number {
  float[0] = value;
  const word = must(bits, 0);
  const sign = (word >>> 16) & 0x8000;
  const rest = word & 0x7fffffff;
  if (rest > 0x7f800000) return sign | 0x7e00;
  // From 65520 on, rounding would give infinity.
  if (rest >= 0x477ff000) return sign | 0x7bff;
  if (rest < 0x38800000) {
    // Below 2^-14 a half counts steps of 2^-24.
    const steps = Math.abs(float[0]) * 2 ** 24;
    const floor = Math.floor(steps);
    const left = steps - floor;
    return sign | (left > 0.5 || (left === 0.5 && floor % 2 === 1) ? floor + 1 : floor);
  }
  const rounded = rest + 0xfff + ((rest >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}

/** The number that a half's bits stand for. */
export function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
