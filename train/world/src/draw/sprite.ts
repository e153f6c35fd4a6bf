// Draws one sprite on the canvas: rotated, scaled, mirrored, sampled from the nearest size.
import { missed } from "@blip-ts/base";
import type { Rgb } from "../words/colours.ts";
import type { Canvas } from "./canvas.ts";
import type { Recolour, Shape } from "./look.ts";
import type { Mips, Premultiplied } from "./mips.ts";

export interface Pose {
  /** The centre and the longer side, in pixels. */
  readonly x: number;
  readonly y: number;
  readonly side: number;
  /** Degrees, clockwise. */
  readonly angle: number;
  readonly mirrored: boolean;
  /** Default: the drawing's own. */
  readonly shape?: Shape | undefined;
}

/** How a sprite's pixels are coloured: all in one colour, for a silhouette, or each by a function. */
export type Colouring = Rgb | Recolour;

const ownShape: Shape = { wide: 1, high: 1, slant: 0 };

/** The smallest level of a sprite. */
const lastLevel = 4;

function levelOf(mips: Mips, side: number): number {
  const ratio = Math.max(mips.width, mips.height) / side;
  return Math.min(lastLevel, Math.max(0, Math.round(Math.log2(ratio))));
}

/** Adds a pixel of the sprite, multiplied by its weight, to a sum. */
function gather(data: Uint8Array, at: number, weight: number, into: Float64Array): void {
  into[0] = (into[0] ?? missed("channel")) + weight * (data[at] ?? missed("pixel"));
  into[1] = (into[1] ?? missed("channel")) + weight * (data[at + 1] ?? missed("pixel"));
  into[2] = (into[2] ?? missed("channel")) + weight * (data[at + 2] ?? missed("pixel"));
  into[3] = (into[3] ?? missed("channel")) + weight * (data[at + 3] ?? missed("pixel"));
}

/** Interpolates RGBA at a point between four pixels; transparent outside. */
function sampled({ width, height, data }: Premultiplied, u: number, v: number, into: Float64Array): void {
  const left = Math.floor(u);
  const top = Math.floor(v);
  const right = u - left;
  const low = v - top;
  const at = (top * width + left) * 4;
  const below = at + width * 4;
  into[0] = into[1] = into[2] = into[3] = 0;
  if (top >= 0) {
    if (left >= 0) gather(data, at, (1 - right) * (1 - low), into);
    if (left + 1 < width) gather(data, at + 4, right * (1 - low), into);
  }
  if (top + 1 < height) {
    if (left >= 0) gather(data, below, (1 - right) * low, into);
    if (left + 1 < width) gather(data, below + 4, right * low, into);
  }
}

/** The position in the sprite of a point on the canvas, both relative to the middle and in the sprite's pixels. */
function placer({ angle, mirrored, shape = ownShape }: Pose, { width, height }: Premultiplied) {
  const turn = (angle * Math.PI) / 180;
  const [sine, cosine] = [Math.sin(turn), Math.cos(turn)];
  const { high, slant } = shape;
  const wide = shape.wide / (1 + (Math.abs(slant) * height) / width);
  return (across: number, down: number): readonly [u: number, v: number] => {
    const v = (-across * sine + down * cosine) / high;
    const u = (across * cosine + down * sine) / wide - slant * v;
    return [mirrored ? -u : u, v];
  };
}

/** Draws a pixel of premultiplied RGBA over the canvas in changed colours. */
function blendChanged(canvas: Canvas, x: number, y: number, rgba: Float64Array, change: Recolour): void {
  const [red, green, blue, opacity] = rgba;
  if (red === undefined || green === undefined || blue === undefined || opacity === undefined)
    return missed("channel");
  const alpha = opacity / 255;
  canvas.blend(x, y, change(red / alpha, green / alpha, blue / alpha), alpha);
}

/** @param colouring default: the sprite's own colours */
export function drawSprite(canvas: Canvas, mips: Mips, pose: Pose, colouring?: Colouring): void {
  const sprite = mips.level(levelOf(mips, pose.side));
  const scale = pose.side / Math.max(sprite.width, sprite.height);
  const turn = (pose.angle * Math.PI) / 180;
  const [sine, cosine] = [Math.sin(turn), Math.cos(turn)];
  const halfWidth = (scale * (sprite.width * Math.abs(cosine) + sprite.height * Math.abs(sine))) / 2 + 1;
  const halfHeight = (scale * (sprite.width * Math.abs(sine) + sprite.height * Math.abs(cosine))) / 2 + 1;
  const inSprite = placer(pose, sprite);
  const { side, data } = canvas;
  const rgba = new Float64Array(4);
  const end = Math.min(side, Math.ceil(pose.y + halfHeight));
  const edge = Math.min(side, Math.ceil(pose.x + halfWidth));
  for (let y = Math.max(0, Math.floor(pose.y - halfHeight)); y < end; y++)
    for (let x = Math.max(0, Math.floor(pose.x - halfWidth)); x < edge; x++) {
      const across = (x + 0.5 - pose.x) / scale;
      const down = (y + 0.5 - pose.y) / scale;
      const [along, below] = inSprite(across, down);
      const u = along + sprite.width / 2 - 0.5;
      const v = below + sprite.height / 2 - 0.5;
      if (u <= -1 || v <= -1 || u >= sprite.width || v >= sprite.height) continue;
      sampled(sprite, u, v, rgba);
      const alpha = (rgba[3] ?? missed("channel")) / 255;
      if (alpha <= 0.002) continue;
      if (colouring !== undefined) {
        if (typeof colouring === "function") blendChanged(canvas, x, y, rgba, colouring);
        else canvas.blend(x, y, colouring, alpha);
        continue;
      }
      const at = (y * side + x) * 3;
      for (let channel = 0; channel < 3; channel++)
        data[at + channel] =
          (data[at + channel] ?? missed("pixel")) * (1 - alpha) + (rgba[channel] ?? missed("channel"));
    }
}

const directions = Array.from({ length: 8 }, (_, eighth) => (eighth * Math.PI) / 4);

/** The colour of a sticker's border. */
export const stickerEdge: Rgb = [252, 252, 252];

/** Draws a border around a drawing. @param wide its width in pixels */
export function drawEdge(canvas: Canvas, mips: Mips, pose: Pose, wide: number, colour: Rgb): void {
  for (const direction of directions)
    drawSprite(
      canvas,
      mips,
      { ...pose, x: pose.x + Math.cos(direction) * wide, y: pose.y + Math.sin(direction) * wide },
      colour,
    );
}
