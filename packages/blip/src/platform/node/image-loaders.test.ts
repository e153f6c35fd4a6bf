// An image is decoded in the format that was sniffed.
import { readFile } from "node:fs/promises";
import sharp, { type Metadata } from "sharp";
import { beforeAll, describe, expect, test } from "vitest";
import { fixture } from "../../../test/support/goldens.ts";
import { sniff } from "../../image/sniff.ts";
import type { DecodeOptions } from "../../image/decode-options.ts";
import { decodeImage } from "./decode-image.ts";
import { checkDecoder } from "./image-loaders.ts";

const options: DecodeOptions = { alpha: "white", orientation: "stored", grey16: "clip" };
const drawing = (inside: string, size: number) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}">${inside}</svg>`;
/** Computes for minutes and cannot be stopped. */
const bomb =
  '<filter id="f" x="0" y="0" width="1" height="1"><feMorphology operator="dilate" radius="2000"/></filter>' +
  '<rect width="3000" height="3000" filter="url(#f)"/>';
const avifBox = Buffer.from("\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "latin1");

describe("a drawing in the coat of an AVIF", () => {
  test.each([
    ["that spells it in a comment", Buffer.from(`<!--ftypavif-->${drawing("", 64)}`)],
    ["that would compute without end", Buffer.from(`<!--ftypavif-->${drawing(bomb, 3000)}`)],
    ["behind a whole box of brands", Buffer.concat([avifBox, Buffer.from(drawing(bomb, 3000))])],
  ])(
    "%s is refused at once",
    async (_, bytes) => {
      await expect(decodeImage(bytes, options)).rejects.toMatchObject({
        code: expect.stringMatching(/^image\/(?:unsupported|truncated)$/) as string,
      });
    },
    5_000,
  );
});

describe("libvips' loaders", () => {
  beforeAll(() => decodeImage(fixture("images/one-pixel.png"), options));

  test("of formats that are not read here are blocked", async () => {
    await expect(sharp(Buffer.from(drawing("", 4))).metadata()).rejects.toThrow(/unsupported image format/);
  });

  test("are no others than were looked at, in the build that is installed", () => {
    type Input = { readonly input: { readonly buffer: boolean; readonly file: boolean } };
    const readable = (Object.entries(sharp.format) as [string, Input][])
      .filter(([, { input }]) => input.buffer || input.file)
      .map(([name]) => name);
    // The supported ones, and `svg`, `vips` and `raw`, which are blocked; a new one must be assigned to either group.
    expect(readable.sort()).toEqual(
      ["gif", "heif", "jpeg", "png", "raw", "svg", "tiff", "vips", "webp"].sort(),
    );
  });

  test.each([
    ["rgba.png", "webp", undefined, "PNG but that libvips reads as webp"],
    ["lossy.avif", "svg", undefined, "AVIF but that libvips reads as svg"],
    ["lossy.avif", "heif", "hevc", "HEIC"],
    ["lossy.avif", "heif", "jpeg", "HEIF without AV1 pixels"],
  ] as const)("that take %s for %s (%s) are not believed", async (file, format, compression, message) => {
    const bytes = await readFile(fixture(`images/${file}`));
    const sniffed = sniff(bytes);
    if (sniffed.kind !== "image") throw new Error("a fixture is no image");
    const found = { ...(await sharp(bytes).metadata()), format, compression } as Metadata;
    const encoded = { name: file, bytes, format: sniffed.format };
    expect(() => checkDecoder(encoded, found)).toThrow(message);
  });
});
