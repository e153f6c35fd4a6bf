// Detects photographs. A drawing has patches of one colour, also if it stands before a photograph. In a photograph, sensor
// noise and JPEG's rounding change every pixel, so equal pixels form only small patches. Almost black or white patches do
// not count, because cameras clip dark and bright parts. At 128 pixels per side, the largest patch had 39 pixels or fewer
// in 7 photographs, and 57 or more in 95 % of 200 scenes of docs/world.md (70 % after JPEG of quality 85). The share of
// equal neighbours was at most 0.27 in photographs, and is far larger in black drawings on white.
import { embeddedDrawings } from "./errors.ts";
import type { ImageConfig } from "./preprocess.ts";
import { must, type Warning } from "@blip-ts/base";

/** A drawing's largest patch of one colour has at least this share of its pixels. */
export const leastPatch = 0.0035;
/** An image with at least this share of equal neighbours is a drawing, whatever its colours. */
export const flatShare = 1 / 2;

/** Pixels are almost black up to this byte in all channels, and almost white from 255 minus this byte. */
const clipped = 16;

type Size = Pick<ImageConfig, "width" | "height">;

/** Returns whether two pixels are equal in all channels. */
function comparer(pixels: Float32Array, plane: number): (pixel: number, other: number) => boolean {
  return (pixel, other) => {
    for (let start = 0; start < 3 * plane; start += plane)
      if (pixels[start + pixel] !== pixels[start + other]) return false;
    return true;
  };
}

/** Returns the share of neighbouring pixels that are equal in all channels. @param pixels [3, H, W] */
export function equalNeighbours(pixels: Float32Array, { width, height }: Size): number {
  const same = comparer(pixels, width * height);
  let equal = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const pixel = y * width + x;
      if (x + 1 < width && same(pixel, pixel + 1)) equal++;
      if (y + 1 < height && same(pixel, pixel + width)) equal++;
    }
  const pairs = (width - 1) * height + width * (height - 1);
  return pairs === 0 ? 1 : equal / pairs;
}

/** Returns whether a pixel is neither almost black nor almost white. */
function colourful(pixels: Float32Array, { mean, std }: Pick<ImageConfig, "mean" | "std">, plane: number) {
  const bounds = ([0, 1, 2] as const).map((channel) => {
    const value = (byte: number) => (byte / 255 - mean[channel]) / std[channel];
    // Half a byte away, because the pixels are rounded.
    return { start: channel * plane, dark: value(clipped + 0.5), bright: value(254.5 - clipped) };
  });
  return (pixel: number) =>
    bounds.some(({ start, dark }) => must(pixels, start + pixel) > dark) &&
    bounds.some(({ start, bright }) => must(pixels, start + pixel) < bright);
}

/**
 * Returns the largest patch of one colour that is neither almost black nor almost white, as a share of all pixels.
 * @param pixels [3, H, W], rescaled and normalized
 */
export function largestPatch(pixels: Float32Array, config: Size & Pick<ImageConfig, "mean" | "std">): number {
  const { width, height } = config;
  const plane = width * height;
  const same = comparer(pixels, plane);
  const counts = colourful(pixels, config, plane);
  const seen = new Uint8Array(plane);
  const patch = new Int32Array(plane);
  let largest = 0;
  for (let first = 0; first < plane; first++) {
    if (seen[first] === 1 || !counts(first)) continue;
    let size = 0;
    const add = (pixel: number) => {
      if (seen[pixel] === 1 || !same(pixel, first)) return;
      seen[pixel] = 1;
      patch[size++] = pixel;
    };
    add(first);
    for (let index = 0; index < size; index++) {
      const pixel = must(patch, index);
      const x = pixel % width;
      if (x > 0) add(pixel - 1);
      if (x + 1 < width) add(pixel + 1);
      if (pixel >= width) add(pixel - width);
      if (pixel + width < plane) add(pixel + width);
    }
    largest = Math.max(largest, size);
  }
  return largest / plane;
}

/** Warns once if the embedded model, which knows only drawings, gets a photograph. */
export class DrawingsOnly {
  readonly #warn: (warning: Warning) => void;
  #said = false;

  constructor(warn: (warning: Warning) => void) {
    this.#warn = warn;
  }

  /** Checks an image. @param pixels [3, H, W], the network's input */
  look(pixels: Float32Array, config: ImageConfig): void {
    if (this.#said || equalNeighbours(pixels, config) >= flatShare) return;
    if (largestPatch(pixels, config) >= leastPatch) return;
    this.#said = true;
    this.#warn(embeddedDrawings());
  }
}
