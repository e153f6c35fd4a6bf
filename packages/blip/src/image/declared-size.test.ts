// Sizes that headers declare, compared with the decoder's.
import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { fixture } from "../../test/support/goldens.ts";
import { declaredSize, type SizedFormat } from "./declared-size.ts";

const formats: Readonly<Record<string, SizedFormat>> = {
  jpg: "jpeg",
  webp: "webp",
  avif: "avif",
  tiff: "tiff",
};
const formatOf = (name: string) => formats[name.split(".").at(-1) ?? ""];
const files = readdirSync(fixture("images")).filter((name) => formatOf(name) && name !== "text.jpg");

const sizeOf = (bytes: Uint8Array, format: SizedFormat | undefined) => format && declaredSize(format, bytes);

describe("declaredSize", () => {
  test.each(files)("of %s is what the decoder finds", async (file) => {
    const bytes = await readFile(fixture(`images/${file}`));
    const { width, height } = await sharp(bytes, { failOn: "none" }).metadata();
    expect(sizeOf(bytes, formatOf(file))).toEqual({ width, height });
  });

  test.each([
    ["webp", "a lossless WebP", { lossless: true }],
    ["webp", "a lossy one", { lossless: false }],
    ["avif", "an AVIF", { effort: 0 }],
    ["tiff", "a TIFF", { compression: "lzw" }],
    ["jpeg", "a progressive JPEG", { progressive: true }],
  ] as const)("%s: reads %s of any size", async (format, _, options) => {
    for (const [width, height] of [
      [1, 1],
      [300, 7],
      [16_383, 2],
    ] as const) {
      const plain = sharp({ create: { width, height, channels: 3, background: "red" } });
      // In some formats a profile and EXIF precede the size.
      const bytes = await plain.withMetadata({ orientation: 6 }).toFormat(format, options).toBuffer();
      expect(declaredSize(format, bytes)).toEqual({ width, height });
    }
  });

  test("reads a big-endian TIFF, whose numbers may be short", () => {
    const entry = (tag: string, type: string, value: string) => `${tag}${type}00000001${value}`;
    const entries = entry("0100", "0003", "012c0000") + entry("0101", "0004", "00000007");
    const bytes = Buffer.from(`4d4d002a000000080002${entries}00000000`, "hex");
    expect(declaredSize("tiff", bytes)).toEqual({ width: 300, height: 7 });
  });

  test("takes the largest of an AVIF's items", async () => {
    const grid = await readFile(fixture("images/lossy.avif"));
    const at = grid.indexOf("ispe") - 4;
    const more = Buffer.from(grid.subarray(at, at + 20));
    more.writeUInt32BE(40_000, 12);
    more.writeUInt32BE(30_000, 16);
    // Adds another property to the list; the enclosing boxes grow with it.
    const bytes = Buffer.concat([grid.subarray(0, at), more, grid.subarray(at)]);
    for (const box of ["meta", "iprp", "ipco"]) {
      const size = bytes.indexOf(box) - 4;
      bytes.writeUInt32BE(bytes.readUInt32BE(size) + more.length, size);
    }
    expect(declaredSize("avif", bytes)).toEqual({ width: 40_000, height: 30_000 });
  });

  test("says nothing of what is cut off or is something else, and always ends", () => {
    const format = fc.constantFrom<SizedFormat>("jpeg", "webp", "avif", "tiff");
    fc.assert(
      fc.property(format, fc.uint8Array({ maxLength: 400 }), (one, bytes) => {
        const found = declaredSize(one, bytes);
        if (found) expect([found.width >= 1, found.height >= 1]).toEqual([true, true]);
      }),
    );
    expect(declaredSize("jpeg", Uint8Array.of(0xff, 0xd8, 0xff))).toBeUndefined();
    expect(declaredSize("avif", new Uint8Array(64))).toBeUndefined();
  });
});
