// An RGB image under construction.
import { missed } from "@blip-ts/base";
import type { Rgb } from "../words/colours.ts";

export class Canvas {
  /** The width and height in pixels. */
  readonly side: number;
  /** [side, side, 3], RGB. */
  readonly data: Uint8ClampedArray;

  constructor(side: number) {
    this.side = side;
    this.data = new Uint8ClampedArray(side * side * 3);
  }

  /** Sets a pixel inside the image. */
  set(x: number, y: number, red: number, green: number, blue: number): void {
    const at = (y * this.side + x) * 3;
    this.data[at] = red;
    this.data[at + 1] = green;
    this.data[at + 2] = blue;
  }

  /** Blends a colour over a pixel inside the image. @param cover the opacity, 0 to 1 */
  blend(x: number, y: number, [red, green, blue]: Rgb, cover: number): void {
    const at = (y * this.side + x) * 3;
    const { data } = this;
    data[at] = (data[at] ?? missed("pixel")) * (1 - cover) + red * cover;
    data[at + 1] = (data[at + 1] ?? missed("pixel")) * (1 - cover) + green * cover;
    data[at + 2] = (data[at + 2] ?? missed("pixel")) * (1 - cover) + blue * cover;
  }

  /** Draws a rectangle, clipped to the image. @param cover the opacity, 0 to 1 */
  rectangle(left: number, top: number, width: number, height: number, colour: Rgb, cover: number): void {
    const [right, bottom] = [Math.min(this.side, left + width), Math.min(this.side, top + height)];
    for (let y = Math.max(0, top); y < bottom; y++)
      for (let x = Math.max(0, left); x < right; x++) this.blend(x, y, colour, cover);
  }

  /** The mean colour of a box, clipped to the image, over every other pixel. */
  mean(left: number, top: number, width: number, height: number): Rgb {
    const { side, data } = this;
    let [red, green, blue, count] = [0, 0, 0, 0];
    for (let y = Math.max(0, Math.round(top)); y < Math.min(side, top + height); y += 2)
      for (let x = Math.max(0, Math.round(left)); x < Math.min(side, left + width); x += 2) {
        const at = (y * side + x) * 3;
        red += data[at] ?? missed("pixel");
        green += data[at + 1] ?? missed("pixel");
        blue += data[at + 2] ?? missed("pixel");
        count++;
      }
    return count === 0 ? [0, 0, 0] : [red / count, green / count, blue / count];
  }
}

/** Draws a soft ellipse, the shadow of a standing thing. Lengths are in pixels. */
export function shadow(canvas: Canvas, x: number, y: number, across: number, down: number): void {
  const { side } = canvas;
  for (let row = Math.max(0, Math.floor(y - down)); row < Math.min(side, y + down + 1); row++)
    for (
      let column = Math.max(0, Math.floor(x - across));
      column < Math.min(side, x + across + 1);
      column++
    ) {
      const far = ((column + 0.5 - x) / across) ** 2 + ((row + 0.5 - y) / down) ** 2;
      if (far < 1) canvas.blend(column, row, [10, 12, 18], 0.38 * (1 - far));
    }
}
