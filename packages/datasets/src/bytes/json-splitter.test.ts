// The splitter against JSON.parse: for any document and any chunks, its pieces are the document's rows.
import fc from "fast-check";
import { expect, test } from "vitest";
import { JsonSplitter, type JsonPiece } from "./json-splitter.ts";

const limits = { rowBytes: 1 << 20, depth: 64 };

function split(text: string, size: number): JsonPiece[] {
  const bytes = new TextEncoder().encode(text);
  const splitter = new JsonSplitter("file", limits);
  const pieces: JsonPiece[] = [];
  for (let at = 0; at < bytes.length; at += size) splitter.push(bytes.subarray(at, at + size), pieces);
  splitter.end();
  return pieces;
}

const blanks = fc.constantFrom(undefined, 1, "\t", "\r\n");
const size = fc.integer({ min: 1, max: 40 });

test("elements of a list", () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), blanks, size, (rows, indent, chunk) => {
      const pieces = split(JSON.stringify(rows, null, indent), chunk);
      expect(
        pieces.map((piece) => (piece.kind === "element" ? (JSON.parse(piece.text) as unknown) : piece)),
      ).toEqual(JSON.parse(JSON.stringify(rows)));
      expect(pieces.map((piece) => "place" in piece && piece.place.at)).toEqual(
        rows.map((_, index) => index),
      );
    }),
  );
});

test("entries of an object, and the elements of the lists in it", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), blanks, size, (document, indent, chunk) => {
      const text = JSON.stringify(document, null, indent);
      const again: [string, unknown][] = [];
      for (const piece of split(text, chunk)) {
        if (piece.kind === "section") again.push([piece.section, []]);
        else if (piece.kind === "entry") again.push([piece.key, JSON.parse(piece.text)]);
        else if (piece.kind === "element") (again.at(-1)?.[1] as unknown[]).push(JSON.parse(piece.text));
      }
      expect(again).toEqual(Object.entries(JSON.parse(text) as object));
    }),
  );
});

test("a broken piece does not end the others, and at most one row is kept", () => {
  const splitter = new JsonSplitter("file", { rowBytes: 8, depth: 2 });
  const pieces: JsonPiece[] = [];
  const text = new TextEncoder().encode('[1, {"a" 2}, "0123456789", [[[]]], tru, "\\""]');
  for (const byte of text) splitter.push(Uint8Array.of(byte), pieces);
  splitter.end();
  expect(
    pieces.map((piece) => (piece.kind === "error" ? piece.error.code : "text" in piece && piece.text)),
  ).toEqual(["1", '{"a" 2}', "dataset/too-large", "dataset/too-deep", "tru", '"\\""']);
});
