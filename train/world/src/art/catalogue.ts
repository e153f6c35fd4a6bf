// The catalogue of sprites, data/sprites.json: the properties of the art that scenes need. It is committed, so captions
// do not depend on the art itself or on the program that draws it.
import { readFileSync } from "node:fs";
import { must } from "@blip-ts/base";
import { unknownName } from "../errors.ts";
import { colourNamed, type ColourName, type Rgb } from "../words/colours.ts";
import { isStyle, type Style } from "./packages.ts";

export interface Sprite {
  /** Its index in the catalogue. */
  readonly index: number;
  readonly concept: string;
  readonly style: Style;
  readonly icon: string;
  /** The size in pixels. The larger side is at most 128. */
  readonly width: number;
  readonly height: number;
  readonly colour: Rgb;
  /** The share of its opaque pixels with a clear hue, which can be recoloured. */
  readonly saturated: number;
  /** The colour of more than 60 % of its opaque pixels, if there is one. */
  readonly named: ColourName | undefined;
}

/** A line of the file. */
export type SpriteRow = readonly [
  concept: string,
  style: string,
  icon: string,
  width: number,
  height: number,
  colour: Rgb,
  saturated: number,
  named: string | null,
];

export interface CatalogueFile {
  readonly sprites: readonly SpriteRow[];
  /** Language -> concept -> label, for texts in other languages. */
  readonly foreign: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export const cataloguePath = new URL("../../data/sprites.json", import.meta.url);

function spriteOf(row: SpriteRow, index: number): Sprite {
  const [concept, style, icon, width, height, colour, saturated, named] = row;
  if (!isStyle(style)) throw unknownName("style", style);
  return {
    ...{ index, concept, style, icon, width, height, colour, saturated },
    named: named === null ? undefined : colourNamed(named),
  };
}

const key = (concept: string, style: Style): string => `${style} ${concept}`;

/** Sprites by concept and style. */
export class Catalogue {
  readonly sprites: readonly Sprite[];
  readonly foreign: CatalogueFile["foreign"];
  readonly #by = new Map<string, Sprite[]>();

  constructor({ sprites, foreign }: CatalogueFile) {
    this.sprites = sprites.map(spriteOf);
    this.foreign = foreign;
    for (const sprite of this.sprites) {
      const list = this.#by.get(key(sprite.concept, sprite.style)) ?? [];
      list.push(sprite);
      this.#by.set(key(sprite.concept, sprite.style), list);
    }
  }

  /** All drawings of a concept in a style; empty if the style lacks it. */
  of(concept: string, style: Style): readonly Sprite[] {
    return this.#by.get(key(concept, style)) ?? [];
  }

  /** @throws {RangeError} if there is no such sprite */
  at(index: number): Sprite {
    return must(this.sprites, index, "sprite");
  }
}

let read: Catalogue | undefined;

/** The committed catalogue, read once. */
export function catalogue(): Catalogue {
  // `npm run world:art -- --catalogue` writes this file, so its form is not checked.
  read ??= new Catalogue(JSON.parse(readFileSync(cataloguePath, "utf8")) as CatalogueFile);
  return read;
}
