// Views of panoramas: data/backgrounds, equirectangular, 512 x 256.
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

/** By the name of their view. */
export type Panoramas = ReadonlyMap<string, Panorama>;

export async function readPanoramas(): Promise<Panoramas> {
  const read = photoPlaces.map(async ({ view }) => [view, await readPanorama(view)] as const);
  return new Map(await Promise.all(read));
}

const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** Where the directions of a grid of points over the image lie in the panorama; what is between them is straight. */
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

/** A grid's value between its points. */
function interpolated(grid: Float64Array, x: number, y: number): number {
  const [column, row] = [Math.min(cells - 1, Math.floor(x)), Math.min(cells - 1, Math.floor(y))];
  const [u, v] = [x - column, y - row];
  const at = row * (cells + 1) + column;
  const above = (grid[at] ?? missed("point")) * (1 - u) + (grid[at + 1] ?? missed("point")) * u;
  const next = at + cells + 1;
  const below = (grid[next] ?? missed("point")) * (1 - u) + (grid[next + 1] ?? missed("point")) * u;
  return above * (1 - v) + below * v;
}

/** Fills the canvas with a view. */
export function drawView(canvas: Canvas, panorama: Panorama, view: View): void {
  const { side } = canvas;
  const { width, height, data } = panorama;
  const [across, down] = gridOf(panorama, view);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const [column, row] = [((x + 0.5) / side) * cells, ((y + 0.5) / side) * cells];
      const u = interpolated(across, column, row) - 0.5;
      const v = Math.min(height - 1.001, Math.max(0, interpolated(down, column, row) - 0.5));
      const [left, top] = [Math.floor(u), Math.floor(v)];
      const [right, low] = [u - left, v - top];
      const first = ((left % width) + width) % width;
      const second = (first + 1) % width;
      const [a, b] = [(top * width + first) * 3, (top * width + second) * 3];
      const step = width * 3;
      const value = (channel: number) =>
        ((data[a + channel] ?? missed("pixel")) * (1 - right) +
          (data[b + channel] ?? missed("pixel")) * right) *
          (1 - low) +
        ((data[a + step + channel] ?? missed("pixel")) * (1 - right) +
          (data[b + step + channel] ?? missed("pixel")) * right) *
          low;
      canvas.set(x, y, value(0), value(1), value(2));
    }
}
