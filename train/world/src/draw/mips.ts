// Sprites at halved sizes and in other colours, made on first use and then kept.
import { missed, must } from "@blip-ts/base";
import type { Pixels } from "../art/render.ts";
import { colours, hsv, type ColourName } from "../words/colours.ts";

/** RGBA with premultiplied alpha. */
export type Premultiplied = Pixels;

function premultiplied({ width, height, data }: Pixels): Premultiplied {
  const out = new Uint8Array(data.length);
  for (let at = 0; at < data.length; at += 4) {
    const alpha = data[at + 3] ?? missed("pixel");
    for (let channel = 0; channel < 3; channel++)
      out[at + channel] = Math.round(((data[at + channel] ?? missed("pixel")) * alpha) / 255);
    out[at + 3] = alpha;
  }
  return { width, height, data: out };
}

/** Halves the size: each pixel is the mean of four. Pixels beyond the edge count as transparent. */
function halved({ width, height, data }: Premultiplied): Premultiplied {
  const columns = Math.ceil(width / 2);
  const rows = Math.ceil(height / 2);
  const sums = new Uint16Array(columns * rows * 4);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * 4;
      const to = ((y >> 1) * columns + (x >> 1)) * 4;
      for (let channel = 0; channel < 4; channel++)
        sums[to + channel] =
          (sums[to + channel] ?? missed("sum")) + (data[from + channel] ?? missed("pixel"));
    }
  return { width: columns, height: rows, data: Uint8Array.from(sums, (sum) => (sum + 2) >> 2) };
}

const luminance = (red: number, green: number, blue: number): number =>
  0.299 * red + 0.587 * green + 0.114 * blue;

/** How strongly a pixel has a hue, 0 to 1. */
function hueShare(red: number, green: number, blue: number): number {
  const [, saturation, value] = hsv(red, green, blue);
  if (value < 0.18) return 0;
  return Math.min(1, Math.max(0, (saturation - 0.2) / 0.2));
}

/** Recolours the saturated pixels and keeps their relative lightness. */
export function recoloured({ width, height, data }: Pixels, name: ColourName): Pixels {
  const target = colours[name];
  let [sum, weight] = [0, 0];
  const each = (visit: (at: number, share: number, light: number) => void) => {
    for (let at = 0; at < data.length; at += 4) {
      const [red, green, blue, alpha] = data.subarray(at, at + 4);
      if (red === undefined || green === undefined || blue === undefined || alpha === 0) continue;
      const share = hueShare(red, green, blue);
      if (share > 0) visit(at, share, luminance(red, green, blue));
    }
  };
  each((_, share, light) => {
    sum += share * light;
    weight += share;
  });
  const out = new Uint8ClampedArray(data);
  const middle = Math.max(1, sum / Math.max(1e-6, weight));
  each((at, share, light) => {
    // The limit keeps parts that are much lighter or darker recognizable as the colour.
    const bright = Math.min(1.3, Math.max(0.5, light / middle));
    for (let channel = 0; channel < 3; channel++) {
      const own = data[at + channel] ?? missed("pixel");
      out[at + channel] = own * (1 - share) + must(target, channel) * bright * share;
    }
  });
  return { width, height, data: new Uint8Array(out.buffer) };
}

/** The sizes of one sprite, each half of the previous one. */
export class Mips {
  readonly #levels: Premultiplied[];

  constructor(pixels: Pixels) {
    this.#levels = [premultiplied(pixels)];
  }

  /** The width at full size, in pixels. */
  get width(): number {
    return must(this.#levels, 0).width;
  }

  get height(): number {
    return must(this.#levels, 0).height;
  }

  /** @param number the level; 0 is the full size */
  level(number: number): Premultiplied {
    while (this.#levels.length <= number)
      this.#levels.push(halved(must(this.#levels, this.#levels.length - 1)));
    return must(this.#levels, number);
  }
}
