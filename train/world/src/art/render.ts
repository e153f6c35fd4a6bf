// Renders art as pixels: each icon is drawn once, cropped, and measured. Scenes use its size, its colours and its fill.
import sharp from "sharp";
import { missed } from "@blip-ts/base";
import { hsv, nameOfColour, type ColourName, type Rgb } from "../words/colours.ts";

/** The side at which icons are drawn, in pixels. */
export const spriteSide = 128;

/** RGBA with straight alpha. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

export interface Measured {
  /** The mean colour, weighted by alpha. */
  readonly colour: Rgb;
  /** The share of the cropped box that is opaque. */
  readonly full: number;
  /** The share of the opaque pixels with a clear hue. */
  readonly saturated: number;
  /** The colour of more than 60 % of the opaque pixels, if there is one. */
  readonly named: ColourName | undefined;
}

function opaqueBox({ width, height, data }: Pixels): readonly [number, number, number, number] {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      if ((data[(y * width + x) * 4 + 3] ?? missed("pixel")) < 16) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
  return [left, top, right - left + 1, bottom - top + 1];
}

function cut(pixels: Pixels): Pixels {
  const [left, top, width, height] = opaqueBox(pixels);
  const data = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * pixels.width + left) * 4;
    data.set(pixels.data.subarray(from, from + width * 4), y * width * 4);
  }
  return { width, height, data };
}

/** @returns undefined if the icon is empty */
export async function renderIcon(svg: string): Promise<Pixels | undefined> {
  const sized = svg.replaceAll('"SIDE"', `"${spriteSide}"`);
  const { data, info } = await sharp(Buffer.from(sized))
    .resize(spriteSide, spriteSide, { fit: "contain", background: { r: 0, g: 0, b: 0, alpha: 0 } })
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const pixels = { width: info.width, height: info.height, data: new Uint8Array(data) };
  return opaqueBox(pixels)[2] <= 0 ? undefined : cut(pixels);
}

export function measure({ width, height, data }: Pixels): Measured {
  const names = new Map<ColourName, number>();
  const mean = [0, 0, 0] as [number, number, number];
  let [weight, opaque, saturated] = [0, 0, 0];
  for (let at = 0; at < data.length; at += 4) {
    const red = data[at] ?? missed("pixel");
    const green = data[at + 1] ?? missed("pixel");
    const blue = data[at + 2] ?? missed("pixel");
    const alpha = data[at + 3] ?? missed("pixel");
    mean[0] += red * alpha;
    mean[1] += green * alpha;
    mean[2] += blue * alpha;
    weight += alpha;
    if (alpha <= 128) continue;
    opaque++;
    const [, saturation, value] = hsv(red, green, blue);
    if (saturation > 0.35 && value > 0.25) saturated++;
    const name = nameOfColour([red, green, blue]);
    names.set(name, (names.get(name) ?? 0) + 1);
  }
  const whole = (sum: number) => Math.round(sum / Math.max(1, weight));
  return {
    colour: [whole(mean[0]), whole(mean[1]), whole(mean[2])],
    full: opaque / (width * height),
    saturated: saturated / Math.max(1, opaque),
    named: [...names].find(([, count]) => count > 0.6 * opaque)?.[0],
  };
}
