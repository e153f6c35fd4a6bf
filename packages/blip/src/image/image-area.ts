// Limits on an image's size. The size declared in its header is checked before memory is allocated for its pixels.
import { tooManyPixels, sideTooLong } from "./errors.ts";

/**
 * The default limit of pixels: twice Pillow's warning limit (Image.MAX_IMAGE_PIXELS). Above it, Pillow raises an error.
 */
export const defaultMaxPixels = 178_956_970;
/** The longest allowed side in pixels. Photograph formats allow at most 65,535. */
const maxSide = 1_000_000;

/**
 * Checks the size of an image.
 * @param width in pixels, as the header declares it; `height` likewise
 * @param maxPixels the most pixels; by default `defaultMaxPixels`
 * @throws {InputError} `image/too-large`
 */
export function checkArea(name: string, width: number, height: number, maxPixels = defaultMaxPixels): void {
  if (width * height > maxPixels) throw tooManyPixels(name, width, height, maxPixels);
  if (Math.max(width, height) > maxSide) throw sideTooLong(name, width, height, maxSide);
}
