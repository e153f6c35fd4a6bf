// Augments the pixels of a finished training scene: hue, light, blur, an occluding bar.
import { missed } from "@blip-ts/base";
import type { Random } from "../random.ts";
import type { Canvas } from "./canvas.ts";

/** The shares of a channel, the next one and the last one in the channel's value after hues turn about the grey axis. */
export function hueTurn(degrees: number): readonly [own: number, next: number, last: number] {
  const angle = (degrees * Math.PI) / 180;
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const same = (1 - cosine) / 3;
  const other = Math.sqrt(1 / 3) * sine;
  return [cosine + same, same - other, same + other];
}

/** Rotates hues by degrees about the grey axis, and scales the lightness. */
function turnHue({ data }: Canvas, degrees: number, light: number): void {
  const [own, next, last] = hueTurn(degrees);
  const [a, b, c] = [own * light, next * light, last * light];
  for (let at = 0; at < data.length; at += 3) {
    const red = data[at] ?? missed("pixel");
    const green = data[at + 1] ?? missed("pixel");
    const blue = data[at + 2] ?? missed("pixel");
    data[at] = a * red + b * green + c * blue;
    data[at + 1] = c * red + a * green + b * blue;
    data[at + 2] = b * red + c * green + a * blue;
  }
}

/** Blurs each pixel with its four neighbours. */
function blur({ side, data }: Canvas): void {
  const from = new Uint8ClampedArray(data);
  const row = side * 3;
  for (let y = 1; y < side - 1; y++)
    for (let at = y * row + 3; at < y * row + row - 3; at++) {
      const around =
        (from[at - 3] ?? missed("pixel")) +
        (from[at + 3] ?? missed("pixel")) +
        (from[at - row] ?? missed("pixel")) +
        (from[at + row] ?? missed("pixel"));
      data[at] = (from[at] ?? missed("pixel")) * 0.4 + around * 0.15;
    }
}

function bar(canvas: Canvas, random: Random): void {
  const { side } = canvas;
  const [wide, at] = [Math.round(side * random.between(0.03, 0.07)), random.below(side)];
  const colour = [random.below(256), random.below(256), random.below(256)] as const;
  if (random.chance(0.5)) canvas.rectangle(at, 0, wide, side, colour, 1);
  else canvas.rectangle(0, at, side, wide, colour, 1);
}

export function augment(canvas: Canvas, random: Random): void {
  if (random.chance(0.1)) bar(canvas, random);
  turnHue(canvas, random.between(-12, 12), random.between(0.85, 1.15));
  if (random.chance(0.15)) blur(canvas);
}

/** The quality of the JPEG compression; undefined for none. */
export const jpegQuality = (random: Random): number | undefined =>
  random.chance(0.3) ? Math.round(random.between(40, 95)) : undefined;
