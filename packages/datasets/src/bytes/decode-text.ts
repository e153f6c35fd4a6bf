// Converts bytes to text. Only UTF-8 is accepted; other encodings are recognized and named in errors.
import { must } from "@blip-ts/base";
import { badEncoding } from "../errors.ts";
import type { Place } from "../place.ts";

/** The length of the UTF-8 byte order mark at the beginning. */
export const markLength = (head: Uint8Array): number =>
  head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;

/**
 * The name of the encoding of a file's first bytes, if it is text in an encoding other than UTF-8. UTF-16 text of ASCII
 * characters without a mark has a NUL in every second byte.
 */
export function otherEncoding(head: Uint8Array): string | undefined {
  const [a, b, c, d] = head;
  if ((a === 0xff && b === 0xfe && c === 0 && d === 0) || (a === 0 && b === 0 && c === 0xfe && d === 0xff))
    return "UTF-32 text (by its byte order mark)";
  if (a === 0xff && b === 0xfe) return "UTF-16 text, little-endian (by its byte order mark)";
  if (a === 0xfe && b === 0xff) return "UTF-16 text, big-endian (by its byte order mark)";
  const seen = head.subarray(0, 64);
  if (seen.length < 4) return undefined;
  const zeros = (parity: number) => {
    let count = 0;
    for (let at = parity; at < seen.length; at += 2) if (seen[at] === 0) count++;
    return count / Math.floor((seen.length + 1 - parity) / 2);
  };
  if (zeros(1) > 0.9 && zeros(0) < 0.1) return "UTF-16 text, little-endian (every second byte is NUL)";
  if (zeros(0) > 0.9 && zeros(1) < 0.1) return "UTF-16 text, big-endian (every second byte is NUL)";
  return undefined;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Decodes UTF-8. @throws {InputError} `dataset/encoding`, with the first invalid byte */
export function decodeText(place: Place, bytes: Uint8Array): string {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    throw badEncoding(place, wrongByte(bytes));
  }
  if (text.includes("\0")) throw badEncoding(place, "a NUL character");
  return text;
}

/** Finds the first invalid byte: the longest prefix that decodes ends there. */
function wrongByte(bytes: Uint8Array): string {
  let good = 0;
  let bad = bytes.length;
  while (good < bad) {
    const middle = (good + bad + 1) >> 1;
    if (decodes(bytes.subarray(0, middle), true)) good = middle;
    else bad = middle - 1;
  }
  // Step back to the start of the incomplete character.
  while (good > 0 && !decodes(bytes.subarray(0, good), false)) good--;
  const byte = must(bytes, good).toString(16).toUpperCase().padStart(2, "0");
  return `the byte 0x${byte} at ${good}, as in Latin-1 or Windows-1252`;
}

/** @param stream whether the last character may be incomplete */
function decodes(bytes: Uint8Array, stream: boolean): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream });
    return true;
  } catch {
    return false;
  }
}
