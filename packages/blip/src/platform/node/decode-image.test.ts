// Pictures against Pillow and transformers' PIL processor (oracle/hf/image_goldens.py): equality is exact.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { crc32 } from "node:zlib";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { defaultImageConfig, preprocess } from "../../image/image-processor.ts";
import { resizeBicubic } from "../../image/resize-bicubic.ts";
import type { DecodeOptions } from "../../platform.ts";
import { decodeImage } from "./decode-image.ts";

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

/** libheif and libavif interpolate colour differently: these bytes are near, not equal. */
const exact = rows.filter(({ file }) => !file.endsWith(".avif"));

describe("decodeImage", () => {
  test.each(exact)("gives Pillow's bytes of $file", async ({ file, width, height, hf: expected, blip }) => {
    const image = await decodeImage(picture(file), hf);
    expect([image.width, image.height]).toEqual([width, height]);
    expect([...image.data.subarray(0, 12)]).toEqual(expected.first);
    expect(sha(image.data)).toBe(expected.rgb);
    // What a GIF paints under its transparent pixels is gone after decoding: only the pixels over white are known.
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
      expect(sha((await resizeBicubic(image, Number(side), Number(side))).data)).toBe(expected.resized[side]);
    const values = await preprocess(image, defaultImageConfig(384));
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

  test("turns a picture upright where it is asked to", async () => {
    const stored = await decodeImage(picture("exif-rotated.jpg"), hf);
    const upright = await decodeImage(picture("exif-rotated.jpg"), { ...hf, orientation: "upright" });
    expect([upright.width, upright.height]).toEqual([stored.height, stored.width]);
    // Orientation 6: the stored left column, from the bottom up, is the upright top row.
    const bottomLeft = (stored.height - 1) * stored.width * 3;
    expect([...upright.data.subarray(0, 3)]).toEqual([...stored.data.subarray(bottomLeft, bottomLeft + 3)]);
  });

  test("scales 16-bit grey where it does not clip it, and warns where it does", async () => {
    const warnings: string[] = [];
    const clipped = await decodeImage(picture("grey16.png"), {
      ...hf,
      onWarning: ({ code }) => void warnings.push(code),
    });
    const scaled = await decodeImage(picture("grey16.png"), { ...hf, grey16: "scale" });
    expect(warnings).toEqual(["grey16-clipped"]);
    expect(new Set(clipped.data)).toContain(255);
    // The second pixel is 137, the third 274 of 65535.
    expect([...clipped.data.subarray(3, 9)]).toEqual([137, 137, 137, 255, 255, 255]);
    expect([...scaled.data.subarray(3, 9)]).toEqual([0, 0, 0, 1, 1, 1]);
  });

  test.each([
    ["missing.jpg", "image/not-found", /no such file/],
    ["text.jpg", "image/not-an-image", /found text \("This is a text/],
    ["truncated.jpg", "image/truncated", /ends too early/],
  ])("refuses %s", async (file, code, message) => {
    const call = decodeImage(picture(file), hf);
    await expect(call).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
  });

  test("refuses a picture that declares too many pixels, before decoding it", async () => {
    // 60000 x 60000 grey pixels by the header, and next to nothing behind it.
    const chunk = (type: string, data: string) => {
      const body = Buffer.concat([Buffer.from(type, "latin1"), Buffer.from(data, "hex")]);
      const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
      length.writeUInt32BE(body.length - 4);
      sum.writeUInt32BE(crc32(body));
      return Buffer.concat([length, body, sum]);
    };
    const signature = Buffer.from("89504e470d0a1a0a", "hex");
    const header = chunk("IHDR", "0000ea600000ea600800000000");
    const bomb = Buffer.concat([signature, header, chunk("IDAT", "789c030000000001"), chunk("IEND", "")]);
    await expect(decodeImage(bomb, hf)).rejects.toMatchObject({ code: "image/too-large" });
  });

  test("refuses raw pixels whose bytes do not fit their size", async () => {
    const image = { data: new Uint8Array(11), width: 2, height: 2, channels: 3 } as const;
    await expect(decodeImage(image, hf)).rejects.toMatchObject({ code: "image/bad-raw" });
  });
});
