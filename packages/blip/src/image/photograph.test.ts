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
const images = (...names: readonly string[]) => names.map((name) => fixture(`images/${name}`));
const photographs = images("chelsea.jpg", "coffee.jpg", "grey.jpg", "rgba.png", "alpha.webp");

async function sharesOf(given: readonly string[]) {
  const warnings: string[] = [];
  const onWarning = ({ code }: { code: string }) => void warnings.push(code);
  const options = { task: "match", onWarning };
  const { imageProcessor } = await loadProcessor(nodePlatform, "picture-book", options);
  const shares: number[] = [];
  for (const image of given)
    shares.push(equalNeighbours(await imageProcessor.pixels(image), imageProcessor.config));
  return { shares, warnings };
}

test("drawings lie on one side of the border, photographs on the other, unless a part of them is flat", async () => {
  const drawn = await sharesOf(scenes);
  expect(Math.min(...drawn.shares)).toBeGreaterThan(1.3 * flatShare);
  expect(drawn.warnings).toEqual([]);
  const taken = await sharesOf(photographs);
  expect(Math.max(...taken.shares)).toBeLessThan(flatShare);
  expect(taken.warnings).toEqual(["model/embedded-drawings"]);
  // The background of the portrait is black.
  expect((await sharesOf(images("astronaut.jpg"))).warnings).toEqual([]);
});

test("the flattest part counts, and neighbours are equal in all channels or not at all", () => {
  const size = { width: 16, height: 16 };
  const plane = 16 * 16;
  expect(equalNeighbours(new Float32Array(3 * plane), size)).toBe(1);
  // Stripes in the last channel: pixels equal those above and below only, which are two thirds at the right edge.
  const stripes = new Float32Array(3 * plane).map((_, index) => (index < 2 * plane ? 0 : index % 2));
  expect(equalNeighbours(stripes, size)).toBeCloseTo(2 / 3);
  const noise = Float32Array.from({ length: 3 * plane }, (_, index) => index);
  expect(equalNeighbours(noise, size)).toBe(0);
  for (let y = 4; y < 8; y++)
    for (let x = 4; x < 8; x++) for (const c of [0, 1, 2]) noise[c * plane + y * 16 + x] = 0;
  expect(equalNeighbours(noise, size)).toBe(1);
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
  expect(await warned("picture-book", photographs.slice(0, 2), "a kangaroo and a wombat")).toEqual([
    "text/unknown-words",
    "model/embedded-drawings",
  ]);
  expect(await warned("picture-book", scenes.slice(0, 2), "a sheep on a red background")).toEqual([]);
  expect(await warned(fixture("tiny/match"), photographs.slice(0, 1), "a dog on the beach")).toEqual([]);
});
