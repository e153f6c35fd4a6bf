// How large an image may be. The size that its header declares is checked before memory is taken for its pixels.
import { tooManyPixels, sideTooLong } from "./errors.ts";

/** Most pixels unless told: twice Pillow's warning, which is where Pillow refuses (Image.MAX_IMAGE_PIXELS). */
export const defaultMaxPixels = 178_956_970;
/** Longest side: the formats of photographs end at 65,535. */
const maxSide = 1_000_000;

/**
 * @param width and `height`: in pixels, as the header declares them
 * @param maxPixels most pixels, `defaultMaxPixels` unless told
 * @throws {InputError} `image/too-large`
 */
export function checkArea(name: string, width: number, height: number, maxPixels = defaultMaxPixels): void {
  if (width * height > maxPixels) throw tooManyPixels(name, width, height, maxPixels);
  if (Math.max(width, height) > maxSide) throw sideTooLong(name, width, height, maxSide);
}
