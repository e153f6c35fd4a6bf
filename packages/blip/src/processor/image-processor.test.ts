// Decoding and resizing by convention: the options of each mode, and their effect on pixel values.
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { failureOf } from "@blip-ts/testing";
import { fixture } from "../../test/support/goldens.ts";
import { defaultImageConfig } from "../image/preprocess.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import type { Compat } from "../platform.ts";
import { decodeDefaults, ImageProcessor } from "./image-processor.ts";
import type { ProcessorOptions } from "./options.ts";

test.each<[Compat, Partial<ReturnType<typeof decodeDefaults>>]>([
  ["hf", { alpha: "white", orientation: "stored", grey16: "clip", pillowOrder: "13" }],
  ["blip", { alpha: "drop", orientation: "upright", grey16: "clip", pillowOrder: "10" }],
  ["lavis", { alpha: "drop", orientation: "upright", grey16: "clip", pillowOrder: "10" }],
  ["demo", { alpha: "drop", orientation: "stored", grey16: "clip", pillowOrder: "10" }],
])("%s decodes and resizes by its own conventions, and an option wins", (compat, expected) => {
  expect(decodeDefaults(compat, {})).toEqual(expected);
  const own = { alpha: "drop", orientation: "stored", grey16: "scale", pillowOrder: "13" } as const;
  expect(decodeDefaults(compat, own)).toMatchObject(own);
});

test.each([{ grey16: "cut" }, { pillowOrder: 10 }, { orientation: "left" }, { alpha: "black" }])(
  "%j is refused",
  async (options) => {
    const failure = await failureOf(() => decodeDefaults("blip", options as ProcessorOptions));
    expect(failure).toMatchObject({ code: "usage/bad-option" });
  },
);

test("16-bit grey is clipped with a warning under blip; scaled, it has another brightness", async () => {
  const warnings: string[] = [];
  const meanOf = async (options: ProcessorOptions) => {
    const onWarning = ({ code }: { code: string }) => void warnings.push(code);
    const decode = { ...decodeDefaults("blip", options), onWarning };
    const processor = new ImageProcessor(nodePlatform, defaultImageConfig(16), decode);
    const pixels = await processor.pixels(await readFile(fixture("images/grey16.png")));
    return pixels.reduce((sum, value) => sum + value, 0) / pixels.length;
  };
  const [clipped, scaled] = [await meanOf({}), await meanOf({ grey16: "scale" })];
  expect(warnings).toEqual(["image/grey16-clipped"]);
  expect(clipped - scaled).toBeGreaterThan(0.5);
});

test("the order of Pillow's passes reaches pixel values, wherever the image is resized", async () => {
  // 5 x 28 to 4 x 4: vertical first in Pillow 13.
  const raw = { width: 5, height: 28, data: new Uint8Array(5 * 28 * 3) };
  raw.data.forEach((_, index) => (raw.data[index] = (index * 89) % 256));
  const pixels = (order: "10" | "13") => {
    const platform = {
      decodeImage: async (_input: string, { size }: { size?: { order: string } | undefined }) => {
        expect(size).toMatchObject({ width: 4, height: 4, order });
        return Promise.resolve(raw);
      },
    };
    const decode = { ...decodeDefaults("blip", { pillowOrder: order }) };
    return new ImageProcessor(platform, defaultImageConfig(4), decode).pixels("tall");
  };
  expect(await pixels("10")).not.toEqual(await pixels("13"));
});
