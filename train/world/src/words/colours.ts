// The world's eleven colours: their RGB values, and the colour name of a pixel.
import { unknownName } from "../errors.ts";

export type Rgb = readonly [red: number, green: number, blue: number];

/** RGB, 0 to 255. */
export const colours = {
  red: [221, 46, 44],
  orange: [238, 133, 38],
  yellow: [244, 208, 63],
  green: [63, 158, 77],
  blue: [56, 108, 207],
  purple: [120, 68, 178],
  pink: [242, 150, 190],
  brown: [124, 82, 54],
  gray: [146, 150, 154],
  black: [24, 26, 30],
  white: [250, 247, 248],
} as const satisfies Readonly<Record<string, Rgb>>;

export type ColourName = keyof typeof colours;

export const isColourName = (name: string): name is ColourName => Object.hasOwn(colours, name);

export const colourNames: readonly ColourName[] = Object.keys(colours).filter(isColourName);

/** @throws {RangeError} if the name is unknown */
export function colourNamed(name: string): ColourName {
  if (isColourName(name)) return name;
  throw unknownName("colour", name);
}

/** The hue in degrees, and saturation and value from 0 to 1. */
export function hsv(red: number, green: number, blue: number): readonly [number, number, number] {
  const most = Math.max(red, green, blue);
  const spread = most - Math.min(red, green, blue);
  const saturation = most === 0 ? 0 : spread / most;
  if (spread === 0) return [0, 0, most / 255];
  const sixth =
    most === red
      ? (green - blue) / spread
      : most === green
        ? 2 + (blue - red) / spread
        : 4 + (red - green) / spread;
  return [(sixth * 60 + 360) % 360, saturation, most / 255];
}

/** The name of a colour without much hue; undefined if it has one. */
function paleName(saturation: number, value: number): ColourName | undefined {
  if (value < 0.22) return "black";
  if (saturation < 0.12) return value > 0.86 ? "white" : "gray";
  return saturation < 0.22 && value < 0.7 ? "gray" : undefined;
}

/** The name of a colour. */
export function nameOfColour([red, green, blue]: Rgb): ColourName {
  const [hue, saturation, value] = hsv(red, green, blue);
  const pale = paleName(saturation, value);
  if (pale !== undefined) return pale;
  if (hue < 14 || hue >= 345)
    return saturation < 0.5 && value > 0.75 ? "pink" : value < 0.45 ? "brown" : "red";
  if (hue < 42) return value < 0.68 ? "brown" : "orange";
  if (hue < 68) return value < 0.5 ? "brown" : "yellow";
  if (hue < 165) return "green";
  if (hue < 256) return "blue";
  if (hue < 292) return "purple";
  return value > 0.75 ? "pink" : "purple";
}

const linear = (value: number): number => {
  const share = value / 255;
  return share <= 0.04045 ? share / 12.92 : Math.pow((share + 0.055) / 1.055, 2.4);
};

const bent = (share: number): number => (share > 0.008856 ? Math.cbrt(share) : 7.787 * share + 16 / 116);

/** CIE L*a*b*, D65. */
export function lab([red, green, blue]: Rgb): Rgb {
  const [r, g, b] = [linear(red), linear(green), linear(blue)];
  const x = bent((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047);
  const y = bent(0.2126 * r + 0.7152 * g + 0.0722 * b);
  const z = bent((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** The CIE76 distance; about 2 is just visible. */
export function deltaE(first: Rgb, second: Rgb): number {
  const [l1, a1, b1] = lab(first);
  const [l2, a2, b2] = lab(second);
  return Math.hypot(l1 - l2, a1 - a2, b1 - b2);
}
