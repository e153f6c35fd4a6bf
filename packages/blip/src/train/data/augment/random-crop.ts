// torchvision's RandomResizedCrop and RandomHorizontalFlip for Pillow images (8-bit RGB): crops first, then resizes
// with Pillow's BICUBIC.
import type { RgbImage } from "../../../image/raw-image.ts";
import { type PillowOrder, resizeBicubic } from "../../../image/resize-bicubic.ts";
import type { Random } from "../random.ts";
import { viewOf } from "./view-of.ts";
import { roundEven } from "./warp-affine.ts";

/** A box in pixels. */
export interface CropBox {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

type Range = readonly [number, number];

/** torchvision's default: 3:4 to 4:3. */
export const cropRatio: Range = [3 / 4, 4 / 3];
const attempts = 10;

/** The largest central box whose aspect ratio is within the bounds. */
function middle(width: number, height: number, ratio: Range): CropBox {
  const [narrow, wide] = ratio;
  const found = width / height;
  const [w, h] =
    found < narrow
      ? [width, roundEven(width / narrow)]
      : found > wide
        ? [roundEven(height * wide), height]
        : [width, height];
  return { left: Math.floor((width - w) / 2), top: Math.floor((height - h) / 2), width: w, height: h };
}

/**
 * Draws a random crop. Its share of the image's area is uniform within `scale`, and the logarithm of its aspect ratio
 * is uniform within `ratio`. After ten boxes that do not fit, it returns the largest central box.
 */
export function randomCrop(
  { width, height }: Pick<RgbImage, "width" | "height">,
  random: Random,
  scale: Range,
  ratio: Range = cropRatio,
): CropBox {
  const [logNarrow, logWide] = [Math.log(ratio[0]), Math.log(ratio[1])];
  for (let attempt = 0; attempt < attempts; attempt++) {
    const area = width * height * random.between(...scale);
    const aspect = Math.exp(random.between(logNarrow, logWide));
    const w = roundEven(Math.sqrt(area * aspect));
    const h = roundEven(Math.sqrt(area / aspect));
    if (w > 0 && w <= width && h > 0 && h <= height) {
      const top = random.below(height - h + 1);
      return { left: random.below(width - w + 1), top, width: w, height: h };
    }
  }
  return middle(width, height, ratio);
}

/** Crops a box. @returns `image` itself if the box covers the whole image */
export function cropped(image: RgbImage, { left, top, width, height }: CropBox): RgbImage {
  if (width === image.width && height === image.height) return image;
  const data = new Uint8Array(width * height * 3);
  for (let row = 0; row < height; row++) {
    const start = ((top + row) * image.width + left) * 3;
    data.set(image.data.subarray(start, start + width * 3), row * width * 3);
  }
  return { data, width, height };
}

/** Crops a box and resizes it to `size` x `size`. @param order the order of Pillow's passes, as in `resizeBicubic` */
export const croppedAndResized = (
  image: RgbImage,
  box: CropBox,
  size: number,
  order: PillowOrder,
): Promise<RgbImage> => resizeBicubic(cropped(image, box), size, size, order);

/** The image flipped horizontally. */
export function flipped({ data, width, height }: RgbImage): RgbImage {
  const target = new Uint8Array(data.length);
  const bytes = viewOf(data);
  for (let row = 0; row < height; row++) {
    let to = (row + 1) * width * 3 - 3;
    for (let from = row * width * 3; from < (row + 1) * width * 3; from += 3, to -= 3) {
      target[to] = bytes.getUint8(from);
      target[to + 1] = bytes.getUint8(from + 1);
      target[to + 2] = bytes.getUint8(from + 2);
    }
  }
  return { data: target, width, height };
}
