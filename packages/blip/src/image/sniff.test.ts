import { describe, expect, test } from "vitest";
import { sniff } from "./sniff.ts";

const latin = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

describe("sniff", () => {
  test.each([
    ["\xff\xd8\xff\xe0", "jpeg"],
    ["\x89PNG\r\n\x1a\n", "png"],
    ["RIFF\x10\0\0\0WEBPVP8 ", "webp"],
    ["GIF87a", "gif"],
    ["\0\0\0\x1cftypavif", "avif"],
    ["\0\0\0\x1cftypmif1\0\0\0\0mif1avif", "avif"],
    ["II*\0", "tiff"],
  ])("knows %j", (text, format) => {
    expect(sniff(latin(text))).toEqual({ kind: "picture", format });
  });

  test.each([
    ["\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"],
    ["BM\x36\x10", "BMP"],
    ["P6\n53 37", "PPM"],
    ['<?xml version="1.0"?><svg xmlns="', "SVG"],
    ["\xff\x0a\xfa", "JPEG XL"],
  ])("knows that %j is a picture of a format that is not read", (text, found) => {
    expect(sniff(latin(text))).toMatchObject({
      kind: "unsupported",
      found: expect.stringContaining(found) as string,
    });
  });

  test.each([
    ["", "an empty file"],
    ["<!DOCTYPE html><html>", "a web page (HTML)"],
    ["version https://git-lfs.github.com/spec/v1", "a Git LFS pointer"],
    ["a cat\non a mat", 'text ("a cat on a mat")'],
    ["%PDF-1.7", "a PDF document"],
    ["\0\0\0\x18ftypmp42", "a video (MP4 or QuickTime)"],
    ["\x01\x02\0\x03", "bytes of no known picture format (01 02 00 03)"],
  ])("says what %j looks like", (text, found) => {
    expect(sniff(latin(text))).toEqual({ kind: "other", found });
  });
});
