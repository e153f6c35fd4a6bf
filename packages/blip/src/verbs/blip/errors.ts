// The errors of held images: one factory per error.
import { UsageError } from "@blip-ts/base";

/**
 * An image was used after it was closed.
 * @remedy Create it again with `image()`, or close it later.
 */
export const imageClosed = (): UsageError =>
  new UsageError(
    "usage/disposed",
    "image: expected one that is open, got one that was closed. Create it again with image(), or close it later.",
  );

/**
 * An image of another model was given.
 * @remedy Create it with `image()` of this model.
 */
export const foreignImage = (): UsageError =>
  new UsageError(
    "usage/foreign-image",
    "image: expected an input or an image of this model, got an image of another one. Create it with image() of this model.",
  );

/**
 * More images are held than `memory` allows.
 * @remedy Close one first, or raise `memory`.
 */
export const noRoomForImage = (held: number): UsageError =>
  new UsageError(
    "usage/too-many-images",
    `image: expected at most ${held} held images within memory, got one more. Close one first, or give more memory (memory).`,
    { held },
  );
