// Detects photographs. Where something is drawn, most pixels equal their neighbours. In a photograph, hardly any pixels
// do, because sensor noise and JPEG's rounding change every pixel. So the flattest part of an image counts: a thing that
// is drawn before a photograph has flat parts too. At 128 pixels per side its share of equal neighbours was over a third
// for 97 % of 200 scenes of docs/world.md, and for all plain ones. It was 0.14 to 0.32 for photographs, and more for those
// with a part that is black or white throughout, such as a night sky. They are not recognised.
import { embeddedDrawings } from "./errors.ts";
import type { Warning } from "@blip-ts/base";

/** An image whose flattest part has a smaller share of equal neighbours counts as a photograph. */
export const flatShare = 1 / 3;

/** The image's side in parts. The parts overlap by half. */
const partsPerSide = 8;

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Returns whether neighbouring pixels are equal in all channels. */
function comparer(pixels: Float32Array, plane: number): (pixel: number, neighbour: number) => boolean {
  return (pixel, neighbour) => {
    for (let channel = 0; channel < 3; channel++)
      if (pixels[channel * plane + pixel] !== pixels[channel * plane + neighbour]) return false;
    return true;
  };
}

/**
 * Returns the share of neighbouring pixels that are equal in all channels, in the part of the image with the largest
 * share. A part has an eighth of the image's sides. @param pixels [3, H, W]
 */
export function equalNeighbours(pixels: Float32Array, { width, height }: Size): number {
  const same = comparer(pixels, width * height);
  const [wide, high] = [Math.ceil(width / partsPerSide), Math.ceil(height / partsPerSide)];
  const shareFrom = (left: number, top: number) => {
    let [equal, pairs] = [0, 0];
    for (let y = top; y < Math.min(top + high, height); y++)
      for (let x = left; x < Math.min(left + wide, width); x++) {
        const pixel = y * width + x;
        for (const [inside, neighbour] of [
          [x + 1 < width, pixel + 1],
          [y + 1 < height, pixel + width],
        ] as const) {
          if (!inside) continue;
          pairs++;
          if (same(pixel, neighbour)) equal++;
        }
      }
    return pairs === 0 ? 1 : equal / pairs;
  };
  let most = 0;
  for (let top = 0; top + high <= height; top += Math.ceil(high / 2))
    for (let left = 0; left + wide <= width; left += Math.ceil(wide / 2))
      most = Math.max(most, shareFrom(left, top));
  return most;
}

/** Warns once if the embedded model, which knows only drawings, gets a photograph. */
export class DrawingsOnly {
  readonly #warn: (warning: Warning) => void;
  #said = false;

  constructor(warn: (warning: Warning) => void) {
    this.#warn = warn;
  }

  /** Checks an image. @param pixels [3, H, W], the network's input */
  look(pixels: Float32Array, size: Size): void {
    if (this.#said || equalNeighbours(pixels, size) >= flatShare) return;
    this.#said = true;
    this.#warn(embeddedDrawings());
  }
}
