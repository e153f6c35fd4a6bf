// Limits on an image's size. The size declared in its header is checked before memory is allocated for its pixels.
import { tooManyPixels, sideTooLong } from "./errors.ts";

/**
 * The default limit of pixels: twice Pillow's warning limit, the point at which Pillow raises an error
 * (Image.MAX_IMAGE_PIXELS).
 */
export const defaultMaxPixels = 178_956_970;
/** The longest side in pixels; the formats of photographs end at 65,535. */
const maxSide = 1_000_000;

/**
 * @param width and `height`: in pixels, as the header declares them
 * @param maxPixels the most pixels; by default `defaultMaxPixels`
 * @throws {InputError} `image/too-large`
 */
export function checkArea(name: string, width: number, height: number, maxPixels = defaultMaxPixels): void {
  if (width * height > maxPixels) throw tooManyPixels(name, width, height, maxPixels);
  if (Math.max(width, height) > maxSide) throw sideTooLong(name, width, height, maxSide);
}
