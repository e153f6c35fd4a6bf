// Each operation against BLIP's own code on OpenCV, and against Pillow: bit-exact (oracle/train/data).
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { RgbImage } from "../../../image/raw-image.ts";
import { augmentImages, noise } from "../../../../test/support/augment-images.ts";
import { Random, streams } from "../random.ts";
import { croppedAndResized, flipped, randomCrop } from "./random-crop.ts";
import { augmentations, augmented, randomAugment, type Augmentation } from "./random-augment.ts";
import { roundEven } from "./warp-affine.ts";

const golden = JSON.parse(
  readFileSync(new URL("../../../../../../fixtures/training/augment.json", import.meta.url), "utf8"),
) as {
  images: string[];
  operations: Record<string, string[]>;
  large: Record<string, string>;
  cropSize: number;
  crops: string[];
  flips: string[];
};

const digest = ({ data }: RgbImage) => createHash("sha256").update(data).digest("hex").slice(0, 8);
const levels = Array.from({ length: 11 }, (_, level) => level);

test("the images are the oracle's", () => {
  expect(augmentImages.map(digest)).toEqual(golden.images);
});

const operation = (name: Augmentation, level: number, negative = false) =>
  augmentImages.map((image) => digest(augmented(image, name, { level, negative, autoContrast: "pillow" })));

test.each(["Brightness", "Sharpness"] as const)("%s equals the reference at each level", (name) => {
  for (const level of levels)
    expect(operation(name, level), `level ${level}`).toEqual(golden.operations[`${name} ${level}`]);
});

test.each(["ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate"] as const)(
  "%s equals OpenCV's warp at each level, both ways",
  (name) => {
    for (const level of levels)
      for (const [sign, negative] of [
        ["+", false],
        ["-", true],
      ] as const)
        expect(operation(name, level, negative), `level ${sign}${level}`).toEqual(
          golden.operations[`${name} ${sign}${level}`],
        );
  },
);

test("Equalize and AutoContrast equal Pillow's; BLIP's own AutoContrast is there, too", () => {
  expect(operation("Equalize", 5)).toEqual(golden.operations.Equalize);
  expect(operation("AutoContrast", 5)).toEqual(golden.operations["AutoContrast pillow"]);
  const blip = augmentImages.map((image) =>
    digest(augmented(image, "AutoContrast", { level: 5, negative: false, autoContrast: "blip" })),
  );
  expect(blip).toEqual(golden.operations["AutoContrast blip"]);
  expect(blip).not.toEqual(golden.operations["AutoContrast pillow"]);
});

test("numbers are rounded as OpenCV and Python round them: halves to the even one", () => {
  const found = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.4999, 2.5001, -7].map(roundEven);
  expect(found.map((value) => value + 0)).toEqual([-2, -2, 0, 0, 2, 2, 2, 3, -7]);
});

test("the warps of an image of 384 pixels equal OpenCV's", () => {
  const large = noise(384);
  for (const [name, expected] of Object.entries(golden.large)) {
    const [operation = "", sign] = name.split(" ");
    const found = augmented(large, operation as Augmentation, {
      level: 5,
      negative: sign === "-5",
      autoContrast: "pillow",
    });
    expect(digest(found), name).toBe(expected);
  }
  expect(Object.keys(golden.large)).toHaveLength(10);
});

test("at BLIP's level 5 Identity, Brightness and Sharpness change nothing", () => {
  for (const name of ["Identity", "Brightness", "Sharpness"] as const)
    expect(operation(name, 5)).toEqual(golden.images);
});

test("a crop is cut and resized as Pillow does it, a flip is Pillow's", async () => {
  const found: string[] = [];
  for (const image of augmentImages) {
    const { width, height } = image;
    for (const [left, top, w, h] of [
      [0, 0, width, height],
      [1, 2, width - 5, height - 4],
      [Math.floor(width / 3), Math.floor(height / 4), 7, 11],
      [0, height - 12, 24, 12],
      [Math.floor(width / 2), 0, width - Math.floor(width / 2), height],
    ] as const)
      found.push(
        digest(await croppedAndResized(image, { left, top, width: w, height: h }, golden.cropSize, "13")),
      );
  }
  expect(found).toEqual(golden.crops);
  expect(augmentImages.map((image) => digest(flipped(image)))).toEqual(golden.flips);
});

const random = (index: number) => new Random({ seed: 7, epoch: 0, index, stream: streams.firstImage });

test("crops keep to scale and ratio, lie within the image, and reach its edges", () => {
  const size = { width: 640, height: 480 };
  const shares: number[] = [];
  const lefts: number[] = [];
  const ratios: number[] = [];
  let outside = 0;
  for (let index = 0; index < 4000; index++) {
    const box = randomCrop(size, random(index), [0.5, 1]);
    if (!(box.left >= 0 && box.left + box.width <= 640 && box.top >= 0 && box.top + box.height <= 480))
      outside++;
    shares.push((box.width * box.height) / (640 * 480));
    lefts.push(box.left / Math.max(1, 640 - box.width));
    ratios.push(box.width / box.height);
  }
  expect(outside).toBe(0);
  expect(Math.min(...ratios)).toBeGreaterThan(0.74);
  expect(Math.max(...ratios)).toBeLessThan(1.35);
  expect(Math.min(...shares)).toBeGreaterThan(0.49);
  expect(Math.min(...shares)).toBeLessThan(0.51);
  expect(Math.max(...shares)).toBeGreaterThan(0.97);
  expect(Math.max(...lefts)).toBe(1);
  expect(Math.min(...lefts)).toBe(0);
});

test("an image that is far too long is cut to a ratio of 4:3 in its middle", () => {
  expect(randomCrop({ width: 1000, height: 30 }, random(0), [0.9, 1])).toEqual({
    left: 480,
    top: 0,
    width: 40,
    height: 30,
  });
  expect(randomCrop({ width: 30, height: 1000 }, random(0), [0.9, 1])).toEqual({
    left: 0,
    top: 480,
    width: 30,
    height: 40,
  });
});

test("two operations are drawn with replacement, each done half of the time", () => {
  const [image] = augmentImages;
  if (image === undefined) throw new Error("no images");
  let unchanged = 0;
  const count = 2000;
  for (let index = 0; index < count; index++) {
    const options = {
      operations: 2,
      level: 5,
      list: ["ShearX", "Rotate"],
      autoContrast: "pillow",
    } as const;
    if (randomAugment(image, random(index), options) === image) unchanged++;
  }
  // A quarter, within four standard deviations.
  expect(Math.abs(unchanged / count - 0.25)).toBeLessThan(4 * Math.sqrt((0.25 * 0.75) / count));
  expect(augmentations).toHaveLength(10);
});
