// Images against Pillow and transformers' PIL processor (oracle/hf/image_goldens.py), compared exactly.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { openAsBlob } from "node:fs";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { crc32, deflateSync } from "node:zlib";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { InputError } from "@blip-ts/base";
import { defaultImageConfig, preprocess } from "../../image/preprocess.ts";
import { resizeBicubic } from "../../image/resize-bicubic.ts";
import type { DecodeOptions } from "../../image/decode-options.ts";
import { decodeImage, type ImageInput } from "./decode-image.ts";

interface Expected {
  readonly rgb: string;
  readonly first: number[];
  readonly resized: Record<"32" | "128" | "384", string>;
  readonly pixelValues384: string;
  readonly pixelValuesFirst: number[];
}

interface Row {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly hf: Expected;
  readonly blip: Expected;
}

const fixtures = new URL("../../../../../fixtures/", import.meta.url);
const { rows } = JSON.parse(await readFile(new URL("goldens/images.json", fixtures), "utf8")) as {
  rows: Row[];
};
const picture = (name: string) => fileURLToPath(new URL(`images/${name}`, fixtures));
const sha = (data: Uint8Array | Float32Array) =>
  createHash("sha256")
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest("hex");

const hf: DecodeOptions = { alpha: "white", orientation: "stored", grey16: "clip" };
const dropped: DecodeOptions = { ...hf, alpha: "drop" };

/** libheif and libavif interpolate colour differently: these bytes are close, not equal. */
const exact = rows.filter(({ file }) => !file.endsWith(".avif"));

describe("decodeImage", () => {
  test.each(exact)("gives Pillow's bytes of $file", async ({ file, width, height, hf: expected, blip }) => {
    const image = await decodeImage(picture(file), hf);
    expect([image.width, image.height]).toEqual([width, height]);
    expect([...image.data.subarray(0, 12)]).toEqual(expected.first);
    expect(sha(image.data)).toBe(expected.rgb);
    // After decoding, a GIF's colours under transparent pixels are lost: only the pixels over white can be compared.
    if (file !== "transparent.gif")
      expect(sha((await decodeImage(picture(file), dropped)).data)).toBe(blip.rgb);
  });

  test("is near Pillow's bytes for AVIF", async () => {
    const expected = rows.find(({ file }) => file === "lossy.avif")?.hf.first ?? [];
    const { data } = await decodeImage(picture("lossy.avif"), hf);
    expect(expected).toHaveLength(12);
    expected.forEach((value, index) =>
      expect(Math.abs((data[index] ?? NaN) - value)).toBeLessThanOrEqual(12),
    );
  });

  test.each(exact)("gives transformers' pixel values of $file", async ({ file, hf: expected }) => {
    const image = await decodeImage(picture(file), hf);
    for (const side of ["32", "128", "384"] as const)
      expect(sha((await resizeBicubic(image, Number(side), Number(side), "13")).data)).toBe(
        expected.resized[side],
      );
    const values = await preprocess(image, defaultImageConfig(384), "13");
    expect([...values.subarray(0, 4)]).toEqual(expected.pixelValuesFirst);
    expect(sha(values)).toBe(expected.pixelValues384);
  });

  test("takes bytes, Blobs, file URLs and raw pixels as well as paths", async () => {
    const path = picture("rgba.png");
    const bytes = await readFile(path);
    const expected = sha((await decodeImage(path, hf)).data);
    const { data, info } = await sharp(path).raw().toBuffer({ resolveWithObject: true });
    const inputs = [
      bytes,
      new Uint8Array(bytes).buffer,
      new Blob([new Uint8Array(bytes)]),
      new URL(`file://${path}`),
      { data, width: info.width, height: info.height, channels: info.channels },
    ];
    for (const input of inputs) expect(sha((await decodeImage(input, hf)).data)).toBe(expected);
  });

  test("turns an image upright where it is asked to", async () => {
    const stored = await decodeImage(picture("exif-rotated.jpg"), hf);
    const upright = await decodeImage(picture("exif-rotated.jpg"), { ...hf, orientation: "upright" });
    expect([upright.width, upright.height]).toEqual([stored.height, stored.width]);
    // Orientation 6: the stored left column, read upwards, is the upright top row.
    const bottomLeft = (stored.height - 1) * stored.width * 3;
    expect([...upright.data.subarray(0, 3)]).toEqual([...stored.data.subarray(bottomLeft, bottomLeft + 3)]);
  });

  test("turns a TIFF always, as Pillow does", async () => {
    const tiff = await sharp(picture("exif-rotated.jpg"), { autoOrient: false })
      .withExif({})
      .withMetadata({ orientation: 6 })
      .tiff()
      .toBuffer();
    const image = await decodeImage(tiff, hf);
    const stored = await decodeImage(picture("exif-rotated.jpg"), hf);
    expect([image.width, image.height]).toEqual([stored.height, stored.width]);
  });

  test.each([2, 3, 4, 5, 6, 7, 8])(
    "leaves an AVIF of orientation %i as stored where it is asked to, as Pillow does",
    async (orientation) => {
      const { data, width, height } = await decodeImage(picture("odd-444.jpg"), hf);
      const encoded = (own: number) =>
        sharp(data, { raw: { width, height, channels: 3 } })
          .withMetadata({ orientation: own })
          .avif({ effort: 0 })
          .toBuffer();
      const [turned, plain] = await Promise.all([encoded(orientation), encoded(1)]);
      const stored = await decodeImage(plain, hf);
      expect(await decodeImage(turned, hf)).toEqual(stored);
      const upright = await decodeImage(turned, { ...hf, orientation: "upright" });
      const sides = [upright.width, upright.height];
      expect(sides).toEqual(orientation >= 5 ? [height, width] : [width, height]);
      expect(sha(upright.data)).not.toBe(sha(stored.data));
    },
  );

  test("turns a PNG by ImageMagick's profile of its EXIF", async () => {
    const plain = await readFile(picture("kinds/png-type2-8.png"));
    const digits = "49492a000800000001001201030001000000" + "0600000000000000";
    const text = Buffer.from(`Raw profile type exif\0\nexif\n      26\n${digits}\n`);
    const bytes = Buffer.concat([plain.subarray(0, 33), pngChunk("tEXt", text), plain.subarray(33)]);
    const upright: DecodeOptions = { ...dropped, orientation: "upright" };
    // The fixture has the same pixels, and eXIf.
    expect(await decodeImage(bytes, upright)).toEqual(
      await decodeImage(picture("kinds/png-o6.png"), upright),
    );
    expect(await decodeImage(bytes, hf)).toEqual(await decodeImage(picture("kinds/png-type2-8.png"), hf));
  });

  test("around the first frame of an animated WebP is white only if the file announces alpha", async () => {
    // Pillow 10.4 opens the file as RGBA or RGB by that flag.
    const corner = async (flags: number, options: DecodeOptions) => {
      const { data, width, height } = await decodeImage(await animatedWebp(flags), options);
      expect([width, height]).toEqual([12, 10]);
      const inside = (2 * width + 2) * 3;
      expect([...data.subarray(inside, inside + 3)]).toEqual([255, 0, 0]);
      return [...data.subarray(0, 3)];
    };
    expect(await corner(0x02, hf)).toEqual([0, 0, 0]);
    expect(await corner(0x12, hf)).toEqual([255, 255, 255]);
    expect(await corner(0x02, dropped)).toEqual([0, 0, 0]);
    expect(await corner(0x12, dropped)).toEqual([0, 0, 0]);
  });

  test("scales 16-bit grey where it does not clip it, and warns where it does", async () => {
    const warnings: string[] = [];
    const onWarning = ({ code }: { code: string }) => void warnings.push(code);
    const clipped = await decodeImage(picture("grey16.png"), { ...hf, onWarning });
    const scaled = await decodeImage(picture("grey16.png"), { ...hf, grey16: "scale", onWarning });
    expect(warnings).toEqual(["image/grey16-clipped"]);
    expect(new Set(clipped.data)).toContain(255);
    // The second pixel is 137, the third 274 of 65535.
    expect([...clipped.data.subarray(3, 9)]).toEqual([137, 137, 137, 255, 255, 255]);
    expect([...scaled.data.subarray(3, 9)]).toEqual([0, 0, 0, 1, 1, 1]);
  });

  test.each([
    // Pillow compares 8-bit pixels with the low byte of tRNS: correct for 8 bits, no match for 4, any match for 16.
    ["8-bit grey", png({ depth: 8, type: 0, rows: "0507", trns: "0007" }), [5, 5, 5, 255, 255, 255]],
    ["4-bit grey", png({ depth: 4, type: 0, rows: "57", trns: "0007" }), [85, 85, 85, 119, 119, 119]],
    ["1-bit grey", png({ depth: 1, type: 0, rows: "40", trns: "0000" }), [255, 255, 255, 255, 255, 255]],
    [
      "16-bit grey",
      png({ depth: 16, type: 0, rows: "00070107", trns: "0107" }),
      [255, 255, 255, 255, 255, 255],
    ],
    [
      "1-bit grey, where any number but 0 is white",
      png({ depth: 1, type: 0, rows: "40", trns: "0100" }),
      [0, 0, 0, 255, 255, 255],
    ],
    [
      "16-bit RGB",
      png({ depth: 16, type: 2, rows: "070007000700010002000300", trns: "010701070107" }),
      [255, 255, 255, 1, 2, 3],
    ],
  ])("sees a colour key of %s as Pillow does", async (_, bytes, expected) => {
    expect([...(await decodeImage(bytes, hf)).data]).toEqual(expected);
  });

  test("keeps the high byte of 16-bit grey with alpha, which is not clipped", async () => {
    const bytes = png({ depth: 16, type: 4, rows: "01ffffff80000000" });
    expect([...(await decodeImage(bytes, hf)).data]).toEqual([1, 1, 1, 255, 255, 255]);
    expect([...(await decodeImage(bytes, dropped)).data]).toEqual([1, 1, 1, 128, 128, 128]);
  });

  test("bears with a broken JPEG that libjpeg only warns of", async () => {
    const bytes = await readFile(picture("odd-444.jpg"));
    bytes.fill(0xff, bytes.length - 121, bytes.length - 119);
    // Pillow 13's result.
    const expected = "f8b9d3e54996973437cd9ebbf29ab7e8ccfdb9d7c740c7444cc569e9e5f678d2";
    expect(sha((await decodeImage(bytes, hf)).data)).toBe(expected);
  });

  test.runIf(process.platform !== "win32")("rejects a FIFO and a device without opening them", async () => {
    const folder = await mkdtemp(join(tmpdir(), "blip-fifo-"));
    try {
      const fifo = join(folder, "a.png");
      execFileSync("mkfifo", [fifo]);
      for (const input of [fifo, pathToFileURL(fifo), "/dev/zero"])
        await expect(decodeImage(input, hf)).rejects.toMatchObject({
          code: "image/not-found",
          message: expect.stringMatching(/it is not a regular file/) as string,
        });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("says of a file behind a Blob that it has changed", async () => {
    const folder = await mkdtemp(join(tmpdir(), "blip-blob-"));
    try {
      const file = join(folder, "a.png");
      await copyFile(picture("truncated.jpg"), file);
      const blob = await openAsBlob(file);
      await writeFile(file, "another");
      const call = decodeImage(blob, hf);
      await expect(call).rejects.toMatchObject({ code: "image/unreachable" });
      await expect(call).rejects.toBeInstanceOf(InputError);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"></svg>');

  test.each<[string, ImageInput, string, RegExp]>([
    ["a missing file", picture("missing.jpg"), "image/not-found", /missing\.jpg: .*no such file/],
    ["a folder", picture(""), "image/not-found", /is a folder/],
    [
      "a file URL that is no path",
      "file:///a%2Fb.png",
      "image/not-found",
      /file:\/\/\/a%2Fb\.png: .*must not/,
    ],
    [
      "text by the name of a picture",
      picture("text.jpg"),
      "image/not-an-image",
      /got text \("This is a text/,
    ],
    ["nothing", new Uint8Array(0), "image/not-an-image", /an empty file/],
    ["half a picture", picture("truncated.jpg"), "image/truncated", /ends too early/],
    [
      "the signature of a PNG",
      png({ depth: 8, type: 0, rows: "00" }).subarray(0, 20),
      "image/truncated",
      /the image/,
    ],
    ["a drawing", svg, "image/unsupported", /an SVG drawing/],
    ["a HEIC picture", Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic"), "image/unsupported", /HEIC/],
    [
      "raw pixels that do not fit",
      { data: new Uint8Array(11), width: 2, height: 2, channels: 3 },
      "image/bad-raw",
      /12/,
    ],
    ["a number", 7 as unknown as string, "image/bad-raw", /got number/],
  ])("refuses %s", async (_, input, code, message) => {
    const call = decodeImage(input, hf);
    await expect(call).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
    await expect(call).rejects.toBeInstanceOf(InputError);
  });

  test.each([
    ["PNG", png({ depth: 8, type: 0, rows: "00", width: 60000, height: 60000 }), /60000 x 60000 pixels/],
    // A screen and a frame of 65535 x 65535.
    [
      "GIF",
      Buffer.from("47494638396100010001000000" + "2c00000000ffffffff00" + "0200", "hex"),
      /65535 x 65535/,
    ],
    ["long PNG", png({ depth: 8, type: 0, rows: "00", width: 2_000_000 }), /per side/],
  ])("refuses a %s that declares too many pixels, before decoding it", async (_, bytes, message) => {
    await expect(decodeImage(bytes, hf)).rejects.toMatchObject({
      code: "image/too-large",
      message: expect.stringMatching(message) as string,
    });
  });

  test("takes another limit of pixels", async () => {
    const path = picture("odd-444.jpg");
    await expect(decodeImage(path, { ...hf, maxPixels: 53 * 37 - 1 })).rejects.toMatchObject({
      code: "image/too-large",
    });
    expect(await decodeImage(path, { ...hf, maxPixels: 53 * 37 })).toMatchObject({ width: 53 });
  });

  const raw = { data: new Uint8Array(12), width: 2, height: 2, channels: 3 } as const;

  test.each<[string, ImageInput]>([
    // A few bytes each, and within the default limit: 34 of them took 1.5 GB.
    ["WebP", Buffer.from("524946461a000000574542505650384c0e0000002ffeffa40a071011fd0f4444ff03", "hex")],
    ["GIF", Buffer.from("47494638396141344134800000000000ffffff2c00000000413441340002012c003b", "hex")],
    ["PNG", png({ depth: 1, type: 0, rows: "00", width: 13_377, height: 13_377 })],
    ["array of raw pixels", raw],
  ])("says which option raises the limit that a %s is above", async (_, input) => {
    const call = decodeImage(input, { ...hf, maxPixels: 3 });
    await expect(call).rejects.toMatchObject({ code: "image/too-large" });
    await expect(call).rejects.toThrow(/at most 3 pixels, got .*raise maxPixels/);
  });

  test("stops before it begins where the signal says so", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(decodeImage(picture("odd-444.jpg"), { ...hf, signal })).rejects.toThrow("enough");
  });
});

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** A PNG of two pixels per row. `rows` is in hex; it has one row, unless the header declares more than there are. */
function png(parts: {
  depth: number;
  type: number;
  rows: string;
  trns?: string;
  width?: number;
  height?: number;
}): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(parts.width ?? 2, 0);
  header.writeUInt32BE(parts.height ?? 1, 4);
  header.set([parts.depth, parts.type], 8);
  return Buffer.concat([
    Buffer.from("89504e470d0a1a0a", "hex"),
    pngChunk("IHDR", header),
    ...(parts.trns === undefined ? [] : [pngChunk("tRNS", Buffer.from(parts.trns, "hex"))]),
    pngChunk("IDAT", deflateSync(Buffer.from(`00${parts.rows}`, "hex"))),
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
}

/** An animation of 12 x 10 pixels with these flags of VP8X; its frames are 6 x 4, red, and begin at (2, 2). */
async function animatedWebp(flags: number): Promise<Buffer> {
  const riffChunk = (type: string, ...parts: (Buffer | number[])[]) => {
    const data = Buffer.concat(parts.map((part) => Buffer.from(part)));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(data.length);
    return Buffer.concat([Buffer.from(type), length, data, Buffer.alloc(data.length % 2)]);
  };
  const still = sharp({ create: { width: 6, height: 4, channels: 3, background: "#f00" } });
  const pixels = (await still.webp({ lossless: true }).toBuffer()).subarray(12);
  // Position in units of 2 pixels, sizes less 1, 100 ms, no flags.
  const frame = riffChunk("ANMF", [1, 0, 0, 1, 0, 0, 5, 0, 0, 3, 0, 0, 100, 0, 0, 0], pixels);
  const animation = riffChunk("ANIM", [255, 255, 255, 255, 0, 0]);
  return riffChunk(
    "RIFF",
    Buffer.from("WEBP"),
    riffChunk("VP8X", [flags, 0, 0, 0, 11, 0, 0, 9, 0, 0]),
    ...[animation, frame, frame],
  );
}
