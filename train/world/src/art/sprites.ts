// The sprites' pixels. They are drawn once from the art into a file per style, and read from there later.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { must } from "@blip-ts/base";
import { artDamaged, artMissing } from "../errors.ts";
import { concepts, type Concept } from "../words/concepts.ts";
import { Catalogue, cataloguePath, type CatalogueFile, type Sprite, type SpriteRow } from "./catalogue.ts";
import { artFolder } from "./fetch.ts";
import { iconsOf, readNames, readSets, type Icon } from "./iconify.ts";
import { styles, type Style } from "./packages.ts";
import { measure, renderIcon, type Pixels } from "./render.ts";

/** The folder of the drawn sprites. */
export const spriteFolder = fileURLToPath(new URL("../../sprites/", import.meta.url));

/** The languages of foreign texts. */
export const languages = ["de", "es", "fr", "it", "nl", "pl"] as const;

/** A drawing that fills more of its box than this is a card: a square background with the thing on it. */
const cardShare = 0.93;

/** Things whose own shape fills their box. */
const boxes: ReadonlySet<string> = new Set([
  "book",
  "television",
  "gift",
  "laptop",
  "camera",
  "backpack",
  "shirt",
]);

/**
 * Drawings that also show another thing, or look like another thing, such as framed pictures and hens named roosters.
 */
const unfit: ReadonlySet<string> = new Set([
  ...["castle", "rainbow", "tent", "rooster"].map((name) => `streamline-emojis ${name}`),
  ...["noto-v1 rooster", "fxemoji rooster", "emojione motorcycle"],
]);

/** Whether a drawing must not represent its concept. */
export const isUnfit = (style: string, concept: string): boolean => unfit.has(`${style} ${concept}`);

const roundedTo = (value: number, digits: number): number => Number(value.toFixed(digits));

/** The row and pixels of an icon, or the reason why it is left out. */
async function rowOf({
  concept,
  style,
  name,
  svg,
}: Icon): Promise<{ row: SpriteRow; pixels: Pixels } | string> {
  if (isUnfit(style, concept.name)) return `${style} ${name}: unfit (${concept.name})`;
  const pixels = await renderIcon(svg);
  if (pixels === undefined) return `${style} ${name}: empty`;
  const { colour, full, saturated, named } = measure(pixels);
  if (full > cardShare && !boxes.has(concept.name)) return `${style} ${name}: a card (${concept.name})`;
  const { width, height } = pixels;
  return {
    pixels,
    row: [concept.name, style, name, width, height, colour, roundedTo(saturated, 2), named ?? null],
  };
}

function foreignOf(
  list: readonly Concept[],
  { codes, labels }: Awaited<ReturnType<typeof readNames>>,
): CatalogueFile["foreign"] {
  const labelOf = (concept: Concept, by: ReadonlyMap<string, string>) =>
    by.get(codes.get(must(concept.labels, concept.labels.length - 1, "label")) ?? "");
  return Object.fromEntries(
    Object.entries(labels).map(([language, by]) => [
      language,
      Object.fromEntries(list.flatMap((concept) => [[concept.name, labelOf(concept, by) ?? concept.name]])),
    ]),
  );
}

const cacheName = (style: Style): string => join(spriteFolder, `${style}.bin`);

/**
 * Draws all art and writes the sprite files.
 * @param rewrite also writes the catalogue
 * @param say called with a line for each drawing that is left out
 * @throws {WorldError} `world/art-missing`; `world/art-damaged` if the drawings differ from the catalogue's
 */
export async function drawArt(rewrite: boolean, say: (line: string) => void): Promise<void> {
  const [names, sets] = [await readNames(languages), await readSets()];
  const icons = iconsOf(concepts, names.codes, sets);
  const drawn = await Promise.all(icons.map(rowOf));
  const rows = drawn.flatMap((row) => (typeof row === "string" ? [] : [row]));
  for (const reason of drawn) if (typeof reason === "string") say(`left out: ${reason}`);
  const file: CatalogueFile = { sprites: rows.map(({ row }) => row), foreign: foreignOf(concepts, names) };
  if (rewrite) writeFileSync(cataloguePath, catalogueText(file));
  const committed = new Catalogue(JSON.parse(readFileSync(cataloguePath, "utf8")) as CatalogueFile);
  mkdirSync(spriteFolder, { recursive: true });
  for (const style of styles) {
    const own = rows.filter(({ row }) => row[1] === style);
    const expected = committed.sprites.filter((sprite) => sprite.style === style);
    writeStyle(
      style,
      own.map(({ pixels }) => pixels),
      expected,
    );
  }
  say(`${rows.length} sprites of ${concepts.length} things in ${styles.length} styles`);
}

/** The catalogue with one sprite per line, for readable diffs. */
const catalogueText = ({ sprites, foreign }: CatalogueFile): string =>
  `{"sprites":[\n${sprites.map((row) => JSON.stringify(row)).join(",\n")}\n],\n"foreign":${JSON.stringify(foreign)}}\n`;

function writeStyle(style: Style, pixels: readonly Pixels[], expected: readonly Sprite[]): void {
  if (pixels.length !== expected.length)
    throw artDamaged(artFolder, `${expected.length} drawings of ${style}`, String(pixels.length));
  for (const [index, { width, height }] of pixels.entries()) {
    const sprite = must(expected, index);
    if (width !== sprite.width || height !== sprite.height)
      throw artDamaged(
        `${style} ${sprite.icon}`,
        `${sprite.width} x ${sprite.height} pixels`,
        `${width} x ${height}`,
      );
  }
  writeFileSync(`${cacheName(style)}.partial`, Buffer.concat(pixels.map(({ data }) => data)));
  renameSync(`${cacheName(style)}.partial`, cacheName(style));
}

/** Whether the sprites have been drawn. */
export const hasSprites = (): boolean => styles.every((style) => existsSync(cacheName(style)));

/** Returns a sprite's pixels. */
export type SpriteSource = (sprite: Sprite) => Pixels;

/**
 * Reads the drawn sprites of some styles.
 * @throws {WorldError} `world/art-missing` if they have not been drawn yet, `world/art-damaged`
 */
export function readSprites(catalogue: Catalogue, wanted: readonly Style[]): SpriteSource {
  const all = new Map<number, Pixels>();
  for (const style of wanted) {
    const path = cacheName(style);
    if (!existsSync(path)) throw artMissing(path);
    const bytes = new Uint8Array(readFileSync(path));
    let at = 0;
    for (const sprite of catalogue.sprites.filter((one) => one.style === style)) {
      const { width, height } = sprite;
      all.set(sprite.index, { width, height, data: bytes.subarray(at, (at += width * height * 4)) });
    }
    if (at !== bytes.length) throw artDamaged(path, `${at} bytes`, String(bytes.length));
  }
  return (sprite) => all.get(sprite.index) ?? missing(sprite);
}

function missing({ style, icon }: Sprite): never {
  throw artMissing(`${spriteFolder}${style}.bin (${icon})`);
}

/** An ellipse with each sprite's size and mean colour. It replaces the art in tests without it. */
export const blankSprites: SpriteSource = ({ width, height, colour: [red, green, blue] }) => {
  const data = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [across, down] = [(2 * x + 1) / width - 1, (2 * y + 1) / height - 1];
      const inside = across * across + down * down <= 1;
      data.set([red, green, blue, inside ? 255 : 0], (y * width + x) * 4);
    }
  return { width, height, data };
};

// One thread: more would compete with the threads that compose scenes.
sharp.concurrency(1);
