// Detection of photographs, and the embedded model's warning about them.
import { expect, test } from "vitest";
import { arrayOf } from "@blip-ts/testing";
import { fileURLToPath } from "node:url";
import { fixture } from "../../test/support/goldens.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import { loadProcessor } from "../processor/processor.ts";
import { Matcher } from "../verbs/match.ts";
import { equalNeighbours, flatShare, largestPatch, leastPatch } from "./photograph.ts";
import { defaultImageConfig } from "./preprocess.ts";

const scene = (number: number) =>
  fileURLToPath(
    new URL(`../../../../examples/scenes/${String(number).padStart(2, "0")}.png`, import.meta.url),
  );
const scenes = Array.from({ length: 12 }, (_, index) => scene(index + 1));
const photographs = [
  "astronaut.jpg",
  "chelsea.jpg",
  "coffee.jpg",
  "rocket.jpg",
  "grey.jpg",
  "rgba.png",
  "alpha.webp",
].map((name) => fixture(`images/${name}`));

async function measured(images: readonly string[]) {
  const warnings: string[] = [];
  const onWarning = ({ code }: { code: string }) => void warnings.push(code);
  const { imageProcessor } = await loadProcessor(nodePlatform, "picture-book", { task: "match", onWarning });
  const [shares, patches]: [number[], number[]] = [[], []];
  for (const image of images) {
    const pixels = await imageProcessor.pixels(image);
    shares.push(equalNeighbours(pixels, imageProcessor.config));
    patches.push(largestPatch(pixels, imageProcessor.config));
  }
  return { shares, patches, warnings };
}

test("drawings, also before photographs, have a larger patch of one colour than photographs", async () => {
  const drawn = await measured(scenes);
  expect(Math.min(...drawn.patches)).toBeGreaterThan(1.2 * leastPatch);
  expect(drawn.warnings).toEqual([]);
  const taken = await measured(photographs);
  expect(Math.max(...taken.patches)).toBeLessThan(leastPatch / 1.2);
  expect(Math.max(...taken.shares)).toBeLessThan(flatShare / 1.5);
  expect(taken.warnings).toEqual(["model/embedded-drawings"]);
});

test("each photograph is recognised, also with a part that is black or white", async () => {
  for (const image of photographs) expect((await measured([image])).warnings, image).toHaveLength(1);
});

test("the largest patch is connected, of one colour, and neither almost black nor almost white", () => {
  const config = { ...defaultImageConfig(4), height: 3 };
  const drawn = (rows: readonly string[], bytes: Readonly<Record<string, number>>) => {
    const plane = rows.join("");
    const values = [0, 1, 2].flatMap((channel) =>
      Array.from(plane, (mark) => {
        const mean = config.mean[channel] ?? 0;
        return ((bytes[mark] ?? 0) / 255 - mean) / (config.std[channel] ?? 1);
      }),
    );
    return 12 * largestPatch(Float32Array.from(values), config);
  };
  // The last b touches the others only at a corner, and the end of a row does not touch the next row's start.
  expect(drawn(["abba", "acbc", "cccb"], { a: 100, b: 120, c: 140 })).toBeCloseTo(4);
  expect(drawn(["accb", "bcca", "abab"], { a: 100, b: 120, c: 16 })).toBeCloseTo(1);
  expect(drawn(["accb", "bcca", "abab"], { a: 100, b: 120, c: 239 })).toBeCloseTo(1);
  expect(drawn(["accb", "bcca", "abab"], { a: 100, b: 120, c: 238 })).toBeCloseTo(4);
  expect(drawn(["cccc", "cccc", "cccc"], { c: 0 })).toBe(0);
});

test("neighbours are equal in all channels or not at all", () => {
  const size = { width: 3, height: 2 };
  expect(equalNeighbours(new Float32Array(18), size)).toBe(1);
  const oneOff = new Float32Array(18);
  // The middle of the first row, in the last channel, is part of three of the seven pairs.
  oneOff[13] = 1;
  expect(equalNeighbours(oneOff, size)).toBeCloseTo(4 / 7);
  expect(equalNeighbours(new Float32Array(3), { width: 1, height: 1 })).toBe(1);
});

test("the embedded model warns once of a photograph, and of words that it lacks; others do not", async () => {
  const warned = async (model: string, images: readonly string[], text: string) => {
    const codes: string[] = [];
    await using matcher = await Matcher.load(nodePlatform, model, {
      onWarning: ({ code }) => codes.push(code),
    });
    for (let call = 0; call < 2; call++) await arrayOf(matcher.match(images, [text]));
    return codes;
  };
  expect(await warned("picture-book", photographs.slice(0, 2), "an astronaut in a spacesuit")).toEqual([
    "text/unknown-words",
    "model/embedded-drawings",
  ]);
  expect(await warned("picture-book", scenes.slice(0, 2), "a camel in a forest")).toEqual([]);
  expect(await warned(fixture("tiny/match"), photographs.slice(0, 1), "a dog on the beach")).toEqual([]);
});
