// The eight orientations of an image (Exif 2.32, 4.6.4, tag 274), and turning an image from one to another.
import { missed } from "@blip-ts/base";
import { pauses } from "./pause.ts";
import type { RgbImage } from "./raw-image.ts";

/** An EXIF orientation: 1 leaves an image unchanged, 2 to 4 mirror it or rotate it by 180°, 5 to 8 swap its sides. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

export const orientations: readonly Orientation[] = [1, 2, 3, 4, 5, 6, 7, 8];

/** Returns the turn that undoes a turn: 6 and 8 rotate by a quarter each way, all others undo themselves. */
export const undoing = (orientation: Orientation): Orientation =>
  orientation === 6 ? 8 : orientation === 8 ? 6 : orientation;

/**
 * Turns an image upright. Yields to the event loop about every 8 ms.
 * @returns the upright image; `image` itself if the orientation is 1
 */
export async function turned(image: RgbImage, orientation: Orientation): Promise<RgbImage> {
  if (orientation === 1) return image;
  const { data: source, width: w, height: h } = image;
  const swaps = orientation >= 5;
  const [width, height] = swaps ? [h, w] : [w, h];
  // The source of each result pixel is at start + x * across + y * down, counted in pixels.
  const end = w * h - 1;
  const [start, across, down] = (
    {
      2: [w - 1, -1, w],
      3: [end, -1, -w],
      4: [end - w + 1, 1, -w],
      5: [0, w, 1],
      6: [end - w + 1, -w, 1],
      7: [end, -w, -1],
      8: [w - 1, w, -1],
    } as const
  )[orientation];
  const data = new Uint8Array(width * height * 3);
  const pause = pauses();
  let at = 0;
  for (let row = 0; row < height; row++) {
    let from = (start + row * down) * 3;
    for (let column = 0; column < width; column++, from += across * 3) {
      data[at++] = source[from] ?? missed("pixel");
      data[at++] = source[from + 1] ?? missed("pixel");
      data[at++] = source[from + 2] ?? missed("pixel");
    }
    const wait = pause();
    if (wait) await wait;
  }
  return { data, width, height };
}
