// OpenCV's warpAffine of 8-bit RGB, bit-exact (imgproc/imgwarp.cpp: bilinear, constant border). Source coordinates have
// 5 fractional bits, weights have 15, and both are rounded as in OpenCV.
import type { RgbImage } from "../../../image/raw-image.ts";
import { viewOf } from "./view-of.ts";

/** [a, b, c, d, e, f]: (x, y) of the source maps to (a x + b y + c, d x + e y + f). */
export type Affine = readonly [number, number, number, number, number, number];

/** Sums of coordinates have 10 fractional bits, and coordinates have 5. */
const sumScale = 1 << 10;
const placeShift = 5;
const placeMask = 31;
/** Half of a coordinate's last bit. */
const half = sumScale / 32 / 2;
/** Weights are products of two 5-bit numbers, so they have 10 bits; OpenCV stores 15. */
const weightShift = 10;
const weightHalf = 1 << (weightShift - 1);

/** Rounds to the nearest whole number, halves to even. */
export function roundEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** The map from the target back to the source. */
function inverse([a, b, c, d, e, f]: Affine): Affine {
  const determinant = a * e - b * d;
  const scale = determinant === 0 ? 0 : 1 / determinant;
  const [newA, newE, newB, newD] = [e * scale, a * scale, -b * scale, -d * scale];
  return [newA, newB, -newA * c - newB * f, newD, newE, -newD * c - newE * f];
}

/** Interpolates between four pixels. Pixels outside the image have the border's value. */
function blend(
  bytes: DataView,
  { width, height }: RgbImage,
  column: number,
  row: number,
  across: number,
  down: number,
  border: number,
  target: Uint8Array,
  at: number,
): void {
  const left = column >= 0 && column < width;
  const right = column + 1 >= 0 && column + 1 < width;
  const top = row >= 0 && row < height;
  const bottom = row + 1 >= 0 && row + 1 < height;
  const index = (row * width + column) * 3;
  const below = index + width * 3;
  for (let channel = 0; channel < 3; channel++) {
    const topLeft = top && left ? bytes.getUint8(index + channel) : border;
    const topRight = top && right ? bytes.getUint8(index + 3 + channel) : border;
    const bottomLeft = bottom && left ? bytes.getUint8(below + channel) : border;
    const bottomRight = bottom && right ? bytes.getUint8(below + 3 + channel) : border;
    const upper = topLeft * (32 - across) + topRight * across;
    const lower = bottomLeft * (32 - across) + bottomRight * across;
    target[at + channel] = (upper * (32 - down) + lower * down + weightHalf) >> weightShift;
  }
}

/** The offsets of one source coordinate from the start of a row to each of its pixels, 4 bytes each. */
function steps(factor: number, width: number): DataView {
  const view = new DataView(new ArrayBuffer(4 * width));
  for (let x = 0; x < width; x++) view.setInt32(4 * x, roundEven(factor * x * sumScale));
  return view;
}

/**
 * Warps the image by an affine map, at the same size.
 * @param border the value of all channels outside the image, 0 to 255
 */
export function warpAffine(image: RgbImage, map: Affine, border: number): RgbImage {
  const { data, width, height } = image;
  const [a, b, c, d, e, f] = inverse(map);
  const stepX = steps(a, width);
  const stepY = steps(d, width);
  const target = new Uint8Array(data.length);
  const bytes = viewOf(data);
  const stride = width * 3;
  for (let y = 0, at = 0; y < height; y++) {
    const startX = roundEven((b * y + c) * sumScale) + half;
    const startY = roundEven((e * y + f) * sumScale) + half;
    for (let x = 0; x < width; x++, at += 3) {
      const placeX = (startX + stepX.getInt32(4 * x)) >> placeShift;
      const placeY = (startY + stepY.getInt32(4 * x)) >> placeShift;
      const [column, row] = [placeX >> placeShift, placeY >> placeShift];
      const [across, down] = [placeX & placeMask, placeY & placeMask];
      if (column < 0 || row < 0 || column >= width - 1 || row >= height - 1) {
        blend(bytes, image, column, row, across, down, border, target, at);
        continue;
      }
      const index = row * stride + column * 3;
      const below = index + stride;
      const bottomRight = across * down;
      const topRight = across * 32 - bottomRight;
      const bottomLeft = down * 32 - bottomRight;
      const topLeft = 1024 - topRight - bottomLeft - bottomRight;
      for (let channel = 0; channel < 3; channel++)
        target[at + channel] =
          (bytes.getUint8(index + channel) * topLeft +
            bytes.getUint8(index + 3 + channel) * topRight +
            bytes.getUint8(below + channel) * bottomLeft +
            bytes.getUint8(below + 3 + channel) * bottomRight +
            weightHalf) >>
          weightShift;
    }
  }
  return { data: target, width, height };
}
