// What can be wrong with images that are held: one factory per error.
import { UsageError } from "@blip-ts/base";

/**
 * An image was used after it was closed.
 * @remedy Make it again with `image()`, or close it later.
 */
export const imageClosed = (): UsageError =>
  new UsageError(
    "usage/disposed",
    "image: expected one that is open, found one that was closed. Make it again by image(), or close it later.",
  );

/**
 * An image that another model made was given.
 * @remedy Make it with `image()` of this model.
 */
export const foreignImage = (): UsageError =>
  new UsageError(
    "usage/foreign-image",
    "image: expected an input or an image of this model, found an image of another one. Make it by image() of this model.",
  );

/**
 * More images are held than `memory` allows.
 * @remedy Close one first, or raise `memory`.
 */
export const noRoomForImage = (held: number): UsageError =>
  new UsageError(
    "usage/too-many-images",
    `image: expected at most ${held} held images within memory, found one more. Close one first, or give more memory (memory).`,
    { held },
  );
