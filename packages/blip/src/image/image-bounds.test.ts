// Files that are rejected by their header, and files that must pass.
import { describe, expect, test } from "vitest";
import { checkParts, checkSize, freePixels, maxPixelsPerByte, maxScans } from "./image-bounds.ts";

const check = (width: number, height: number, bytes: number) => () =>
  checkSize("a", { width, height, bytes });

describe("pixels per stored byte", () => {
  test.each([
    ["lossless WebP of 34 bytes", 16_383, 10_900, 34],
    ["GIF of 34 bytes", 13_377, 13_377, 34],
    ["1-bit PNG", 13_377, 13_377, 21_840],
    ["TIFF without data", 13_377, 13_377, 300],
  ])("refuse a %s", (_, width, height, bytes) => {
    expect(check(width, height, bytes)).toThrow(/in \d+ bytes; it was not decoded/);
  });

  test.each([
    ["a WebP of the size of a screen of 8K", 7680, 4320, 34],
    ["a GIF of 24 megapixels", 6000, 4000, 20_000],
    // Deflate's best is 1,032 bytes per byte; each row has one byte for its filter.
    ["an RGB PNG of 108 megapixels", 12_000, 9000, Math.ceil((9000 * (1 + 36_000)) / 1032)],
    ["a grey PNG of 108 megapixels", 12_000, 9000, Math.ceil((9000 * (1 + 12_000)) / 1032)],
    // 6 blocks of 64 coefficients for 256 pixels, with at least 2 bits each.
    ["a JPEG of 178 megapixels", 13_377, 13_377, Math.ceil((13_377 * 13_377 * 6 * 2) / 256 / 8)],
    ["a photograph", 12_000, 9000, 1_400_000],
  ])("let pass a flat image: %s", (_, width, height, bytes) => {
    expect(check(width, height, bytes)).not.toThrow();
  });

  test("are counted beyond what every file may have", () => {
    const width = 8192;
    const height = freePixels / width + 1;
    const needed = width / maxPixelsPerByte;
    expect(check(width, height, needed)).not.toThrow();
    expect(check(width, height, needed - 1)).toThrow(/image/);
  });
});

describe("parts of a file", () => {
  const frame = [0xff, 0xc2, 0, 11, 8, 0, 1, 0, 1, 1, 1, 0x11, 0];
  const scan = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0];
  const jpeg = (scans: number) =>
    Uint8Array.from([0xff, 0xd8, ...frame, ...Array.from({ length: scans }, () => scan).flat()]);

  test("are bounded: scans of a progressive JPEG", () => {
    expect(() => checkParts("a", "jpeg", jpeg(maxScans))).not.toThrow();
    expect(() => checkParts("a", "jpeg", jpeg(maxScans + 1))).toThrow(/at most 100 scans/);
    // All scans of a baseline JPEG together cover the image once.
    const baseline = jpeg(maxScans + 1);
    baseline[3] = 0xc0;
    expect(() => checkParts("a", "jpeg", baseline)).not.toThrow();
  });

  test("are bounded: directories of a TIFF that lead to each other", () => {
    const loop = Uint8Array.from([0x49, 0x49, 42, 0, 8, 0, 0, 0, 0, 0, 8, 0, 0, 0]);
    expect(() => checkParts("a", "tiff", loop)).toThrow(/at most 10000 images/);
  });

  test("are bounded: frames of a WebP", () => {
    const chunk = [...Buffer.from("ANMF"), 0, 0, 0, 0];
    const webp = (frames: number) => {
      const header = Buffer.from("RIFF\0\0\0\0WEBP");
      header.writeUInt32LE(4 + frames * chunk.length, 4);
      return Uint8Array.from([...header, ...Array.from({ length: frames }, () => chunk).flat()]);
    };
    expect(() => checkParts("a", "webp", webp(10_000))).not.toThrow();
    expect(() => checkParts("a", "webp", webp(10_001))).toThrow(/at most 10000 images/);
  });
});
