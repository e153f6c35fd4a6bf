// Positions things: in slots of a grid on a plain background, otherwise where they belong. Things are fully visible and
// hardly overlap.
import { must } from "@blip-ts/base";
import type { Random } from "../random.ts";
import type { Sprite } from "../art/catalogue.ts";
import type { Concept } from "../words/concepts.ts";
import type { GroupSpec, Size, Thing } from "./graph.ts";

/** A drawing to be placed. */
export interface Item {
  readonly group: number;
  readonly concept: Concept;
  readonly sprite: Sprite;
  readonly side: number;
  readonly angle: number;
  readonly mirrored: boolean;
  readonly edge: boolean;
}

export interface Ground {
  /** The horizon; undefined if things may be anywhere. */
  readonly horizon: number | undefined;
  /** Whether there is nothing to stand on, as in a sky. */
  readonly open: boolean;
}

/** The maximum share of the smaller box that two things may share. */
const mostOverlap = 0.18;

/** Half the width and height of a rotated drawing. */
export function reach({
  sprite,
  side,
  angle,
}: Pick<Item, "sprite" | "side" | "angle">): readonly [number, number] {
  const scale = side / Math.max(sprite.width, sprite.height);
  const [width, height] = [sprite.width * scale, sprite.height * scale];
  const turned = (angle * Math.PI) / 180;
  const [sine, cosine] = [Math.abs(Math.sin(turned)), Math.abs(Math.cos(turned))];
  return [(width * cosine + height * sine) / 2, (width * sine + height * cosine) / 2];
}

interface Placed {
  readonly item: Item;
  readonly x: number;
  readonly y: number;
  readonly half: readonly [number, number];
  readonly stands: boolean;
}

function overlap(a: Placed, b: Placed): number {
  const across = Math.min(a.x + a.half[0], b.x + b.half[0]) - Math.max(a.x - a.half[0], b.x - b.half[0]);
  const down = Math.min(a.y + a.half[1], b.y + b.half[1]) - Math.max(a.y - a.half[1], b.y - b.half[1]);
  if (across <= 0 || down <= 0) return 0;
  const smaller = Math.min(a.half[0] * a.half[1], b.half[0] * b.half[1]) * 4;
  return (across * down) / smaller;
}

/** The numbers of columns and rows of slots for `count` things. */
function grid(count: number, vertical: boolean): readonly [columns: number, rows: number] {
  if (count <= 1) return [1, 1];
  if (count <= 3) return vertical ? [1, count] : [count, 1];
  if (count === 4) return [2, 2];
  return vertical ? [2, Math.ceil(count / 2)] : [Math.ceil(count / 2), 2];
}

type Point = readonly [x: number, y: number];

/** The centres of the slots, in the order of the items or, for more than three unordered items, shuffled. */
function slots(random: Random, count: number, ordered: "row" | "column" | undefined): Point[] {
  const vertical = ordered === undefined ? random.chance(0.5) : ordered === "column";
  const [columns, rows] = grid(count, vertical);
  const all = Array.from({ length: columns * rows }, (_, at): Point => [
    ((at % columns) + 0.5) / columns,
    (Math.floor(at / columns) + 0.5) / rows,
  ]);
  const line = columns === 1 || rows === 1;
  // A row need not be in the middle.
  const shift = line && count > 1 ? random.between(-0.24, 0.24) : 0;
  const points = count > 3 && ordered === undefined ? random.shuffled(all) : all;
  return points.map(([x, y]): Point =>
    columns === 1 ? [x + shift, y] : rows === 1 ? [x, y + shift] : [x, y],
  );
}

/** Positions anywhere, in slots. */
function free(random: Random, items: readonly Item[], ordered: "row" | "column" | undefined): Point[] {
  if (items.length === 1) return [[random.unit(), random.unit()]];
  const jitter = items.length > 3 ? 0.05 : 0.06;
  return slots(random, items.length, ordered).map(([x, y]): Point => [
    x + random.between(-jitter, jitter),
    y + random.between(-jitter, jitter),
  ]);
}

const flies = ({ concept }: Item): boolean => concept.home === "air" || concept.home === "sky";

/** Positions where things belong: standing things have their feet on the ground, flying things are above it. */
function athome(
  random: Random,
  items: readonly Item[],
  { horizon = 0.5, open }: Ground,
  ordered: "row" | "column" | undefined,
): Point[] {
  const above = (item: Item) => open || (ordered === undefined && flies(item));
  const rows = [items.filter(above), items.filter((item) => !above(item))];
  const points = new Map<Item, Point>();
  for (const [which, row] of rows.entries()) {
    const order = ordered === undefined ? random.shuffled(row) : row;
    const two = order.length > 3;
    order.forEach((item, at) => {
      const half = reach(item);
      const slot = two ? (at - (at % 2)) / 2 + (at % 2) * 0.5 + 0.25 : at + 0.5;
      const slotted = slot / (two ? Math.ceil(order.length / 2) : order.length);
      const x = order.length === 1 ? random.unit() : slotted + random.between(-0.07, 0.07);
      const back = two && at % 2 === 1;
      const low = open ? random.between(0.05, 0.95) : random.between(half[1] * 0.8, horizon + 0.05);
      const feet = back
        ? random.between(horizon + 0.06, horizon + 0.18)
        : random.between(Math.max(horizon + 0.12, 0.66), 0.97);
      points.set(item, [x, which === 0 ? low : feet - half[1]]);
    });
  }
  return items.map((item) => points.get(item) ?? [0.5, 0.5]);
}

/**
 * Places all items, fully visible and apart.
 * @param ordered the order of the items: in a row from left to right, or in a column from top to bottom
 * @returns undefined if no attempt found enough room
 */
export function layOut(
  random: Random,
  items: readonly Item[],
  ground: Ground,
  ordered?: "row" | "column",
): readonly Thing[] | undefined {
  for (let turn = 0; turn < 24; turn++) {
    const home = ground.horizon !== undefined || ground.open;
    const points =
      home && ordered !== "column" ? athome(random, items, ground, ordered) : free(random, items, ordered);
    const placed = items.map((item, at): Placed => {
      const [x, y] = must(points, at);
      const half = reach(item);
      return {
        item,
        half,
        x: Math.min(Math.max(x, half[0] + 0.005), 0.995 - half[0]),
        y: Math.min(Math.max(y, half[1] + 0.005), 0.995 - half[1]),
        stands: home && !ground.open && !flies(item),
      };
    });
    const crowded = placed.some((first, at) =>
      placed.slice(at + 1).some((second) => overlap(first, second) > mostOverlap),
    );
    if (!crowded) return placed.map(thingOf);
  }
  return undefined;
}

const thingOf = ({ item: { sprite, side, angle, mirrored, edge }, x, y, stands }: Placed): Thing => ({
  ...{ sprite: sprite.index, x, y, side, angle, mirrored, edge, stands },
});

/** The range of the longer side, by the number of things in the image. */
const sides: readonly (readonly [number, number])[] = [
  [0.42, 0.58],
  [0.42, 0.58],
  [0.31, 0.46],
  [0.26, 0.36],
  [0.25, 0.36],
  [0.21, 0.3],
];

const lone: Readonly<Record<Size, readonly [number, number]>> = { small: [0.22, 0.34], large: [0.66, 0.87] };
const beside: Readonly<Record<Size, readonly [number, number]>> = { small: [0.2, 0.28], large: [0.48, 0.62] };

/** The minimum longer side: 24 of 128 pixels. */
export const leastSide = 0.19;

/** The longer side of each thing of a group. */
export function sideOf(random: Random, { size }: GroupSpec, things: number, scale: number): number {
  const [low, high] =
    size !== undefined
      ? (things === 1 ? lone : beside)[size]
      : things < sides.length
        ? must(sides, things)
        : ([leastSide, 0.26] as const);
  const most = size === undefined ? scale : 1;
  return Math.max(leastSide, random.between(low, high) * most);
}
