// Detection of photographs, and the embedded model's warning about them.
import { expect, test } from "vitest";
import { arrayOf } from "@blip-ts/testing";
import { fileURLToPath } from "node:url";
import { fixture } from "../../test/support/goldens.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import { loadProcessor } from "../processor/processor.ts";
import { Matcher } from "../verbs/match.ts";
import { equalNeighbours, flatShare } from "./photograph.ts";

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

async function sharesOf(images: readonly string[]) {
  const warnings: string[] = [];
  const onWarning = ({ code }: { code: string }) => void warnings.push(code);
  const { imageProcessor } = await loadProcessor(nodePlatform, "picture-book", { onWarning });
  const shares: number[] = [];
  for (const image of images)
    shares.push(equalNeighbours(await imageProcessor.pixels(image), imageProcessor.config));
  return { shares, warnings };
}

test("drawings and photographs lie far from the border, on either side", async () => {
  const drawn = await sharesOf(scenes);
  expect(Math.min(...drawn.shares)).toBeGreaterThan(1.5 * flatShare);
  expect(drawn.warnings).toEqual([]);
  const taken = await sharesOf(photographs);
  expect(Math.max(...taken.shares)).toBeLessThan(flatShare / 1.5);
  expect(taken.warnings).toEqual(["model/embedded-drawings"]);
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
  expect(await warned("picture-book", photographs.slice(0, 2), "a woman in a spacesuit")).toEqual([
    "text/unknown-words",
    "model/embedded-drawings",
  ]);
  expect(await warned("picture-book", scenes.slice(0, 2), "a sheep on a red background")).toEqual([]);
  expect(await warned(fixture("tiny/match"), photographs.slice(0, 1), "a dog on the beach")).toEqual([]);
});
