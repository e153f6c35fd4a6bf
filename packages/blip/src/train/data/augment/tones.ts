// The operations on an image's tones: BLIP's transform/randaugment.py, which uses NumPy and OpenCV on 8-bit RGB.
import { must } from "@blip-ts/base";
import type { RgbImage } from "../../../image/raw-image.ts";
import { viewOf } from "./view-of.ts";

/** The variants of AutoContrast: Pillow's, and BLIP's own, which negates the darkest value in 8 bits. */
export const autoContrasts = ["pillow", "blip"] as const;

export type AutoContrast = (typeof autoContrasts)[number];

/** Maps each channel through its table of 256 values. */
function byTables({ data, width, height }: RgbImage, tables: readonly Uint8Array[]): RgbImage {
  const target = new Uint8Array(data.length);
  const bytes = viewOf(data);
  tables.map(viewOf).forEach((table, channel) => {
    for (let at = channel; at < data.length; at += 3) target[at] = table.getUint8(bytes.getUint8(at));
  });
  return { data: target, width, height };
}

const count = (counts: Uint32Array, value: number): void => {
  counts[value] = must(counts, value) + 1;
};

/** The count of each value in each of the three channels. */
function histograms({ data }: RgbImage): readonly Uint32Array[] {
  const counts = [new Uint32Array(256), new Uint32Array(256), new Uint32Array(256)] as const;
  const [red, green, blue] = counts;
  const bytes = viewOf(data);
  for (let at = 0; at + 2 < data.length; at += 3) {
    count(red, bytes.getUint8(at));
    count(green, bytes.getUint8(at + 1));
    count(blue, bytes.getUint8(at + 2));
  }
  return counts;
}

const table = (value: (index: number) => number): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, index) => value(index));

const clipped = (value: number): number => Math.trunc(Math.min(255, Math.max(0, value)));

/**
 * Stretches each channel to 0..255.
 * @param form `blip`: as in BLIP's own code, a channel whose darkest value is not 0 becomes 255 everywhere
 */
export function autoContrast(image: RgbImage, form: AutoContrast): RgbImage {
  const tables = histograms(image).map((counts) => {
    const low = counts.findIndex((some) => some > 0);
    let high = 255;
    while (high > low && counts[high] === 0) high--;
    if (high <= low) return table((index) => index);
    const scale = 255 / (high - low);
    // In NumPy, the negative of an unsigned byte is 256 minus it.
    const offset = (form === "pillow" || low === 0 ? -low : 256 - low) * scale;
    return table((index) => clipped(index * scale + offset));
  });
  return byTables(image, tables);
}

/** Equalizes the histogram of each channel (Pillow's definition). */
export function equalize(image: RgbImage): RgbImage {
  const tables = histograms(image).map((counts) => {
    let last = 255;
    while (last > 0 && counts[last] === 0) last--;
    const total = counts.reduce((sum, some) => sum + some, 0);
    const step = Math.floor((total - must(counts, last)) / 255);
    if (step === 0) return table((index) => index);
    let sum = Math.floor(step / 2);
    return table((index) => {
      const value = Math.min(255, Math.floor(sum / step));
      sum += must(counts, index);
      return value;
    });
  });
  return byTables(image, tables);
}

/** Multiplies all values by a factor. @param factor 1 changes nothing */
export function brightness(image: RgbImage, factor: number): RgbImage {
  const single = Math.fround(factor);
  const values = table((index) => clipped(Math.fround(index * single)));
  return byTables(image, [values, values, values]);
}

/**
 * Moves each pixel away from the mean of its neighbours. Edge pixels do not change. Values outside 0 to 255 wrap
 * modulo 256 instead of being clipped, as in the reference on x86.
 * @param factor 1 changes nothing
 */
export function sharpness(image: RgbImage, factor: number): RgbImage {
  if (factor === 1) return image;
  const { data, width, height } = image;
  const { fround } = Math;
  const single = fround(factor);
  const target = Uint8Array.from(data);
  const bytes = viewOf(data);
  const stride = width * 3;
  for (let row = 1; row < height - 1; row++)
    for (let at = row * stride + 3; at < (row + 1) * stride - 3; at++) {
      const value = bytes.getUint8(at);
      let sum = 5 * value;
      for (const line of [at - stride, at + stride])
        sum += bytes.getUint8(line - 3) + bytes.getUint8(line) + bytes.getUint8(line + 3);
      sum += bytes.getUint8(at - 3) + bytes.getUint8(at + 3);
      // No sum over 13 lies halfway between two whole numbers, so any order of addition rounds the same way.
      const smooth = Math.floor((2 * sum + 13) / 26);
      target[at] = Math.trunc(fround(smooth + fround(single * (value - smooth)))) & 255;
    }
  return { data: target, width, height };
}
