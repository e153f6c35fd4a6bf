// Recognizes a file's format by its first bytes, never by its name.

/** The description of HEIC, for files that their brands or the decoder identify as HEIC. */
export const heic = "a HEIC image, as iPhones take them";

/** The formats that can be decoded. */
export type ImageFormat = "jpeg" | "png" | "webp" | "gif" | "avif" | "tiff";

export type Sniffed =
  | { readonly kind: "image"; readonly format: ImageFormat }
  /** An image of an unsupported format. */
  | { readonly kind: "unsupported"; readonly description: string }
  | { readonly kind: "other"; readonly description: string };

/** The number of bytes at a file's beginning that `sniff` needs. */
export const sniffLength = 256;

const known: readonly (readonly [prefix: string, ImageFormat | { image: string } | { other: string }])[] = [
  ["\xff\xd8\xff", "jpeg"],
  // PNG variant of Apple's tools for iOS: without zlib's checksums, and with blue before red.
  ["\x89PNG\r\n\x1a\n\0\0\0\x04CgBI", { image: "a PNG for iOS (CgBI)" }],
  ["\x89PNG\r\n\x1a\n", "png"],
  ["GIF87a", "gif"],
  ["GIF89a", "gif"],
  ["II*\0", "tiff"],
  ["MM\0*", "tiff"],
  ["II+\0", "tiff"],
  ["MM\0+", "tiff"],
  ["BM", { image: "a BMP image" }],
  ["\0\0\x01\0", { image: "an icon (ICO)" }],
  ["\0\0\0\x0cjP  ", { image: "a JPEG 2000 image" }],
  ["\xff\x4f\xff\x51", { image: "a JPEG 2000 image" }],
  ["\0\0\0\x0cJXL ", { image: "a JPEG XL image" }],
  ["\xff\x0a", { image: "a JPEG XL image" }],
  ["8BPS", { image: "a Photoshop document" }],
  ["qoif", { image: "a QOI image" }],
  ["\x76\x2f\x31\x01", { image: "an OpenEXR image" }],
  ["%PDF-", { other: "a PDF document" }],
  ["PK\x03\x04", { other: "a ZIP archive" }],
  ["\x1f\x8b", { other: "gzip data" }],
  ["\x1aE\xdf\xa3", { other: "a video (Matroska)" }],
];

/**
 * Returns the brands of an ISO media file: four letters each, in its first box (ISO/IEC 14496-12, 4.3). A text may also
 * contain "ftyp", but its first letters, read as a box size, are far larger than any list of brands.
 */
function brandsOf(head: Uint8Array, text: string): string[] | undefined {
  if (text.slice(4, 8) !== "ftyp") return undefined;
  const size = new DataView(head.buffer, head.byteOffset, head.byteLength).getUint32(0);
  if (size < 16 || size > sniffLength || size % 4 !== 0) return undefined;
  const brands = text.slice(8, 12) + text.slice(16, size);
  return brands.match(/[^]{4}/g) ?? [];
}

/** Recognizes ISO media files by their brands. */
function media(head: Uint8Array, text: string): Sniffed | undefined {
  const brands = brandsOf(head, text);
  if (!brands) return undefined;
  const some = (pattern: RegExp) => brands.some((brand) => pattern.test(brand));
  // Some decoders treat such a file as an image, others as a film. The first brand decides: it is a film.
  if (brands[0] === "avis" || (some(/^avis$/) && !some(/^avif$/)))
    return { kind: "unsupported", description: "an AVIF sequence (brand avis)" };
  if (some(/^avif$/)) return { kind: "image", format: "avif" };
  if (some(/^(?:hei[cxms]|hev[cx]|mif1|msf1)$/)) return { kind: "unsupported", description: heic };
  return { kind: "other", description: "a video (MP4 or QuickTime)" };
}

/** Recognizes a format. @param head the first `sniffLength` bytes, or all bytes of a shorter file */
export function sniff(head: Uint8Array): Sniffed {
  if (head.length === 0) return { kind: "other", description: "an empty file" };
  const text = String.fromCharCode(...head.subarray(0, sniffLength));
  if (text.startsWith("RIFF") && text.slice(8, 12) === "WEBP") return { kind: "image", format: "webp" };
  for (const [prefix, meaning] of known) {
    if (!text.startsWith(prefix)) continue;
    if (typeof meaning === "string") return { kind: "image", format: meaning };
    return "image" in meaning
      ? { kind: "unsupported", description: meaning.image }
      : { kind: "other", description: meaning.other };
  }
  return media(head, text) ?? textual(text) ?? { kind: "other", description: binary(head) };
}

function textual(text: string): Sniffed | undefined {
  if (/^P[1-7]\s/.test(text)) return { kind: "unsupported", description: "a PBM, PGM or PPM image" };
  const plain = text.replace(/^\xef\xbb\xbf/, "");
  if (!/^[\t\n\r\x20-\x7e\x80-\xff]+$/.test(plain) || /[\x80-\xff]{8}/.test(plain)) return undefined;
  if (/<svg[\s>]/i.test(plain)) return { kind: "unsupported", description: "an SVG drawing" };
  if (/^\s*<(?:!doctype\s+html|html|head)/i.test(plain))
    return { kind: "other", description: "a web page (HTML)" };
  if (/^\s*<\?xml/i.test(plain)) return { kind: "other", description: "XML text" };
  if (plain.startsWith("version https://git-lfs")) return { kind: "other", description: "a Git LFS pointer" };
  const start = plain.slice(0, 24).replace(/[^\x20-\x7e]+/g, " ");
  return { kind: "other", description: `text ("${start}${plain.length > 24 ? "..." : ""}")` };
}

function binary(head: Uint8Array): string {
  const hex = Array.from(head.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0"));
  return `bytes of no known image format (${hex.join(" ")})`;
}
