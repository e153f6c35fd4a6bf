// BLIP's RandomAugment (transform/randaugment.py): two operations of ten, drawn with replacement, each applied with
// probability one half, at level 5 of 10.
import { must } from "@blip-ts/base";
import type { RgbImage } from "../../../image/raw-image.ts";
import type { Random } from "../random.ts";
import { autoContrast, brightness, equalize, sharpness, type AutoContrast } from "./tones.ts";
import { warpAffine, type Affine } from "./warp-affine.ts";

/** BLIP's list, in its order (data/__init__.py). */
export const augmentations = [
  "Identity",
  "AutoContrast",
  "Brightness",
  "Sharpness",
  "Equalize",
  "ShearX",
  "ShearY",
  "TranslateX",
  "TranslateY",
  "Rotate",
] as const;

export type Augmentation = (typeof augmentations)[number];

/** The grey that fills the areas that a warp uncovers. */
const fill = 128;
const maxLevel = 10;
const translation = 10;

export interface AugmentationOptions {
  /** From 0 to 10. */
  readonly level: number;
  /** Reverses the direction of shears, translations and rotations. */
  readonly negative: boolean;
  readonly autoContrast: AutoContrast;
}

/** The matrix of OpenCV's getRotationMatrix2D: a rotation about the centre. */
function rotation({ width, height }: RgbImage, degrees: number): Affine {
  const angle = (degrees * Math.PI) / 180;
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const [x, y] = [width / 2, height / 2];
  return [cosine, sine, (1 - cosine) * x - sine * y, -sine, cosine, sine * x + (1 - cosine) * y];
}

/** Applies one operation to 8-bit RGB. @returns `image` itself if nothing changes */
export function augmented(image: RgbImage, name: Augmentation, options: AugmentationOptions): RgbImage {
  const share = options.level / maxLevel;
  const signed = (value: number) => (options.negative ? -value : value);
  // The reference keeps shears and translations as float32.
  const shear = Math.fround(signed(share * 0.3));
  const offset = Math.fround(-signed(share * translation));
  const factor = share * 1.8 + 0.1;
  switch (name) {
    case "Identity":
      return image;
    case "AutoContrast":
      return autoContrast(image, options.autoContrast);
    case "Brightness":
      return factor === 1 ? image : brightness(image, factor);
    case "Sharpness":
      return sharpness(image, factor);
    case "Equalize":
      return equalize(image);
    case "ShearX":
      return warpAffine(image, [1, shear, 0, 0, 1, 0], fill);
    case "ShearY":
      return warpAffine(image, [1, 0, 0, shear, 1, 0], fill);
    case "TranslateX":
      return warpAffine(image, [1, 0, offset, 0, 1, 0], fill);
    case "TranslateY":
      return warpAffine(image, [1, 0, 0, 0, 1, offset], fill);
    case "Rotate":
      return warpAffine(image, rotation(image, signed(share * 30)), fill);
  }
}

export interface RandomAugmentOptions {
  readonly operations: number;
  readonly level: number;
  readonly list: readonly Augmentation[];
  readonly autoContrast: AutoContrast;
}

/** Draws the operations, then for each whether to apply it and its direction. The number of draws is constant. */
export function randomAugment(image: RgbImage, random: Random, options: RandomAugmentOptions): RgbImage {
  const { operations, level, list } = options;
  const names = Array.from({ length: operations }, () => must(list, random.below(list.length)));
  let current = image;
  for (const name of names) {
    const done = random.unit() <= 0.5;
    const negative = random.unit() > 0.5;
    if (done) current = augmented(current, name, { level, negative, autoContrast: options.autoContrast });
  }
  return current;
}
