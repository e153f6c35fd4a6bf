// Draws one sprite on the canvas: rotated, scaled, mirrored, sampled from the nearest size.
import { missed } from "@blip-ts/base";
import type { Rgb } from "../words/colours.ts";
import type { Canvas } from "./canvas.ts";
import type { Mips, Premultiplied } from "./mips.ts";

export interface Pose {
  /** The centre and the longer side, in pixels. */
  readonly x: number;
  readonly y: number;
  readonly side: number;
  /** Degrees, clockwise. */
  readonly angle: number;
  readonly mirrored: boolean;
}

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

/** @param flat draws only the silhouette, in this colour */
export function drawSprite(canvas: Canvas, mips: Mips, pose: Pose, flat?: Rgb): void {
  const sprite = mips.level(levelOf(mips, pose.side));
  const scale = pose.side / Math.max(sprite.width, sprite.height);
  const turn = (pose.angle * Math.PI) / 180;
  const [sine, cosine] = [Math.sin(turn), Math.cos(turn)];
  const halfWidth = (scale * (sprite.width * Math.abs(cosine) + sprite.height * Math.abs(sine))) / 2 + 1;
  const halfHeight = (scale * (sprite.width * Math.abs(sine) + sprite.height * Math.abs(cosine))) / 2 + 1;
  const { side, data } = canvas;
  const rgba = new Float64Array(4);
  const end = Math.min(side, Math.ceil(pose.y + halfHeight));
  const edge = Math.min(side, Math.ceil(pose.x + halfWidth));
  for (let y = Math.max(0, Math.floor(pose.y - halfHeight)); y < end; y++)
    for (let x = Math.max(0, Math.floor(pose.x - halfWidth)); x < edge; x++) {
      const across = (x + 0.5 - pose.x) / scale;
      const down = (y + 0.5 - pose.y) / scale;
      const along = across * cosine + down * sine;
      const u = (pose.mirrored ? -along : along) + sprite.width / 2 - 0.5;
      const v = -across * sine + down * cosine + sprite.height / 2 - 0.5;
      if (u <= -1 || v <= -1 || u >= sprite.width || v >= sprite.height) continue;
      sampled(sprite, u, v, rgba);
      const alpha = (rgba[3] ?? missed("channel")) / 255;
      if (alpha <= 0.002) continue;
      if (flat !== undefined) {
        canvas.blend(x, y, flat, alpha);
        continue;
      }
      const at = (y * side + x) * 3;
      for (let channel = 0; channel < 3; channel++)
        data[at + channel] =
          (data[at + channel] ?? missed("pixel")) * (1 - alpha) + (rgba[channel] ?? missed("channel"));
    }
}

const directions = Array.from({ length: 8 }, (_, eighth) => (eighth * Math.PI) / 4);

/** Draws a white border around a drawing, like a sticker's. @param wide its width in pixels */
export function drawEdge(canvas: Canvas, mips: Mips, pose: Pose, wide: number): void {
  for (const direction of directions)
    drawSprite(
      canvas,
      mips,
      { ...pose, x: pose.x + Math.cos(direction) * wide, y: pose.y + Math.sin(direction) * wide },
      [252, 252, 252],
    );
}
