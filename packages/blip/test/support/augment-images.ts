// The 20 small images of oracle/train/data/images.py, computed with the same integer arithmetic.
import type { RgbImage } from "../../src/image/raw-image.ts";

const sizes = [
  [37, 29],
  [64, 48],
  [33, 65],
  [48, 48],
  [31, 17],
] as const;

function valueAt(kind: number, x: number, y: number, channel: number, noise: number): number {
  if (kind === 0) return noise & 255;
  if (kind === 1) return (x * (3 + channel) + y * (5 - channel)) & 255;
  if (kind === 2) return ((x >> 3) + (y >> 2)) % 2 === 1 ? 40 + 60 * channel : 250 - 70 * channel;
  return 20 + 10 * channel + ((x * 2 + y) >> 1) + (noise & 7);
}

function image(number: number, width: number, height: number): RgbImage {
  let state = (number * 7919 + 12345) & 0x7fffffff;
  const data = new Uint8Array(width * height * 3);
  let at = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let channel = 0; channel < 3; channel++) {
        state = (state * 1103 + 12345) % 2147483647;
        data[at++] = valueAt(number % 4, x, y, channel, state >> 8);
      }
  return { data, width, height };
}

export const augmentImages: readonly RgbImage[] = Array.from({ length: 20 }, (_, number) => {
  const [width, height] = sizes[number % sizes.length] ?? [1, 1];
  return image(number, width, height);
});

/** A square image of noise. */
export const noise = (side: number): RgbImage => image(0, side, side);
