// Lists of images as callers without types give them.
import { badOption, schema } from "@blip-ts/base";

/** What no platform takes for an image. */
const isNoImage = (image: unknown): boolean => image === null || !["string", "object"].includes(typeof image);

/** A left and a right image. @throws {UsageError} `usage/bad-option` */
export function expectPair(images: unknown): void {
  expectImages(images);
  const { length } = images as readonly unknown[];
  if (length !== 2) throw badOption("images", `${length} of them`, ["a left and a right image"]);
}

/** A list of images, before anything is asked of it. @throws {UsageError} `usage/bad-option` */
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
