// Views of panoramas from data/backgrounds: equirectangular, 512 x 256.
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { missed } from "@blip-ts/base";
import type { View } from "../scene/graph.ts";
import { photoPlaces } from "../words/places.ts";
import type { Canvas } from "./canvas.ts";

export interface Panorama {
  readonly width: number;
  readonly height: number;
  /** [height, width, 3], RGB. */
  readonly data: Uint8Array;
}

async function readPanorama(view: string): Promise<Panorama> {
  const path = fileURLToPath(new URL(`../../data/backgrounds/${view}.jpg`, import.meta.url));
  const { data, info } = await sharp(path).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: new Uint8Array(data) };
}

/** The panoramas, by the name of their view. */
export type Panoramas = ReadonlyMap<string, Panorama>;

export async function readPanoramas(): Promise<Panoramas> {
  const read = photoPlaces.map(async ({ view }) => [view, await readPanorama(view)] as const);
  return new Map(await Promise.all(read));
}

const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/**
 * The panorama is sampled exactly at a grid of this many cells per side of the image; coordinates in between are
 * interpolated linearly.
 */
const cells = 16;

function gridOf(
  { width, height }: Panorama,
  { yaw, pitch, field }: View,
): readonly [Float64Array, Float64Array] {
  const across = new Float64Array((cells + 1) ** 2);
  const down = new Float64Array((cells + 1) ** 2);
  const reach = Math.tan(radians(field / 2));
  const [sine, cosine] = [Math.sin(radians(pitch)), Math.cos(radians(pitch))];
  for (let row = 0; row <= cells; row++)
    for (let column = 0; column <= cells; column++) {
      const x = ((2 * column) / cells - 1) * reach;
      const y = (1 - (2 * row) / cells) * reach;
      const [up, ahead] = [y * cosine + sine, cosine - y * sine];
      const turn = Math.atan2(x, ahead);
      const rise = Math.atan2(up, Math.hypot(x, ahead));
      const at = row * (cells + 1) + column;
      across[at] = ((radians(yaw) + turn) / (2 * Math.PI)) * width;
      down[at] = (0.5 - rise / Math.PI) * height;
    }
  return [across, down];
}

/** A grid's values along a row of the image, at the grid's columns. */
function alongRow(grid: Float64Array, y: number): Float64Array {
  const row = Math.min(cells - 1, Math.floor(y));
  const share = y - row;
  const first = row * (cells + 1);
  return Float64Array.from(
    { length: cells + 1 },
    (_, column) =>
      (grid[first + column] ?? missed("point")) * (1 - share) +
      (grid[first + cells + 1 + column] ?? missed("point")) * share,
  );
}

/** Fills the canvas with a view. */
export function drawView(canvas: Canvas, panorama: Panorama, view: View): void {
  const { side } = canvas;
  const [across, down] = gridOf(panorama, view);
  for (let y = 0; y < side; y++) {
    const row = ((y + 0.5) / side) * cells;
    const [columns, rows] = [alongRow(across, row), alongRow(down, row)];
    for (let x = 0; x < side; x++) {
      const at = ((x + 0.5) / side) * cells;
      const cell = Math.min(cells - 1, Math.floor(at));
      const share = at - cell;
      const u =
        (columns[cell] ?? missed("point")) * (1 - share) + (columns[cell + 1] ?? missed("point")) * share;
      const v = (rows[cell] ?? missed("point")) * (1 - share) + (rows[cell + 1] ?? missed("point")) * share;
      copyPoint(canvas, (y * side + x) * 3, panorama, u - 0.5, v - 0.5);
    }
  }
}

/** Sets a pixel of the canvas by bilinear interpolation of the panorama, which wraps around horizontally. */
function copyPoint(
  { data: to }: Canvas,
  at: number,
  { width, height, data }: Panorama,
  u: number,
  v: number,
): void {
  const down = Math.min(height - 1.001, Math.max(0, v));
  const [left, top] = [Math.floor(u), Math.floor(down)];
  const [right, low] = [u - left, down - top];
  const first = ((left % width) + width) % width;
  const a = (top * width + first) * 3;
  const b = (top * width + ((first + 1) % width)) * 3;
  const step = width * 3;
  for (let channel = 0; channel < 3; channel++) {
    const above =
      (data[a + channel] ?? missed("pixel")) * (1 - right) + (data[b + channel] ?? missed("pixel")) * right;
    const below =
      (data[a + step + channel] ?? missed("pixel")) * (1 - right) +
      (data[b + step + channel] ?? missed("pixel")) * right;
    to[at + channel] = above * (1 - low) + below * low;
  }
}
