// Pictures in memory: what callers may give, and the RGB bytes that everything becomes.
import { breathe } from "./breathe.ts";
import { badRaw } from "./errors.ts";

/** Raw pixels, row by row, channels together: grey, grey and alpha, RGB, or RGBA. */
export interface RawImage {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
}

/** 8-bit RGB, row by row. */
export interface RgbImage {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Well under a millisecond of work. */
const pixelsBetweenBreaths = 16_384;

/** How transparency becomes RGB. */
export type Alpha = "white" | "drop";

export function isRawImage(input: object): input is RawImage {
  return "data" in input && "width" in input && "height" in input && "channels" in input;
}

/**
 * A channel over white, as Pillow's alpha_composite computes it with an opaque background (integer arithmetic with 7
 * fractional bits, ImagingAlphaComposite).
 */
function overWhite(value: number, alpha: number): number {
  const sum = (value * alpha + 255 * (255 - alpha) + 128) << 7;
  return ((sum >> 8) + sum) >> 15;
}

/**
 * RGB bytes of raw pixels.
 * @throws {InputError} `image/bad-raw` where sizes and bytes do not fit
 */
export async function toRgb(image: RawImage, alpha: Alpha): Promise<RgbImage> {
  const { data, width, height, channels } = image;
  const isSize = (size: number) => Number.isSafeInteger(size) && size > 0;
  if (!isSize(width) || !isSize(height) || ![1, 2, 3, 4].includes(channels))
    throw badRaw(
      `expected positive sizes and 1 to 4 channels, found ${width} x ${height} with ${channels} channels`,
    );
  const pixels = width * height;
  if (data.length !== pixels * channels)
    throw badRaw(
      `expected ${pixels * channels} bytes for ${width} x ${height} x ${channels}, found ${data.length}`,
    );
  if (channels === 3)
    return { data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength), width, height };
  const rgb = new Uint8Array(pixels * 3);
  const colours = channels === 4 ? 3 : 1;
  const hasAlpha = channels === 4 || channels === 2;
  for (let pixel = 0; pixel < pixels; pixel++) {
    const turn = pixel % pixelsBetweenBreaths === 0 ? breathe() : undefined;
    if (turn) await turn;
    const start = pixel * channels;
    const opacity = hasAlpha && alpha === "white" ? (data[start + channels - 1] ?? 255) : 255;
    for (let channel = 0; channel < 3; channel++) {
      const value = data[start + (colours === 3 ? channel : 0)] ?? 0;
      rgb[pixel * 3 + channel] = opacity === 255 ? value : overWhite(value, opacity);
    }
  }
  return { data: rgb, width, height };
}

/** RGB of CMYK bytes as Pillow's convert computes it: r = (255 - k) - c * (255 - k) / 255, rounded. */
export async function cmykToRgb(data: Uint8Array, width: number, height: number): Promise<RgbImage> {
  const rgb = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const turn = pixel % pixelsBetweenBreaths === 0 ? breathe() : undefined;
    if (turn) await turn;
    const light = 255 - (data[pixel * 4 + 3] ?? 0);
    for (let channel = 0; channel < 3; channel++) {
      const product = (data[pixel * 4 + channel] ?? 0) * light + 128;
      rgb[pixel * 3 + channel] = Math.max(0, light - (((product >> 8) + product) >> 8));
    }
  }
  return { data: rgb, width, height };
}

/** 16-bit grey to 8 bits: clipped at 255, as Pillow does, or its high byte. */
export function grey16ToGrey8(data: Uint16Array, mode: "clip" | "scale"): Uint8Array {
  return mode === "clip"
    ? Uint8Array.from(data, (value) => Math.min(value, 255))
    : Uint8Array.from(data, (v) => v >> 8);
}
