// Orientations: the reader with files of every format, and the rotation against sharp's.
import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { fixture } from "../../test/support/goldens.ts";
import { type Orientation, orientationOf, turned } from "./exif-orientation.ts";
import type { ImageFormat } from "./sniff.ts";

const formats: Readonly<Record<string, ImageFormat>> = { jpg: "jpeg", png: "png", webp: "webp", tif: "tiff" };
const kind = (file: string) => fixture(`images/kinds/${file}`);
const said = readdirSync(kind("")).flatMap((file) => {
  const [, number, ending = ""] = /-o(\d)[^.]*\.(\w+)$/.exec(file) ?? [];
  const format = formats[ending];
  return number !== undefined && format ? [{ file, format, orientation: Number(number) }] : [];
});

describe("orientationOf", () => {
  test.each(said)("reads $file", async ({ file, format, orientation }) => {
    // Orientation 9 does not exist.
    expect(orientationOf(format, await readFile(kind(file)))).toBe(orientation > 8 ? 1 : orientation);
  });

  test("has files of all formats", () => {
    for (const format of ["jpeg", "png", "webp", "tiff"])
      expect(said.filter((one) => one.format === format).length).toBeGreaterThanOrEqual(7);
  });

  test("of bytes that are cut or damaged anywhere is a number from 1 to 8", async () => {
    const files = said.filter(({ file }) => file.includes("-o6."));
    for (const { file, format } of files) {
      const bytes = await readFile(kind(file));
      fc.assert(
        fc.property(fc.nat(bytes.length), fc.nat(bytes.length - 1), fc.nat(255), (length, at, byte) => {
          const damaged = Uint8Array.from(bytes.subarray(0, length));
          if (at < damaged.length) damaged[at] = byte;
          const found = orientationOf(format, damaged);
          return found >= 1 && found <= 8;
        }),
        { numRuns: 200, seed: 7 },
      );
    }
  });
});

describe("turned", () => {
  const [width, height] = [5, 3];
  const data = Uint8Array.from({ length: width * height * 3 }, (_, index) => (index * 37) % 251);

  test.each([1, 2, 3, 4, 5, 6, 7, 8] as const)("by %i is as sharp does it", async (orientation) => {
    const png = await sharp(data, { raw: { width, height, channels: 3 } })
      .withMetadata({ orientation })
      .png()
      .toBuffer();
    const expected = await sharp(png).autoOrient().raw().toBuffer({ resolveWithObject: true });
    const found = await turned({ data, width, height }, orientation satisfies Orientation);
    expect([found.width, found.height]).toEqual([expected.info.width, expected.info.height]);
    expect([...found.data]).toEqual([...expected.data]);
  });
});
