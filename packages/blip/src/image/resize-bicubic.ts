// Pillow's BICUBIC resize of 8-bit RGB, bit-exact (libImaging/Resample.c): antialiased, a = -0.5, a horizontal and a
// vertical pass, each rounded to bytes, with fixed-point weights of 22 fractional bits.
import { missed } from "@blip-ts/base";
import { pauses, type Pause } from "./pause.ts";
import type { RgbImage } from "./raw-image.ts";

/**
 * The Pillow version whose order of passes is used. `10` (all versions up to 12.3): horizontal first. `13`: vertical
 * first if the height shrinks by more than twice as many pixels as the width.
 */
export type PillowOrder = "10" | "13";

export const pillowOrders: readonly PillowOrder[] = ["10", "13"];

/** Fractional bits of a weight: 32 minus 8 for a byte and 2 for sign and overshoot. */
const precisionBits = 22;
const half = 1 << (precisionBits - 1);

/** The number of multiplications between two checks of the clock: about a tenth of a millisecond. */
const burst = 1 << 17;

const support = 2;

function bicubic(distance: number): number {
  const x = Math.abs(distance);
  const a = -0.5;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

interface Weights {
  /** The first source index of each output. */
  readonly first: Int32Array;
  /** The number of sources of each output. */
  readonly count: Int32Array;
  /** The fixed-point weights, `stride` per output. */
  readonly values: Int32Array;
  readonly stride: number;
}

async function weightsFor(from: number, to: number, pause: Pause): Promise<Weights> {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const reach = support * stretch;
  const stride = Math.ceil(reach) * 2 + 1;
  const first = new Int32Array(to);
  const count = new Int32Array(to);
  const values = new Int32Array(to * stride);
  const row = new Float64Array(stride);
  for (let out = 0; out < to; out++) {
    const center = (out + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - reach + 0.5));
    const taps = Math.min(from, Math.trunc(center + reach + 0.5)) - start;
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) {
      const weight = bicubic((tap + start - center + 0.5) * (1 / stretch));
      row[tap] = weight;
      sum += weight;
    }
    for (let tap = 0; tap < taps; tap++) {
      const weight =
        (sum === 0 ? (row[tap] ?? missed("byte")) : (row[tap] ?? missed("byte")) / sum) *
        (1 << precisionBits);
      values[out * stride + tap] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    first[out] = start;
    count[out] = taps;
    const wait = pause();
    if (wait) await wait;
  }
  return { first, count, values, stride };
}

const toByte = (sum: number): number => {
  const value = sum >> precisionBits;
  return value < 0 ? 0 : value > 255 ? 255 : value;
};

/**
 * Computes pixels `from` to `to` of one output row. Math.imul and |0 keep the sums in 32-bit integers, as in C.
 * @param start the position of the source row in `source` @param at the position of the output row in `target`
 */
function acrossRow(
  source: Uint8Array,
  start: number,
  target: Uint8Array,
  at: number,
  { first, count, values, stride }: Weights,
  from: number,
  to: number,
): void {
  for (let out = from; out < to; out++) {
    let red = half;
    let green = half;
    let blue = half;
    let index = start + (first[out] ?? missed("byte")) * 3;
    const base = out * stride;
    const end = base + (count[out] ?? missed("byte"));
    for (let tap = base; tap < end; tap++, index += 3) {
      const weight = values[tap] ?? missed("byte");
      red = (red + Math.imul(source[index] ?? missed("byte"), weight)) | 0;
      green = (green + Math.imul(source[index + 1] ?? missed("byte"), weight)) | 0;
      blue = (blue + Math.imul(source[index + 2] ?? missed("byte"), weight)) | 0;
    }
    const pixel = at + out * 3;
    target[pixel] = toByte(red);
    target[pixel + 1] = toByte(green);
    target[pixel + 2] = toByte(blue);
  }
}

/**
 * Computes bytes `from` to `to` of one output row, four at a time.
 * @param start the position of the first source row in `source` @param at the position of the output row in `target`
 */
function downRow(
  source: Uint8Array,
  start: number,
  rowBytes: number,
  target: Uint8Array,
  at: number,
  values: Int32Array,
  base: number,
  taps: number,
  from: number,
  to: number,
): void {
  let column = from;
  for (; column + 4 <= to; column += 4) {
    let a = half;
    let b = half;
    let c = half;
    let d = half;
    let index = start + column;
    for (let tap = base; tap < base + taps; tap++, index += rowBytes) {
      const weight = values[tap] ?? missed("byte");
      a = (a + Math.imul(source[index] ?? missed("byte"), weight)) | 0;
      b = (b + Math.imul(source[index + 1] ?? missed("byte"), weight)) | 0;
      c = (c + Math.imul(source[index + 2] ?? missed("byte"), weight)) | 0;
      d = (d + Math.imul(source[index + 3] ?? missed("byte"), weight)) | 0;
    }
    target[at + column] = toByte(a);
    target[at + column + 1] = toByte(b);
    target[at + column + 2] = toByte(c);
    target[at + column + 3] = toByte(d);
  }
  for (; column < to; column++) {
    let sum = half;
    let index = start + column;
    for (let tap = base; tap < base + taps; tap++, index += rowBytes)
      sum = (sum + Math.imul(source[index] ?? missed("byte"), values[tap] ?? missed("byte"))) | 0;
    target[at + column] = toByte(sum);
  }
}

async function acrossPass(image: RgbImage, width: number, pause: Pause): Promise<RgbImage> {
  if (image.width === width) return image;
  const weights = await weightsFor(image.width, width, pause);
  const data = new Uint8Array(width * image.height * 3);
  const span = Math.max(1, Math.trunc(burst / (weights.stride * 3)));
  for (let row = 0; row < image.height; row++) {
    const [start, at] = [row * image.width * 3, row * width * 3];
    for (let from = 0; from < width; from += span) {
      acrossRow(image.data, start, data, at, weights, from, Math.min(width, from + span));
      const wait = pause();
      if (wait) await wait;
    }
  }
  return { data, width, height: image.height };
}

async function downPass(image: RgbImage, height: number, pause: Pause): Promise<RgbImage> {
  if (image.height === height) return image;
  const { first, count, values, stride } = await weightsFor(image.height, height, pause);
  const rowBytes = image.width * 3;
  const data = new Uint8Array(rowBytes * height);
  const span = Math.max(4, Math.trunc(burst / stride));
  for (let row = 0; row < height; row++) {
    const start = (first[row] ?? missed("byte")) * rowBytes;
    const [base, taps] = [row * stride, count[row] ?? missed("byte")];
    for (let from = 0; from < rowBytes; from += span) {
      const to = Math.min(rowBytes, from + span);
      downRow(image.data, start, rowBytes, data, row * rowBytes, values, base, taps, from, to);
      const wait = pause();
      if (wait) await wait;
    }
  }
  return { data, width: image.width, height };
}

/**
 * Resizes an image to `width` x `height` pixels. Skips the pass of a side whose length does not change. Yields to the
 * event loop about every 8 ms.
 * @param order the order of the passes, which affects the result because each pass rounds to bytes
 * @returns `image` itself if the size is unchanged
 */
export async function resizeBicubic(
  image: RgbImage,
  width: number,
  height: number,
  order: PillowOrder,
): Promise<RgbImage> {
  const pause = pauses();
  const shrinks = image.height - height;
  if (order === "13" && shrinks > 0 && shrinks > (image.width - width) * 2)
    return acrossPass(await downPass(image, height, pause), width, pause);
  return downPass(await acrossPass(image, width, pause), height, pause);
}
