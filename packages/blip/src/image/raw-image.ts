// Images in memory: raw pixels from callers, and RGB bytes, the form of all decoded images. The arithmetic is Pillow's
// (libImaging/AlphaComposite.c, Convert.c).
import { missed } from "@blip-ts/base";
import { badRaw } from "./errors.ts";
import { pauses } from "./pause.ts";

/** Raw pixels, row by row, channels interleaved: grey, grey and alpha, RGB, or RGBA; 8 or 16 bits per channel. */
export interface RawImage {
  /** Interleaved channel values, row by row: channels x width x height. 16-bit values range from 0 to 65,535. */
  readonly data: Uint8Array | Uint8ClampedArray | Uint16Array;
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** 1: grey; 2: grey and alpha; 3: RGB; 4: RGB and alpha. */
  readonly channels: 1 | 2 | 3 | 4;
}

/** An 8-bit RGB image. */
export interface RgbImage {
  /** Bytes of R, G, B per pixel, row by row: 3 x width x height. */
  readonly data: Uint8Array;
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
}

/** How to convert transparency to RGB: composite over white, or discard the alpha channel. */
export type Alpha = "white" | "drop";

/** How to convert 16-bit grey: clip at 255, as Pillow does, or take the high byte. */
export type Grey16 = "clip" | "scale";

/** Options for converting raw pixels to RGB. */
export interface ToRgbOptions {
  readonly alpha: Alpha;
  readonly grey16: Grey16;
  /** Called if `clip` reduces the range of a 16-bit grey image. */
  readonly onClip?: (() => void) | undefined;
}

export function isRawImage(input: object): input is RawImage {
  return "data" in input && "width" in input && "height" in input && "channels" in input;
}

/** The number of pixels between two checks of the clock: less than a millisecond of work. */
const block = 1 << 15;

/** Calls `convert(from, to)` for all pixels, block by block. Yields to the event loop between blocks. */
async function inBlocks(pixels: number, convert: (from: number, to: number) => void): Promise<void> {
  const pause = pauses();
  for (let from = 0; from < pixels; from += block) {
    convert(from, Math.min(pixels, from + block));
    const wait = pause();
    if (wait) await wait;
  }
}

/**
 * Composites a byte over white, like Pillow's alpha_composite on an opaque background (integers, 7 fractional bits).
 * The result equals round(alpha / 255 * value + (1 - alpha / 255) * 255), which transformers computes for arrays.
 */
function overWhite(value: number, alpha: number): number {
  const sum = (value * alpha + 255 * (255 - alpha) + 128) << 7;
  return ((sum >> 8) + sum) >> 15;
}

function check({ data, width, height, channels }: RawImage): void {
  const isArray =
    data instanceof Uint8Array || data instanceof Uint8ClampedArray || data instanceof Uint16Array;
  if (!isArray)
    throw badRaw(
      "expected data to be a Uint8Array, Uint8ClampedArray or Uint16Array, got something else. Convert it first.",
    );
  for (const [name, size] of Object.entries({ width, height }))
    if (!Number.isSafeInteger(size) || size < 1)
      throw badRaw(`expected ${name} to be a positive whole number, got ${size}.`);
  if (![1, 2, 3, 4].includes(channels))
    throw badRaw(`expected channels to be 1, 2, 3 or 4 (grey, grey and alpha, RGB, RGBA), got ${channels}.`);
  const expected = width * height * channels;
  if (data.length !== expected)
    throw badRaw(
      `expected ${expected} values for ${width} x ${height} pixels of ${channels} channels, got ${data.length}. ` +
        "Rows follow each other without padding.",
    );
}

/** Converts 16-bit values to bytes. Pillow clips only grey, and takes the high byte of colours and alpha. */
async function toBytes(image: RawImage, words: Uint16Array, options: ToRgbOptions): Promise<Uint8Array> {
  const bytes = new Uint8Array(words.length);
  const clip = options.grey16 === "clip" && image.channels === 1;
  const seen = { clipped: false };
  await inBlocks(words.length, (from, to) => {
    for (let index = from; index < to; index++) {
      const word = words[index] ?? missed("byte");
      if (clip && word > 255) seen.clipped = true;
      bytes[index] = clip ? Math.min(word, 255) : word >> 8;
    }
  });
  if (seen.clipped) options.onClip?.();
  return bytes;
}

/**
 * Converts raw pixels to RGB bytes.
 * @returns a view of `image.data` if it is already 8-bit RGB
 * @throws {InputError} `image/bad-raw` if size and values do not match
 */
export async function toRgb(image: RawImage, options: ToRgbOptions): Promise<RgbImage> {
  check(image);
  const { width, height, channels } = image;
  const data = image.data instanceof Uint16Array ? await toBytes(image, image.data, options) : image.data;
  if (channels === 3)
    return { data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength), width, height };
  const rgb = new Uint8Array(width * height * 3);
  const [green, blue] = channels === 4 ? [1, 2] : [0, 0];
  const white = options.alpha === "white" && channels !== 1;
  await inBlocks(width * height, (from, to) => {
    for (let pixel = from; pixel < to; pixel++) {
      const start = pixel * channels;
      const opacity = white ? (data[start + channels - 1] ?? missed("byte")) : 255;
      rgb[pixel * 3] = overWhite(data[start] ?? missed("byte"), opacity);
      rgb[pixel * 3 + 1] = overWhite(data[start + green] ?? missed("byte"), opacity);
      rgb[pixel * 3 + 2] = overWhite(data[start + blue] ?? missed("byte"), opacity);
    }
  });
  return { data: rgb, width, height };
}

/** Converts CMYK bytes to RGB like Pillow's convert: (255 - k) - c * (255 - k) / 255, rounded. */
export async function cmykToRgb(data: Uint8Array, width: number, height: number): Promise<RgbImage> {
  const rgb = new Uint8Array(width * height * 3);
  await inBlocks(width * height, (from, to) => {
    for (let pixel = from; pixel < to; pixel++) {
      const light = 255 - (data[pixel * 4 + 3] ?? missed("byte"));
      for (let channel = 0; channel < 3; channel++) {
        const product = (data[pixel * 4 + channel] ?? missed("byte")) * light + 128;
        rgb[pixel * 3 + channel] = light - (((product >> 8) + product) >> 8);
      }
    }
  });
  return { data: rgb, width, height };
}

/** Composites a colour key over white: makes every pixel of exactly this colour white. */
export async function whitenColour(
  { data, width, height }: RgbImage,
  [red, green, blue]: readonly [number, number, number],
): Promise<RgbImage> {
  const rgb = Uint8Array.from(data);
  await inBlocks(width * height, (from, to) => {
    for (let at = from * 3; at < to * 3; at += 3)
      if (rgb[at] === red && rgb[at + 1] === green && rgb[at + 2] === blue) rgb.fill(255, at, at + 3);
  });
  return { data: rgb, width, height };
}
