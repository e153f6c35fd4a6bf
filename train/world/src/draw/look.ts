// Varies drawings in training: their shape, their colours and their outline. An image encoder that sees each drawing only
// as its artist drew it learns the drawings, not the things. Such variation is known as domain randomization.
import type { Random } from "../random.ts";
import type { Rgb } from "../words/colours.ts";
import { hueTurn } from "./tones.ts";

/** The shape of a drawing, relative to the original's. The drawing stays within the original's box. */
export interface Shape {
  /** Factors of the width and the height, at most 1. */
  readonly wide: number;
  readonly high: number;
  /** How far a row moves sideways, per pixel of its distance from the middle. The drawing gets narrower to fit. */
  readonly slant: number;
}

/** The colours of a drawing, relative to the original's. */
export interface Tone {
  /** Degrees by which hues turn about the grey axis. */
  readonly hue: number;
  /** Factors of the distance from grey, and of the distance from medium grey. */
  readonly saturation: number;
  readonly contrast: number;
  /** Added to each channel, of 255. */
  readonly light: number;
  /** The number of levels per channel that remain, for flat areas in place of gradients; undefined for all. */
  readonly levels: number | undefined;
}

export interface Look {
  readonly shape: Shape;
  readonly tone: Tone | undefined;
  readonly outline: Rgb | undefined;
}

/** The largest slant. */
const mostSlant = 0.25;

/**
 * The look of a group's drawings.
 * @param colours whether colours may vary; not if a text names them
 */
export function lookOf(random: Random, colours: boolean): Look {
  const narrow = random.between(0.68, 1);
  const [wide, high] = random.chance(0.5) ? [narrow, 1] : [1, narrow];
  const slant = random.chance(0.6) ? random.between(-mostSlant, mostSlant) : 0;
  const tone: Tone = {
    hue: random.chance(0.5) ? random.between(-60, 60) : 0,
    saturation: random.chance(0.5) ? random.between(0.2, 1.5) : 1,
    contrast: random.between(0.7, 1.25),
    light: random.between(-30, 30),
    levels: random.chance(0.3) ? 3 + random.below(3) : undefined,
  };
  const dark = random.below(70);
  const outline: Rgb | undefined = random.chance(0.3) ? [dark, dark, dark] : undefined;
  return { shape: { wide, high, slant }, tone: colours ? tone : undefined, outline };
}

/** Gives the new colour of a colour, both 0 to 255. */
export type Recolour = (red: number, green: number, blue: number) => Rgb;

/** The function that changes colours to a tone. */
export function toned({ hue, saturation, contrast, light, levels }: Tone): Recolour {
  const [ofOwn, ofNext, ofLast] = hueTurn(hue);
  const step = levels === undefined ? undefined : 255 / (levels - 1);
  return (red, green, blue) => {
    const grey = (red + green + blue) / 3;
    const channel = (own: number, next: number, last: number): number => {
      const turned = ofOwn * own + ofNext * next + ofLast * last;
      const value = 127.5 + contrast * (grey + saturation * (turned - grey) - 127.5) + light;
      const limited = Math.min(255, Math.max(0, value));
      return step === undefined ? limited : Math.round(limited / step) * step;
    };
    return [channel(red, green, blue), channel(green, blue, red), channel(blue, red, green)];
  };
}
