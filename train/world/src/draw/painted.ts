// Painted places: a sky or a wall, the ground, and details of the place. None of them is a thing with a name.
import type { Random } from "../random.ts";
import { colours, type ColourName, type Rgb } from "../words/colours.ts";
import type { Canvas } from "./canvas.ts";
import { noise } from "./noise.ts";

type Texture = ReturnType<typeof noise>;

interface Painting {
  /** The colours from the top to the horizon. */
  readonly above: readonly [Rgb, Rgb];
  /** The colours from the horizon to the bottom. */
  readonly ground: readonly [Rgb, Rgb];
  /** The strength of the noise above and below the horizon, and its horizontal stretch. */
  readonly rough: readonly [number, number, number];
  /** The height of hills, as a share of the side. */
  readonly hills?: number;
  readonly more?: (canvas: Canvas, random: Random, horizon: number) => void;
}

const clearSky: readonly [Rgb, Rgb] = [
  [96, 168, 236],
  [196, 226, 248],
];

/** Stars above the horizon. */
function stars(canvas: Canvas, random: Random, horizon: number): void {
  for (let count = 40; count > 0; count--) {
    const [x, y] = [random.below(canvas.side), random.below(Math.max(1, Math.floor(horizon)))];
    canvas.blend(x, y, [255, 250, 225], random.between(0.4, 1));
  }
}

function waves(canvas: Canvas, random: Random, horizon: number): void {
  const { side } = canvas;
  for (let count = 14; count > 0; count--) {
    const y = Math.floor(random.between(horizon + 2, side));
    const width =
      Math.floor((side * (0.06 + 0.2 * (y - horizon))) / side) + random.below(Math.ceil(side / 8));
    canvas.rectangle(
      random.below(side),
      y,
      width,
      Math.max(1, Math.round(side / 128)),
      [235, 246, 250],
      0.35,
    );
  }
}

function lanes(canvas: Canvas, random: Random, horizon: number): void {
  const { side } = canvas;
  const y = Math.floor(horizon + (side - horizon) * random.between(0.35, 0.6));
  const [length, gap] = [side * 0.14, side * 0.1];
  for (let x = -random.between(0, length); x < side; x += length + gap)
    canvas.rectangle(
      Math.round(x),
      y,
      Math.round(length),
      Math.max(1, Math.round(side / 48)),
      [236, 220, 150],
      0.85,
    );
  canvas.rectangle(0, Math.floor(horizon), side, Math.max(1, Math.round(side / 24)), [168, 168, 166], 0.8);
}

function planks(canvas: Canvas, random: Random, horizon: number): void {
  const { side } = canvas;
  for (let y = horizon; y < side; y += (side - horizon) / (4 + random.below(3)))
    canvas.rectangle(0, Math.floor(y), side, 1, [92, 58, 30], 0.45);
}

function wallpaper(canvas: Canvas, random: Random, horizon: number): void {
  const { side } = canvas;
  const step = Math.max(3, Math.round(side / (8 + random.below(8))));
  for (let x = random.below(step); x < side; x += step)
    canvas.rectangle(x, 0, Math.max(1, step >> 1), Math.floor(horizon), [255, 255, 255], 0.12);
  canvas.rectangle(
    0,
    Math.floor(horizon) - 1,
    side,
    Math.max(1, Math.round(side / 40)),
    [240, 238, 232],
    0.9,
  );
}

function dunes(canvas: Canvas, random: Random, horizon: number): void {
  const { side } = canvas;
  for (let count = 3; count > 0; count--) {
    const [y, tilt] = [random.between(horizon, side), random.between(-0.15, 0.15)];
    for (let x = 0; x < side; x++) {
      const row = Math.floor(y + tilt * x + Math.sin(x / 17 + count) * 2);
      if (row > horizon && row < side) canvas.blend(x, row, [170, 120, 62], 0.35);
    }
  }
}

function foam(canvas: Canvas, random: Random, horizon: number): void {
  const { side } = canvas;
  const shore = horizon + side * random.between(0.08, 0.14);
  for (let x = 0; x < side; x++) {
    const edge = shore + Math.sin(x / 9 + shore) * (side / 64);
    for (let y = Math.floor(horizon); y < edge; y++) canvas.blend(x, y, [58, 150, 190], 0.9);
    canvas.rectangle(x, Math.floor(edge), 1, Math.max(1, Math.round(side / 64)), [250, 252, 252], 0.9);
  }
}

function flakes(canvas: Canvas, random: Random): void {
  for (let count = 46; count > 0; count--)
    canvas.blend(random.below(canvas.side), random.below(canvas.side), [255, 255, 255], 0.85);
}

const paintings: Readonly<Record<string, Painting>> = {
  field: {
    above: clearSky,
    ground: [
      [128, 190, 84],
      [74, 140, 52],
    ],
    ...{ rough: [6, 16, 1], hills: 0.05 },
  },
  beach: {
    above: clearSky,
    ground: [
      [244, 222, 164],
      [226, 192, 124],
    ],
    rough: [5, 12, 1],
    more: foam,
  },
  sea: {
    above: clearSky,
    ground: [
      [64, 142, 196],
      [24, 84, 146],
    ],
    rough: [6, 12, 3],
    more: waves,
  },
  snow: {
    above: [
      [176, 196, 220],
      [220, 230, 240],
    ],
    ground: [
      [246, 249, 253],
      [214, 226, 240],
    ],
    ...{ rough: [7, 7, 1], hills: 0.04, more: flakes },
  },
  night: {
    above: [
      [12, 14, 48],
      [44, 46, 104],
    ],
    ground: [
      [30, 44, 42],
      [14, 24, 24],
    ],
    ...{ rough: [4, 6, 1], hills: 0.06, more: stars },
  },
  sky: {
    above: [
      [84, 156, 232],
      [150, 200, 246],
    ],
    ground: [
      [150, 200, 246],
      [206, 230, 250],
    ],
    rough: [12, 12, 2],
  },
  street: {
    above: [
      [168, 198, 226],
      [222, 230, 236],
    ],
    ground: [
      [96, 98, 104],
      [66, 68, 74],
    ],
    rough: [6, 12, 1],
    more: lanes,
  },
  desert: {
    above: [
      [246, 206, 138],
      [250, 228, 184],
    ],
    ground: [
      [226, 176, 98],
      [196, 138, 70],
    ],
    ...{ rough: [5, 10, 2], hills: 0.05, more: dunes },
  },
  table: {
    above: [
      [204, 214, 200],
      [222, 228, 214],
    ],
    ground: [
      [182, 124, 72],
      [150, 96, 52],
    ],
    rough: [4, 14, 6],
    more: planks,
  },
  room: {
    above: [
      [200, 210, 226],
      [214, 222, 234],
    ],
    ground: [
      [168, 130, 96],
      [134, 98, 70],
    ],
    rough: [3, 12, 1],
    more: wallpaper,
  },
};

const between = (a: number, b: number, share: number): number => a + (b - a) * share;

/** The height at which the ground begins in each column. */
function skyline(side: number, horizon: number, height: number, random: Random): (x: number) => number {
  const [first, second] = [random.between(0, 6), random.between(0, 6)];
  const [slow, fast] = [random.between(1, 3), random.between(4, 8)];
  return (x) =>
    side *
    (horizon +
      height * (0.7 * Math.sin((slow * x) / side + first) + 0.3 * Math.sin((fast * x) / side + second)));
}

function fill(
  canvas: Canvas,
  { above, ground, rough }: Painting,
  edge: (x: number) => number,
  tint: Rgb,
  texture: Texture,
): void {
  const { side } = canvas;
  const [sky, earth, stretch] = rough;
  for (let x = 0; x < side; x++) {
    const start = edge(x);
    for (let y = 0; y < side; y++) {
      const high = y < start;
      const [from, to] = high ? above : ground;
      const share = high ? y / Math.max(1, start) : (y - start) / Math.max(1, side - start);
      const rise = texture((x * 128) / side / stretch, (y * 128) / side) * (high ? sky : earth);
      canvas.set(
        x,
        y,
        between(from[0], to[0], share) + rise + tint[0],
        between(from[1], to[1], share) + rise + tint[1],
        between(from[2], to[2], share) + rise + tint[2],
      );
    }
  }
}

const tintOf = (random: Random, reach: number): Rgb => [
  random.between(-reach, reach),
  random.between(-reach, reach),
  random.between(-reach, reach),
];

/** @param horizon its position from the top, as a share of the side @throws {TypeError} if there is no such painting */
export function paintPlace(canvas: Canvas, view: string, horizon: number, random: Random): void {
  const painting = paintings[view];
  if (painting === undefined)
    throw new TypeError(`Painting: expected one of ${Object.keys(paintings).join(", ")}, got ${view}.`);
  const edge = skyline(canvas.side, horizon, painting.hills ?? 0, random);
  fill(canvas, painting, edge, tintOf(random, 9), noise(random));
  painting.more?.(canvas, random, horizon * canvas.side);
}

/** Paints a plain background: close to its colour, slightly different towards the bottom. Some have a soft texture. */
export function paintPlain(canvas: Canvas, name: ColourName, random: Random): void {
  const base = colours[name];
  const [tint, slope] = [tintOf(random, 9), tintOf(random, 8)];
  const texture = noise(random);
  const rough = random.chance(0.4) ? random.between(2, 7) : 0;
  const { side } = canvas;
  for (let y = 0; y < side; y++) {
    const down = (2 * y) / side - 1;
    for (let x = 0; x < side; x++) {
      const rise = rough === 0 ? 0 : rough * texture((x * 128) / side, (y * 128) / side);
      canvas.set(
        x,
        y,
        base[0] + tint[0] + slope[0] * down + rise,
        base[1] + tint[1] + slope[1] * down + rise,
        base[2] + tint[2] + slope[2] * down + rise,
      );
    }
  }
}
