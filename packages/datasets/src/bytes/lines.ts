// Splits a byte stream into lines of limited length. A line that is too long is an error of that line only; reading
// continues.
import { InputError } from "@blip-ts/base";
import { badEncoding, tooLong } from "../errors.ts";
import type { Bytes } from "../files.ts";
import { wholeFile, type Place } from "../place.ts";
import { decodeText, markLength, otherEncoding } from "./decode-text.ts";
import { joined, peek } from "./streams.ts";

export type Line =
  { readonly place: Place; readonly text: string } | { readonly place: Place; readonly error: InputError };

const lineFeed = 10;

/** The bytes without a byte order mark. @throws {InputError} `dataset/encoding` if they start like another encoding */
export async function* unmarked(name: string, bytes: Bytes): AsyncGenerator<Uint8Array> {
  // Four bytes suffice to detect a mark, so a slow stream does not block here.
  const { head, bytes: all } = await peek(bytes, 64, ({ length }) => length >= 4);
  let skip = markLength(head);
  try {
    const other = otherEncoding(head);
    if (other !== undefined) throw badEncoding(wholeFile(name), other);
    for await (const chunk of all) {
      const part = chunk.subarray(skip);
      skip = 0;
      if (part.length > 0) yield part;
    }
  } finally {
    await all[Symbol.asyncIterator]().return?.();
  }
}

/** Lines without their ends (LF, CRLF), numbered from 1. Blank lines are skipped but counted. */
export async function* readLines(name: string, bytes: Bytes, rowBytes: number): AsyncGenerator<Line> {
  let number = 1;
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of unmarked(name, bytes)) {
    let start = 0;
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, start)) {
      parts.push(chunk.subarray(start, end));
      const line = finish(name, number, parts, length + end - start, rowBytes);
      if (line !== undefined) yield line;
      parts = [];
      length = 0;
      number++;
      start = end + 1;
    }
    length += chunk.length - start;
    // A line that is already too long is no longer stored.
    if (length <= rowBytes) parts.push(chunk.subarray(start));
    else parts = [];
  }
  const last = finish(name, number, parts, length, rowBytes);
  if (last !== undefined) yield last;
}

function finish(
  name: string,
  number: number,
  parts: readonly Uint8Array[],
  length: number,
  rowBytes: number,
): Line | undefined {
  const place: Place = { file: name, unit: "line", at: number };
  if (length > rowBytes) return { place, error: tooLong(place, "a line", rowBytes) };
  try {
    const text = decodeText(place, joined(parts)).replace(/\r$/, "");
    return text.trim() === "" ? undefined : { place, text };
  } catch (error) {
    if (error instanceof InputError) return { place, error };
    throw error;
  }
}
