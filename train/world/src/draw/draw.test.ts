// Pixels: each item of a scene is visible at its position.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { must } from "@blip-ts/base";
import { catalogue } from "../art/catalogue.ts";
import { blankSprites } from "../art/sprites.ts";
import type { Pixels } from "../art/render.ts";
import { Random } from "../random.ts";
import { conceptsIn } from "../scene/graph.ts";
import { sceneSource } from "../scene/sample.ts";
import { colourNames, colours, deltaE, nameOfColour, type Rgb } from "../words/colours.ts";
import { Canvas } from "./canvas.ts";
import { Drawer } from "./draw.ts";
import { Mips, recoloured } from "./mips.ts";
import { paintPlain } from "./painted.ts";
import { patchNames } from "./patches.ts";
import { drawView, readPanoramas, type Panorama } from "./photo.ts";
import { drawSprite } from "./sprite.ts";

const pixelAt = ({ data, side }: Canvas, x: number, y: number): Rgb => {
  const at = (Math.floor(y) * side + Math.floor(x)) * 3;
  return [must(data, at), must(data, at + 1), must(data, at + 2)];
};

const filled = (width: number, height: number, colour: (x: number) => Rgb): Pixels => ({
  ...{ width, height },
  data: Uint8Array.from({ length: width * height * 4 }, (_, at) =>
    at % 4 === 3 ? 255 : must(colour(Math.floor(at / 4) % width), at % 4),
  ),
});

describe("a scene", () => {
  test("shows its things in their middles", async () => {
    const source = sceneSource("full", "S0", 21);
    const drawer = new Drawer(catalogue(), blankSprites, await readPanoramas(), 96);
    let [seen, all] = [0, 0];
    for (let number = 0; number < 120; number++) {
      const scene = source.scene(number);
      const canvas = drawer.canvas(scene);
      for (const { things, colour } of scene.groups)
        for (const { sprite, x, y } of things) {
          all++;
          const own = catalogue().at(sprite).colour;
          const shown = pixelAt(canvas, x * 96, y * 96);
          // Blanks are recoloured only if their mean colour has a hue.
          if (deltaE(own, shown) < 6 || (colour !== undefined && deltaE(colours[colour], shown) < 40)) seen++;
        }
    }
    expect(all).toBeGreaterThan(200);
    expect(seen / all).toBeGreaterThan(0.97);
  });

  test("of a plain place has the colour of its name", () => {
    for (const name of colourNames)
      for (let draw = 0; draw < 5; draw++) {
        const canvas = new Canvas(32);
        paintPlain(canvas, name, new Random(`${name} ${draw}`));
        expect(deltaE(canvas.mean(0, 0, 32, 32), colours[name]), name).toBeLessThan(18);
      }
  });
});

describe("patches", () => {
  test("have the names in the file of the recipes", () => {
    const file = readFileSync(new URL("../../recipes/patch-names.json", import.meta.url), "utf8");
    expect(JSON.parse(file)).toEqual(patchNames);
  });

  const drawing = async (world: "full" | "crowd" | "plain") => {
    const source = sceneSource(world, "train", 21);
    return { source, drawer: new Drawer(catalogue(), blankSprites, await readPanoramas(), 128) };
  };

  test("name the thing whose middle is in them, or the one in front of it", async () => {
    const { source, drawer } = await drawing("crowd");
    let [named, all] = [0, 0];
    for (let number = 0; number < 30; number++) {
      const scene = source.scene(number);
      const patches = drawer.patches(scene, 16);
      expect(patches).toHaveLength(64);
      const shown = new Set(patches.flatMap((patch) => (patch === null ? [] : [patchNames[patch]])));
      for (const { concept, things } of scene.groups)
        for (const { x, y } of things) {
          all++;
          const patch = must(patches, Math.floor(y * 8) * 8 + Math.floor(x * 8));
          if (patch !== null && patchNames[patch] === concept.name) named++;
        }
      // In a crowd some patches show nothing; no patch names an absent thing.
      const there = new Set(["nothing", ...scene.groups.map(({ concept }) => concept.name)]);
      expect([...shown].filter((name) => !there.has(name ?? ""))).toEqual([]);
    }
    expect(all).toBeGreaterThan(150);
    expect(named / all).toBeGreaterThan(0.97);
  });

  test("have the same names in every world, so that data of several worlds can be mixed", async () => {
    const { source, drawer } = await drawing("plain");
    expect(source.world.concepts.length).toBeLessThan(patchNames.length - 1);
    const scenes = Array.from({ length: 30 }, (_, number) => source.scene(number));
    const shown = new Set(
      scenes.flatMap((scene) => drawer.patches(scene, 16)).filter((patch) => patch !== null),
    );
    const there = new Set(["nothing", ...scenes.flatMap(conceptsIn)]);
    expect(shown.size).toBeGreaterThan(15);
    for (const patch of shown) expect(there).toContain(patchNames[patch]);
  });

  test("that are hardly covered are unclear", async () => {
    const { source, drawer } = await drawing("full");
    const patches = Array.from({ length: 20 }, (_, number) =>
      drawer.patches(source.scene(number), 16),
    ).flat();
    const share = (value: 0 | null) => patches.filter((patch) => patch === value).length / patches.length;
    expect(share(null)).toBeGreaterThan(0.01);
    expect(share(null)).toBeLessThan(0.15);
    expect(share(0)).toBeGreaterThan(0.4);
  });
});

describe("a sprite", () => {
  test("in another colour has that colour's name; parts without a hue stay", () => {
    const halves = filled(8, 8, (x) => (x < 4 ? [200, 30, 30] : [90, 90, 90]));
    for (const name of colourNames) {
      const { data } = recoloured(halves, name);
      expect(nameOfColour([must(data, 0), must(data, 1), must(data, 2)])).toBe(name);
      expect(Array.from(data.subarray(16, 20))).toEqual([90, 90, 90, 255]);
    }
  });

  test("is drawn at its position, mirrored, rotated", () => {
    const mips = new Mips(filled(64, 64, (x) => (x < 32 ? [255, 0, 0] : [0, 0, 255])));
    const drawn = (angle: number, mirrored: boolean) => {
      const canvas = new Canvas(64);
      drawSprite(canvas, mips, { x: 32, y: 32, side: 32, angle, mirrored });
      return canvas;
    };
    expect(pixelAt(drawn(0, false), 20, 32)).toEqual([255, 0, 0]);
    expect(pixelAt(drawn(0, true), 20, 32)).toEqual([0, 0, 255]);
    // Clockwise: the left side moves to the top.
    expect(pixelAt(drawn(90, false), 32, 20)).toEqual([255, 0, 0]);
    expect(pixelAt(drawn(0, false), 10, 32)).toEqual([0, 0, 0]);
  });

  test("halving keeps the mean", () => {
    const half = new Mips(filled(4, 4, (x) => [x * 20, 100, 0])).level(1);
    expect(Array.from(half.data.subarray(0, 8))).toEqual([10, 100, 0, 255, 50, 100, 0, 255]);
  });
});

test("a view shows the content at its yaw and pitch", () => {
  const [width, height] = [512, 256];
  const panorama: Panorama = {
    ...{ width, height },
    data: Uint8Array.from({ length: width * height * 3 }, (_, at) => {
      const pixel = Math.floor(at / 3);
      // Red encodes the column, green the row.
      return [Math.floor((pixel % width) / 2), Math.floor(pixel / width), 0][at % 3] ?? 0;
    }),
  };
  for (const [yaw, pitch] of [
    [90, 0],
    [180, -10],
    [300, 2],
  ] as const) {
    const canvas = new Canvas(65);
    drawView(canvas, panorama, { yaw, pitch, field: 60 });
    const [red, green] = pixelAt(canvas, 32, 32);
    expect(Math.abs(red - (yaw / 360) * 256)).toBeLessThan(2);
    expect(Math.abs(green - (0.5 - pitch / 180) * 256)).toBeLessThan(2);
    // Half of the field of view lies on each side.
    const [left] = pixelAt(canvas, 0, 32);
    expect(Math.abs(left - ((yaw - 30) / 360) * 256)).toBeLessThan(3);
  }
});
