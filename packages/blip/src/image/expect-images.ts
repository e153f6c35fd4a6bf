// Checks lists of images from untyped callers.
import { badOption, schema } from "@blip-ts/base";

/** Whether every platform rejects this value as an image. */
const isNoImage = (image: unknown): boolean => image === null || !["string", "object"].includes(typeof image);

/** Checks for a left and a right image. @throws {UsageError} `usage/bad-option` */
export function expectPair(images: unknown): void {
  expectImages(images);
  const { length } = images as readonly unknown[];
  if (length !== 2) throw badOption("images", `${length} of them`, ["a left and a right image"]);
}

/** Checks for a list of images. @throws {UsageError} `usage/bad-option` */
export function expectImages(images: unknown): void {
  if (Array.isArray(images)) {
    const position = images.findIndex(isNoImage);
    if (position < 0) return;
    throw badOption(`images[${position}]`, schema.shownValue(images[position]), [
      "an image (a path, a URL, bytes or pixels)",
    ]);
  }
  const found = typeof images === "string" ? schema.shownValue(images) : `a value of type ${typeof images}`;
  throw badOption("images", found, ["a list of images"]);
}
