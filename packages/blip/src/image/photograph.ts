// Detects photographs. In a drawing, most pixels equal their neighbours. In a photograph, hardly any pixels do, because
// sensor noise and JPEG's rounding change every pixel. At 128 pixels per side, the shares of equal neighbours were 0.49
// to 0.91 for drawings like the embedded model's, as PNG or as JPEG of quality 50 to 90. They were 0.001 to 0.18 for
// photographs, including grey ones and a retina on black.
import { embeddedDrawings } from "./errors.ts";
import type { Warning } from "@blip-ts/base";

/** An image with a smaller share of equal neighbours counts as a photograph. */
export const flatShare = 1 / 3;

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Returns the share of neighbouring pixels that are equal in all channels. @param pixels [3, H, W] */
export function equalNeighbours(pixels: Float32Array, { width, height }: Size): number {
  const plane = width * height;
  let equal = 0;
  const compare = (pixel: number, neighbour: number) => {
    for (let channel = 0; channel < 3; channel++)
      if (pixels[channel * plane + pixel] !== pixels[channel * plane + neighbour]) return;
    equal++;
  };
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const pixel = y * width + x;
      if (x + 1 < width) compare(pixel, pixel + 1);
      if (y + 1 < height) compare(pixel, pixel + width);
    }
  const pairs = (width - 1) * height + width * (height - 1);
  return pairs === 0 ? 1 : equal / pairs;
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
