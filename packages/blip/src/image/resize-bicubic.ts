// Pillow's BICUBIC resize of 8-bit RGB, to the bit (libImaging/Resample.c): antialiased, a = -0.5, one pass across and
// one down, each rounded to bytes, weights in fixed point with 22 fractional bits.
import { breathe } from "./breathe.ts";
import type { RgbImage } from "./raw-image.ts";

/** Bits behind the point of a weight: 32 less the 8 of a byte and 2 for sign and overshoot. */
const precisionBits = 22;
const half = 1 << (precisionBits - 1);

const support = 2;

function bicubic(distance: number): number {
  const x = Math.abs(distance);
  const a = -0.5;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

interface Weights {
  /** First source index of each output. */
  readonly first: Int32Array;
  /** Number of sources of each output. */
  readonly count: Int32Array;
  /** Fixed-point weights, `stride` for each output. */
  readonly values: Int32Array;
  readonly stride: number;
}

function weightsFor(from: number, to: number): Weights {
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
      const weight = (sum === 0 ? (row[tap] ?? 0) : (row[tap] ?? 0) / sum) * (1 << precisionBits);
      values[out * stride + tap] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    first[out] = start;
    count[out] = taps;
  }
  return { first, count, values, stride };
}

const toByte = (sum: number): number => {
  const value = sum >> precisionBits;
  return value < 0 ? 0 : value > 255 ? 255 : value;
};

/** One row [width, 3] to `to` pixels. */
function resizeRow(
  source: Uint8Array,
  start: number,
  target: Uint8Array,
  at: number,
  to: number,
  w: Weights,
): void {
  const { first, count, values, stride } = w;
  for (let out = 0; out < to; out++) {
    let [red, green, blue] = [half, half, half];
    let index = start + (first[out] ?? 0) * 3;
    const base = out * stride;
    const end = base + (count[out] ?? 0);
    for (let tap = base; tap < end; tap++, index += 3) {
      const weight = values[tap] ?? 0;
      red += (source[index] ?? 0) * weight;
      green += (source[index + 1] ?? 0) * weight;
      blue += (source[index + 2] ?? 0) * weight;
    }
    const place = at + out * 3;
    target[place] = toByte(red);
    target[place + 1] = toByte(green);
    target[place + 2] = toByte(blue);
  }
}

/** One output row as a weighted sum of whole source rows. */
function blendRows(
  source: Uint8Array,
  rowBytes: number,
  first: number,
  weights: Int32Array,
  target: Uint8Array,
  at: number,
): void {
  const sums = new Int32Array(rowBytes).fill(half);
  weights.forEach((weight, tap) => {
    const start = (first + tap) * rowBytes;
    for (let index = 0; index < rowBytes; index++)
      sums[index] = (sums[index] ?? 0) + (source[start + index] ?? 0) * weight;
  });
  for (let index = 0; index < rowBytes; index++) target[at + index] = toByte(sums[index] ?? 0);
}

async function acrossPass(image: RgbImage, width: number): Promise<RgbImage> {
  if (image.width === width) return image;
  const weights = weightsFor(image.width, width);
  const data = new Uint8Array(width * image.height * 3);
  for (let row = 0; row < image.height; row++) {
    resizeRow(image.data, row * image.width * 3, data, row * width * 3, width, weights);
    const turn = breathe();
    if (turn) await turn;
  }
  return { data, width, height: image.height };
}

async function downPass(image: RgbImage, height: number): Promise<RgbImage> {
  if (image.height === height) return image;
  const { first, count, values, stride } = weightsFor(image.height, height);
  const rowBytes = image.width * 3;
  const data = new Uint8Array(rowBytes * height);
  for (let row = 0; row < height; row++) {
    const weights = values.subarray(row * stride, row * stride + (count[row] ?? 0));
    blendRows(image.data, rowBytes, first[row] ?? 0, weights, data, row * rowBytes);
    const turn = breathe();
    if (turn) await turn;
  }
  return { data, width: image.width, height };
}

/**
 * The picture at `width` x `height` pixels. Gives the event loop its turn about every 8 ms.
 * As Pillow 13 does, the pass down comes first where the height shrinks by more than twice what the width does (up to
 * Pillow 12 the pass across was always first): each pass rounds to bytes, so that the order shows.
 */
export async function resizeBicubic(image: RgbImage, width: number, height: number): Promise<RgbImage> {
  const shrinks = image.height - height;
  if (shrinks > 0 && shrinks > (image.width - width) * 2)
    return acrossPass(await downPass(image, height), width);
  return downPass(await acrossPass(image, width), height);
}
