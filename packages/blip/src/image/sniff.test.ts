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
    expect(sniff(latin(text))).toEqual({ kind: "image", format });
  });

  test.each([
    ["\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"],
    ["BM\x36\x10", "BMP"],
    ["P6\n53 37", "PPM"],
    ['<?xml version="1.0"?><svg xmlns="', "SVG"],
    ["\xff\x0a\xfa", "JPEG XL"],
  ])("knows that %j is a picture of a format that is not read", (text, description) => {
    expect(sniff(latin(text))).toMatchObject({
      kind: "unsupported",
      description: expect.stringContaining(description) as string,
    });
  });

  test.each([
    ["in a comment", "<!--ftypavif--><svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"],
    ["behind the box", "\0\0\0\x14ftypisom\0\0\0\0isomavif", "a video (MP4 or QuickTime)"],
    ["behind the box, of HEIC", "\0\0\0\x14ftypheic\0\0\0\0mif1avif", "a HEIC image, as iPhones take them"],
    ["across two brands", "\0\0\0\x18ftypisom\0\0\0\0xxavifxx", "a video (MP4 or QuickTime)"],
    ["in the version", "\0\0\0\x14ftypisomavifisom", "a video (MP4 or QuickTime)"],
    [
      "in a box that is no list",
      "\0\0\x40\0ftypavif",
      "bytes of no known image format (00 00 40 00 66 74 79 70)",
    ],
  ])("takes a brand for nothing where it stands %s", (_, text, description) => {
    expect(sniff(latin(text))).toMatchObject({ description });
  });

  test.each([
    ["", "an empty file"],
    ["<!DOCTYPE html><html>", "a web page (HTML)"],
    ["version https://git-lfs.github.com/spec/v1", "a Git LFS pointer"],
    ["a cat\non a mat", 'text ("a cat on a mat")'],
    ["%PDF-1.7", "a PDF document"],
    ["\0\0\0\x18ftypmp42", "a video (MP4 or QuickTime)"],
    ["\x01\x02\0\x03", "bytes of no known image format (01 02 00 03)"],
  ])("says what %j looks like", (text, description) => {
    expect(sniff(latin(text))).toEqual({ kind: "other", description });
  });
});
