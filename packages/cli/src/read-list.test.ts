import { describe, expect, test } from "vitest";
import { listEntries, type ListForm } from "./read-list.ts";

const texts: ListForm = { source: "--texts t.txt", entries: "texts", code: "usage/no-texts" };
const utf8 = (text: string) => new TextEncoder().encode(text);
const latin1 = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const utf16 = (text: string, littleEndian = true) => {
  const view = new DataView(new ArrayBuffer(2 * text.length));
  for (let index = 0; index < text.length; index++)
    view.setUint16(2 * index, text.charCodeAt(index), littleEndian);
  return new Uint8Array(view.buffer);
};

describe("lines", () => {
  test("have the numbers that the file gives them; a byte order mark and blank lines are none", () => {
    expect(listEntries(utf8("\uFEFFa sheep\r\n\r\n   a taxi \n...\r\n\u2028"), texts)).toEqual([
      { text: "a sheep", line: 1 },
      { text: "   a taxi ", line: 3 },
      { text: "...", line: 4 },
    ]);
    expect(listEntries(utf8(""), texts)).toEqual([]);
  });

  test("end with CR alone if there is no LF", () => {
    expect(listEntries(utf8("a red circle\r\ra blue square\r"), texts)).toEqual([
      { text: "a red circle", line: 1 },
      { text: "a blue square", line: 3 },
    ]);
    expect(listEntries(utf8("a\rb.png\n"), texts)).toEqual([{ text: "a\rb.png", line: 1 }]);
  });

  test.each([
    [
      "UTF-16",
      utf16("\uFEFFa sheep\na taxi"),
      "--texts t.txt: expected texts as UTF-8 text, a line each, got UTF-16",
    ],
    ["UTF-16 from the other end", utf16("\uFEFFa sheep", false), "got UTF-16"],
    ["UTF-32", Uint8Array.of(0xff, 0xfe, 0, 0, 0x61, 0, 0, 0), "got UTF-32"],
    [
      "UTF-16 without a mark",
      utf16("a sheep"),
      "line 1: expected texts as UTF-8 text, a line each, got a NUL",
    ],
    [
      "Latin-1",
      latin1("a cat\na caf\xe9"),
      "line 2: expected texts as UTF-8 text, a line each, got bytes that are no UTF-8",
    ],
    [
      "a PNG",
      Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
      "line 1: .*an image itself goes by its path",
    ],
    ["NULs", utf8("a.png\0b.png\0"), "line 1: .*got a NUL. Give -0"],
  ])("%s are refused", (_, bytes, says) => {
    expect(() => listEntries(bytes, texts)).toThrow(new RegExp(says));
    expect(() => listEntries(bytes, texts)).toThrow(
      expect.objectContaining({ code: "usage/no-texts" }) as Error,
    );
  });
});

test("between NULs a path may hold line breaks and spaces at its ends", () => {
  const form: ListForm = { source: "standard input", entries: "paths", code: "usage/no-images", nul: true };
  expect(listEntries(utf8("a\nb.png\0 c.png \r\0\0d.png"), form).map(({ text }) => text)).toEqual([
    "a\nb.png",
    " c.png \r",
    "d.png",
  ]);
});
