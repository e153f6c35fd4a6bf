// Varied drawings: they stay in their boxes, keep named colours, and only training scenes have them.
import { describe, expect, test } from "vitest";
import { must } from "@blip-ts/base";
import { catalogue } from "../art/catalogue.ts";
import { blankSprites } from "../art/sprites.ts";
import { Random } from "../random.ts";
import { sceneSource } from "../scene/sample.ts";
import { Canvas } from "./canvas.ts";
import { Drawer } from "./draw.ts";
import { lookOf, toned } from "./look.ts";
import { Mips } from "./mips.ts";
import { drawSprite } from "./sprite.ts";
import { readPanoramas } from "./photo.ts";

const plainTone = { hue: 0, saturation: 1, contrast: 1, light: 0, levels: undefined };
const rounded = (colour: readonly number[]) => colour.map(Math.round);

describe("a tone", () => {
  test("turns hues: a third of a turn exchanges the channels", () => {
    expect(rounded(toned(plainTone)(200, 30, 60))).toEqual([200, 30, 60]);
    expect(rounded(toned({ ...plainTone, hue: 120 })(200, 30, 60))).toEqual([60, 200, 30]);
  });

  test("scales the distance from grey, and leaves a number of levels", () => {
    expect(rounded(toned({ ...plainTone, saturation: 0 })(200, 30, 70))).toEqual([100, 100, 100]);
    expect(rounded(toned({ ...plainTone, levels: 3 })(200, 30, 70))).toEqual([255, 0, 128]);
    expect(rounded(toned({ ...plainTone, light: 300 })(200, 30, 70))).toEqual([255, 255, 255]);
  });
});

describe("a shape", () => {
  const drawing = (width: number, height: number) =>
    new Mips({ width, height, data: new Uint8Array(width * height * 4).fill(255) });
  const box = (mips: Mips, shape?: { wide: number; high: number; slant: number }) => {
    const canvas = new Canvas(64);
    drawSprite(canvas, mips, { x: 32, y: 32, side: 40, angle: 0, mirrored: false, shape }, [255, 255, 255]);
    const shown = Array.from({ length: 64 * 64 }, (_, at) => at).filter(
      (at) => must(canvas.data, at * 3) > 127,
    );
    const [xs, ys] = [shown.map((at) => at % 64), shown.map((at) => Math.floor(at / 64))];
    return [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys), shown.length];
  };

  test("is narrower or lower", () => {
    expect(box(drawing(64, 64))).toEqual([12, 51, 12, 51, 1600]);
    expect(box(drawing(64, 64), { wide: 0.5, high: 1, slant: 0 })).toEqual([22, 41, 12, 51, 800]);
    expect(box(drawing(64, 64), { wide: 1, high: 0.5, slant: 0 })).toEqual([12, 51, 22, 41, 800]);
  });

  test("that is slanted stays in its box, even if the drawing is tall", () => {
    for (const [width, height] of [
      [64, 64],
      [32, 64],
    ] as const)
      for (const slant of [-0.25, 0.25]) {
        const mips = drawing(width, height);
        const [left, right, top, bottom, area] = box(mips);
        const slanted = box(mips, { wide: 1, high: 1, slant });
        expect(must(slanted, 0)).toBeGreaterThanOrEqual((left ?? NaN) - 1);
        expect(must(slanted, 1)).toBeLessThanOrEqual((right ?? NaN) + 1);
        expect(slanted.slice(2, 4)).toEqual([top, bottom]);
        expect(must(slanted, 4)).toBeLessThan((area ?? NaN) * 0.85);
      }
  });
});

describe("a look", () => {
  const looks = Array.from({ length: 200 }, (_, at) => lookOf(new Random(`look ${at}`), true));

  test("varies one side, sometimes slants, sometimes outlines", () => {
    for (const { shape } of looks) expect(Math.max(shape.wide, shape.high)).toBe(1);
    const count = (of: (look: (typeof looks)[number]) => boolean) => looks.filter(of).length;
    expect(Math.abs(count(({ shape }) => shape.slant !== 0) - 120)).toBeLessThan(20);
    expect(Math.abs(count(({ outline }) => outline !== undefined) - 60)).toBeLessThan(20);
    expect(Math.abs(count(({ tone }) => tone?.levels !== undefined) - 60)).toBeLessThan(20);
  });

  test("keeps colours that a text names", () => {
    for (let at = 0; at < 20; at++) expect(lookOf(new Random(`look ${at}`), false).tone).toBeUndefined();
  });
});

describe("a drawer", () => {
  const drawers = async () => {
    const panoramas = await readPanoramas();
    return (["nothing", "shapes", "all"] as const).map(
      (vary) => new Drawer(catalogue(), blankSprites, panoramas, 64, vary),
    );
  };
  const differs = (a: Canvas, b: Canvas) => a.data.some((value, at) => value !== b.data[at]);

  test("varies training scenes, and never test scenes", async () => {
    const [own, shapes, all] = await drawers();
    const training = sceneSource("full", "train", 3).scene(1);
    const unseen = sceneSource("full", "S0", 3).scene(1);
    if (!own || !shapes || !all) throw new RangeError("drawers");
    expect(differs(own.canvas(training), shapes.canvas(training))).toBe(true);
    expect(differs(shapes.canvas(training), all.canvas(training))).toBe(true);
    expect(differs(all.canvas(training), all.canvas(training))).toBe(false);
    expect(differs(own.canvas(unseen), all.canvas(unseen))).toBe(false);
  });

  test("labels the patches that the varied drawing shows", async () => {
    const [own, , all] = await drawers();
    if (!own || !all) throw new RangeError("drawers");
    const source = sceneSource("full", "train", 3);
    const empty = (drawer: Drawer) =>
      Array.from({ length: 12 }, (_, number) => drawer.patches(source.scene(number), 8))
        .flat()
        .filter((patch) => patch === 0).length;
    // Varied drawings are smaller.
    expect(empty(all)).toBeGreaterThan(empty(own));
  });
});
