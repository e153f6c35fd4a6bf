// Orientations: the reader with files of every format, and the rotation against sharp's.
import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { crc32, deflateSync } from "node:zlib";
import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { fixture } from "../../test/support/goldens.ts";
import { orientationOf, turnTo } from "./exif-orientation.ts";
import { type Orientation, orientations, turned, undoing } from "./orientation.ts";
import type { ImageFormat } from "./sniff.ts";

const formats: Readonly<Record<string, ImageFormat>> = { jpg: "jpeg", png: "png", webp: "webp", tif: "tiff" };
const kind = (file: string) => fixture(`images/kinds/${file}`);
const said = readdirSync(kind("")).flatMap((file) => {
  const [, number, ending = ""] = /-o(\d)[^.]*\.(\w+)$/.exec(file) ?? [];
  const format = formats[ending];
  return number !== undefined && format ? [{ file, format, orientation: Number(number) }] : [];
});

/** An EXIF block that has an orientation alone. */
const exif = (orientation: number): Buffer =>
  Buffer.concat([
    Buffer.from("49492a000800000001001201030001000000", "hex"),
    Buffer.from([orientation, 0, 0, 0, 0, 0, 0, 0]),
  ]);

describe("orientationOf", () => {
  test.each(said)("reads $file", async ({ file, format, orientation }) => {
    // Orientation 9 does not exist.
    expect(await orientationOf(format, await readFile(kind(file)))).toBe(orientation > 8 ? 1 : orientation);
  });

  test("has files of all formats", () => {
    for (const format of ["jpeg", "png", "webp", "tiff"])
      expect(said.filter((one) => one.format === format).length).toBeGreaterThanOrEqual(7);
  });

  test("of bytes that are cut or damaged anywhere is a number from 1 to 8", async () => {
    const files = said
      .filter(({ file }) => file.includes("-o6."))
      .map(({ file, format }) => ({ format, bytes: readFileSync(kind(file)) }));
    const others = [
      { format: "png", bytes: pngWith(zTxt(profile(exif(6)))) },
      { format: "avif", bytes: await avif(5) },
    ] as const;
    for (const { format, bytes } of [...files, ...others])
      await fc.assert(
        fc.asyncProperty(
          fc.nat(bytes.length),
          fc.nat(bytes.length - 1),
          fc.nat(255),
          async (length, at, byte) => {
            const damaged = Uint8Array.from(bytes.subarray(0, length));
            if (at < damaged.length) damaged[at] = byte;
            return orientations.includes(await orientationOf(format, damaged));
          },
        ),
        { numRuns: 200, seed: 7 },
      );
  });
});

const plainPng = readFileSync(kind("png-type2-8.png"));

function chunk(type: string, ...parts: (string | Uint8Array)[]): Buffer {
  const body = Buffer.concat([type, ...parts].map((part) => Buffer.from(part as string, "latin1")));
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(body.length - 4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** A PNG with more chunks after its header. */
const pngWith = (...chunks: readonly Buffer[]): Buffer =>
  Buffer.concat([plainPng.subarray(0, 33), ...chunks, plainPng.subarray(33)]);

/** A profile as ImageMagick writes it, in lines of 72 digits. */
const profile = (block: Buffer, name = "exif"): string =>
  `\n${name}\n${String(block.length).padStart(8)}\n${block.toString("hex").replace(/.{1,72}/g, "$&\n")}`;

const keyword = "Raw profile type exif";
const zTxt = (text: string, name = keyword): Buffer =>
  chunk("zTXt", `${name}\0\0`, deflateSync(Buffer.from(text)));

describe("a PNG's texts", () => {
  const withPrefix = (orientation: number) => Buffer.concat([Buffer.from("Exif\0\0"), exif(orientation)]);
  const text = profile(withPrefix(6));
  const tEXt = chunk("tEXt", `${keyword}\0`, text);

  // The right values are those of Pillow 10.4's getexif.
  test.each<[string, Orientation, Buffer]>([
    ["a compressed text", 6, pngWith(zTxt(text))],
    ["without EXIF's prefix", 6, pngWith(zTxt(profile(exif(6))))],
    ["a plain text", 6, pngWith(tEXt)],
    [
      "with spaces between bytes",
      6,
      pngWith(chunk("tEXt", `${keyword}\0${text.replace(/\w{2}(?=\w)/g, "$& ")}`)),
    ],
    ["an international text", 6, pngWith(chunk("iTXt", `${keyword}\0\0\0en\0x\0`, text))],
    ["a compressed one", 6, pngWith(chunk("iTXt", `${keyword}\0\x01\0\0\0`, deflateSync(text)))],
    ["after the pixels", 6, Buffer.concat([plainPng.subarray(0, -12), zTxt(text), plainPng.subarray(-12)])],
    ["the last of two", 6, pngWith(zTxt(profile(exif(8))), tEXt)],
    ["beside eXIf, which wins", 8, pngWith(chunk("eXIf", exif(8)), zTxt(text))],
    ["before eXIf, which wins", 8, pngWith(zTxt(text), chunk("eXIf", exif(8)))],
    ["beside an empty eXIf", 1, pngWith(chunk("eXIf"), zTxt(text))],
    ["the last of two eXIf", 6, pngWith(chunk("eXIf", exif(8)), chunk("eXIf", exif(6)))],
    ["a text named exif", 6, pngWith(chunk("eXIf", exif(8)), chunk("tEXt", "exif\0", withPrefix(6)))],
    ["a profile of another name", 1, pngWith(zTxt(profile(exif(6), "APP1"), "Raw profile type APP1"))],
    ["a keyword in another case", 1, pngWith(zTxt(text, keyword.toLowerCase()))],
    ["an unknown method", 1, pngWith(chunk("iTXt", `${keyword}\0\x01\x01\0\0`, deflateSync(text)))],
    // Pillow refuses these files; their pixels are good.
    ["digits that are none", 1, pngWith(zTxt(`${text}zz`))],
    ["half a byte", 1, pngWith(zTxt(`${text}0`))],
    ["a text of more than a megabyte", 1, pngWith(zTxt(text + "\n".repeat(2 ** 20)))],
  ])("%s: %i", async (_, orientation, bytes) => {
    expect(await orientationOf("png", bytes)).toBe(orientation);
  });
});

describe("a WebP's EXIF", () => {
  const announced = readFileSync(kind("webp-o6.webp"));

  test("counts only if VP8X announces it, and within the declared size, as in libwebp", async () => {
    const unannounced = Buffer.from(announced);
    unannounced.writeUInt8(unannounced.readUInt8(20) & ~0x08, 20);
    expect(await orientationOf("webp", unannounced)).toBe(1);
    const outside = Buffer.from(announced);
    outside.writeUInt32LE(announced.indexOf("EXIF") - 8, 4);
    expect(await orientationOf("webp", outside)).toBe(1);
  });
});

/** An AVIF that the encoder marks as turned. */
const avif = (orientation: number): Promise<Buffer> =>
  sharp({ create: { width: 16, height: 8, channels: 3, background: "red" } })
    .withMetadata({ orientation })
    .avif({ effort: 0 })
    .toBuffer();

describe("an AVIF's boxes", () => {
  test.each(orientations)("say orientation %i", async (orientation) => {
    expect(await orientationOf("avif", await avif(orientation))).toBe(orientation);
  });

  // Pillow's table (_avif.c, irot_imir_to_exif_orientation): quarters anticlockwise, then the mirror's axis.
  test.each([
    [0, 0, 4],
    [0, 1, 2],
    [1, 0, 5],
    [1, 1, 7],
    [2, 0, 2],
    [2, 1, 4],
    [3, 0, 7],
    [3, 1, 5],
  ])("irot %i with imir %i: %i", async (angle, axis, orientation) => {
    const bytes = await avif(5);
    bytes[bytes.indexOf("irot") + 4] = angle;
    bytes[bytes.indexOf("imir") + 4] = axis;
    expect(await orientationOf("avif", bytes)).toBe(orientation);
  });

  test("of another item do not count", async () => {
    const bytes = await avif(6);
    bytes[bytes.indexOf("pitm") + 9] = 2;
    expect(await orientationOf("avif", bytes)).toBe(1);
  });
});

describe("turned", () => {
  const [width, height] = [5, 3];
  const data = Uint8Array.from({ length: width * height * 3 }, (_, index) => (index * 37) % 251);

  test.each(orientations)("by %i is as sharp does it", async (orientation) => {
    const png = await sharp(data, { raw: { width, height, channels: 3 } })
      .withMetadata({ orientation })
      .png()
      .toBuffer();
    const expected = await sharp(png).autoOrient().raw().toBuffer({ resolveWithObject: true });
    const found = await turned({ data, width, height }, orientation);
    expect([found.width, found.height]).toEqual([expected.info.width, expected.info.height]);
    expect([...found.data]).toEqual([...expected.data]);
    expect(await turned(found, undoing(orientation))).toEqual({ data, width, height });
  });

  test("a decoder turns AVIF itself, so its turn is undone for the stored pixels", async () => {
    const [bytes, webp] = [await avif(6), readFileSync(kind("webp-o6.webp"))];
    expect([await turnTo("stored", "avif", bytes), await turnTo("upright", "avif", bytes)]).toEqual([8, 1]);
    expect([await turnTo("stored", "webp", webp), await turnTo("upright", "webp", webp)]).toEqual([1, 6]);
  });
});
