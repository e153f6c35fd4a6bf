// `data:` URLs (RFC 2397) as the fetch standard reads them: a media type, which decides nothing here, and the bytes
// themselves, in base64 or with escapes.

import { must } from "./must.ts";

/** Most bytes in a `data:` URL, as of an image that a server sends. */
export const maxDataUrlBytes = 25_000_000;

/** Base64 takes four characters for three bytes; escapes of single bytes take three. */
export const maxDataUrlLength = 3 * maxDataUrlBytes;

/** Media type and parameters stand before the first comma. */
const maxHeader = 1_000;

export const isDataUrl = (text: string): boolean => /^\s*data:/i.test(text.slice(0, 64));

const percent = 0x25;

/** The value of a hexadecimal digit; NaN for any other byte. */
const hexOf = (byte: number | undefined): number =>
  byte === undefined ? NaN : Number.parseInt(String.fromCharCode(byte), 16);

/** Escapes as the bytes that they stand for; a percent sign that begins none is itself. */
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

/** What is in a `data:` URL, or what is wrong with it, as the end of a sentence: "expected ..., found {problem}". */
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
  if (bytes === undefined) return { problem: "characters that are no base64" };
  if (bytes.length === 0) return { problem: "one without content" };
  return bytes.length > maxDataUrlBytes ? { problem: `one of ${bytes.length} bytes` } : { bytes };
}

/** Characters that are decoded at a time: a multiple of 4. */
const block = 4 * 2 ** 14;

/** @returns undefined for what is no base64 */
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

/** A name for people: of a `data:` URL its first characters and its length. */
export const shownDataUrl = (name: string): string =>
  isDataUrl(name) && name.length > 40 ? `${name.slice(0, 32)}... (${name.length} characters)` : name;
