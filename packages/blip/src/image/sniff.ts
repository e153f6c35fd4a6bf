// What bytes are, by how they begin: names never decide.

/** What HEIC is called: by its brands, and by what the decoder says of it. */
export const heic = "a HEIC image, as iPhones take them";

/** What can be decoded. */
export type ImageFormat = "jpeg" | "png" | "webp" | "gif" | "avif" | "tiff";

export type Sniffed =
  | { readonly kind: "image"; readonly format: ImageFormat }
  /** An image, but of a format that is not read. */
  | { readonly kind: "unsupported"; readonly description: string }
  | { readonly kind: "other"; readonly description: string };

/** Bytes at the beginning of a file that `sniff` wants to see. */
export const sniffLength = 256;

const known: readonly (readonly [prefix: string, ImageFormat | { image: string } | { other: string }])[] = [
  ["\xff\xd8\xff", "jpeg"],
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
 * The brands of an ISO media file: four letters each, in its first box and nowhere else (ISO/IEC 14496-12, 4.3). Text may
 * spell "ftyp" too; as the size of a box its first letters are a number far above any list of brands.
 */
function brandsOf(head: Uint8Array, text: string): string[] | undefined {
  if (text.slice(4, 8) !== "ftyp") return undefined;
  const size = new DataView(head.buffer, head.byteOffset, head.byteLength).getUint32(0);
  if (size < 16 || size > sniffLength || size % 4 !== 0) return undefined;
  const brands = text.slice(8, 12) + text.slice(16, size);
  return brands.match(/[^]{4}/g) ?? [];
}

/** ISO media files say by their brands what they hold. */
function media(head: Uint8Array, text: string): Sniffed | undefined {
  const brands = brandsOf(head, text);
  if (!brands) return undefined;
  const some = (pattern: RegExp) => brands.some((brand) => pattern.test(brand));
  if (some(/^avi[fs]$/)) return { kind: "image", format: "avif" };
  if (some(/^(?:hei[cxms]|hev[cx]|mif1|msf1)$/)) return { kind: "unsupported", description: heic };
  return { kind: "other", description: "a video (MP4 or QuickTime)" };
}

/** @param head the first `sniffLength` bytes, or all where there are fewer */
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
