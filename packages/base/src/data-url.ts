// `data:` URLs (RFC 2397), read as the fetch standard specifies. The media type is ignored. The bytes are base64 or
// percent-encoded.

import { must } from "./must.ts";

/** The largest content of a `data:` URL, in bytes. The limit for images from servers is the same. */
export const maxDataUrlBytes = 25_000_000;

/** Base64 uses four characters for three bytes; percent-encoding uses three characters per byte. */
export const maxDataUrlLength = 3 * maxDataUrlBytes;

/** The comma must be among this many characters. Media type and parameters precede it. */
const maxHeader = 1_000;

export const isDataUrl = (text: string): boolean => /^\s*data:/i.test(text.slice(0, 64));

const percent = 0x25;

/** The value of a hexadecimal digit; NaN for any other byte. */
const hexOf = (byte: number | undefined): number =>
  byte === undefined ? NaN : Number.parseInt(String.fromCharCode(byte), 16);

/** Decodes percent escapes in place. A percent sign that starts no escape stays. */
function withoutEscapes(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (!bytes.includes(percent)) return bytes;
  let filled = 0;
  for (let at = 0; at < bytes.length; at++, filled++) {
    const byte = must(bytes, at);
    const value = byte === percent ? 16 * hexOf(bytes[at + 1]) + hexOf(bytes[at + 2]) : NaN;
    const isEscape = !Number.isNaN(value);
    bytes[filled] = isEscape ? value : byte;
    if (isEscape) at += 2;
  }
  return bytes.subarray(0, filled);
}

/** The content of a `data:` URL, or the problem with it as the end of a message: "expected ..., got {problem}". */
export type DataUrlContent =
  | { readonly bytes: Uint8Array<ArrayBuffer>; readonly problem?: undefined }
  | { readonly bytes?: undefined; readonly problem: string };

/** The bytes of a `data:` URL. */
export function dataUrlBytes(address: string): DataUrlContent {
  if (address.length > maxDataUrlLength) return { problem: `one of ${address.length} characters` };
  const text = address.trim();
  const comma = text.slice(0, maxHeader).indexOf(",");
  if (comma < 0) return { problem: `no comma in its first ${maxHeader} characters` };
  const isBase64 = /;\s*base64\s*$/i.test(text.slice(0, comma));
  const fragment = text.indexOf("#", comma);
  const body = text.slice(comma + 1, fragment < 0 ? undefined : fragment);
  const plain = withoutEscapes(new TextEncoder().encode(body));
  const bytes = isBase64 ? fromBase64(plain) : plain;
  if (bytes === undefined) return { problem: "characters that are not base64" };
  if (bytes.length === 0) return { problem: "one without content" };
  return bytes.length > maxDataUrlBytes ? { problem: `one of ${bytes.length} bytes` } : { bytes };
}

/** The number of characters decoded at a time: a multiple of 4. */
const block = 4 * 2 ** 14;

/** @returns undefined if the characters are not base64 */
function fromBase64(characters: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined {
  const text = new TextDecoder().decode(characters).replace(/[\t\n\f\r ]+/g, "");
  const bytes = new Uint8Array(Math.ceil((text.length * 3) / 4));
  let filled = 0;
  for (let from = 0; from < text.length; from += block) {
    let part: string;
    try {
      part = atob(text.slice(from, from + block));
    } catch {
      return undefined;
    }
    for (let at = 0; at < part.length; at++) bytes[filled++] = part.charCodeAt(at);
  }
  return bytes.subarray(0, filled);
}

/** A name for messages. A long `data:` URL is cut to its first characters and its length. */
export const shownDataUrl = (name: string): string =>
  isDataUrl(name) && name.length > 40 ? `${name.slice(0, 32)}... (${name.length} characters)` : name;
