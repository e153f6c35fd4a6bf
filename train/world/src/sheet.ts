// The contact sheet: scenes with their texts, for inspection.
import { writeFileSync } from "node:fs";
import sharp, { type OverlayOptions } from "sharp";
import { atLeast, last, must } from "@blip-ts/base";
import { readSprites } from "./art/sprites.ts";
import { Drawer } from "./draw/draw.ts";
import { readPanoramas } from "./draw/photo.ts";
import { Random } from "./random.ts";
import type { Scene } from "./scene/graph.ts";
import { sceneSource, type SceneSource } from "./scene/sample.ts";
import type { SplitName, WorldName } from "./scene/settings.ts";
import { falseCaption } from "./say/edit.ts";
import { captionsOf, planOf } from "./say/plan.ts";
import { Balance, questionsOf } from "./say/questions.ts";
import { statementOf } from "./say/statements.ts";
import { webText, type WebKind } from "./say/web.ts";

/** One cell: a scene, and lines of text. */
interface Cell {
  readonly source: SceneSource;
  readonly scene: Scene;
  readonly lines: readonly Line[];
}

interface Line {
  readonly text: string;
  readonly colour: string;
}

const blue = (text: string): Line => ({ text, colour: "#1a3a8a" });
const black = (text: string): Line => ({ text, colour: "#222222" });
const red = (text: string): Line => ({ text, colour: "#a02020" });
const grey = (text: string): Line => ({ text, colour: "#777777" });

const headOf = ({ split }: SceneSource, { style }: Scene): Line => grey(`${split.name}  ${style}`);

/** Cells with a true caption, a false one, and a question. */
export function captionCells(source: SceneSource, count: number, first = 0): Cell[] {
  const balance = new Balance();
  return Array.from({ length: count }, (_, at) => {
    const scene = source.scene(first + at);
    const random = new Random(`${scene.key}/sheet`);
    const [caption] = atLeast(captionsOf(random, scene, 1, { partial: false }), 1, "caption");
    const pool = { concepts: source.world.concepts, places: Object.values(source.world.places).flat() };
    const wrong = falseCaption(random, planOf(random, scene), scene, pool);
    const questions = questionsOf(random, scene, source.world.concepts, source.catalogue);
    const asked = balance.take(questions);
    return {
      ...{ source, scene },
      lines: [
        headOf(source, scene),
        blue(caption),
        ...(wrong ? [red(`not: ${wrong.words}`)] : []),
        ...(asked ? [black(`${asked.question} ${asked.answer}`)] : []),
      ],
    };
  });
}

export function webCells(source: SceneSource, count: number, first = 0): Cell[] {
  const pool = { concepts: source.world.concepts, places: Object.values(source.world.places).flat() };
  return Array.from({ length: count }, (_, at) => {
    const scene = source.scene(first + at);
    const other = (accept: (scene: Scene) => boolean) => source.named(`${first + at}/another`, accept);
    const { text, kind } = webText(new Random(`${scene.key}/web`), scene, pool, source.catalogue, other);
    return { source, scene, lines: [grey(`web text: ${kind}`), (kind === "right" ? blue : red)(text)] };
  });
}

/** Selects up to a number of cells of each web kind, in order. */
function someOfEach(cells: readonly Cell[], most: Readonly<Record<WebKind, number>>): Cell[] {
  const left = new Map<string, number>(
    Object.entries(most).map(([kind, count]) => [`web text: ${kind}`, count]),
  );
  return cells.filter(({ lines }) => {
    const kind = must(lines, 0).text;
    const count = left.get(kind) ?? 0;
    left.set(kind, count - 1);
    return count > 0;
  });
}

export function statementCells(source: SceneSource, count: number, first = 0): Cell[] {
  return Array.from({ length: count }, (_, at) => statementOf(source, first + at)).flatMap(
    ({ sentence, label, scenes: [left, right] }) => [
      { source, scene: left, lines: [grey("left image"), (label ? blue : red)(sentence)] },
      { source, scene: right, lines: [grey("right image"), black(label ? "true" : "false")] },
    ],
  );
}

const image = 152;
const gap = 6;
const lineHeight = 13;
const mostLines = 10;
const letters = 27;

/** Wraps a line at `width` letters. */
function wrapped({ text, colour }: Line, width: number): Line[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines.map((line) => ({ text: line, colour }));
}

const escaped = (text: string): string => text.replace(/&/g, "&amp;").replace(/</g, "&lt;");

const wrappedAll = (lines: readonly Line[]): Line[] =>
  lines.flatMap((line) => wrapped(line, letters)).slice(0, mostLines);

function textOf(lines: readonly Line[]): Buffer {
  const rows = wrappedAll(lines).map(
    ({ text, colour }, at) =>
      `<text x="1" y="${lineHeight * (at + 1) - 2}" fill="${colour}" font-family="DejaVu Sans" font-size="10">${escaped(text)}</text>`,
  );
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${image}" height="${lineHeight * mostLines}">${rows.join("")}</svg>`,
  );
}

/**
 * The top edge of each row of cells, and the bottom edge of the last. A row is as high as its longest text requires.
 */
function tops(cells: readonly Cell[], columns: number): number[] {
  const edges = [gap];
  for (let at = 0; at < cells.length; at += columns) {
    const lines = cells.slice(at, at + columns).map((cell) => wrappedAll(cell.lines).length);
    edges.push(last(edges) + image + lineHeight * Math.max(...lines) + gap);
  }
  return edges;
}

/** Writes cells to a JPEG or PNG file, depending on its name. */
export async function writeSheet(cells: readonly Cell[], columns: number, path: string): Promise<void> {
  const panoramas = await readPanoramas();
  const drawers = new Map<SceneSource, Drawer>();
  const overlays: OverlayOptions[] = [];
  const rows = tops(cells, columns);
  for (const [at, { source, scene, lines }] of cells.entries()) {
    const drawer =
      drawers.get(source) ??
      new Drawer(source.catalogue, readSprites(source.catalogue, source.styles), panoramas, image);
    drawers.set(source, drawer);
    const { data } = await drawer.draw(scene);
    const [left, top] = [gap + (at % columns) * (image + gap), must(rows, Math.floor(at / columns))];
    const raw = { width: image, height: image, channels: 3 } as const;
    overlays.push(
      { input: Buffer.from(data), raw, left, top },
      { input: textOf(lines), left, top: top + image },
    );
  }
  const size = { width: gap + columns * (image + gap), height: last(rows) };
  const sheet = sharp({ create: { ...size, channels: 3, background: "#ffffff" } }).composite(overlays);
  writeFileSync(path, await (path.endsWith(".png") ? sheet.png() : sheet.jpeg({ quality: 72 })).toBuffer());
}

const source = (world: WorldName, split: SplitName): SceneSource => sceneSource(world, split, 1);

/** The sheet of docs/world.jpg. It contains only art whose licence allows that. */
export function documentCells(): Cell[] {
  return [
    ...captionCells(source("full", "S0"), 16),
    ...captionCells(source("full", "train"), 8),
    ...captionCells(source("full", "S1"), 8),
    ...captionCells(source("full", "S2"), 8),
    ...someOfEach(webCells(source("full", "train"), 80, 100), {
      right: 2,
      other: 2,
      word: 2,
      spam: 1,
      language: 1,
    }),
    ...statementCells(source("full", "S0"), 8),
    ...captionCells(source("small", "S0"), 4),
    ...captionCells(source("plain", "S0"), 4),
  ];
}
