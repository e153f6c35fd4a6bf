// Reads an image's orientation (Exif 2.32, 4.6.4, tag 274), for all formats and platforms. JPEG stores EXIF in its first
// APP1 segment named Exif, PNG in eXIf or a text, WebP in an EXIF chunk (RFC 9649, 2.7). A TIFF file has the same
// structure as EXIF. AVIF stores the orientation in its own boxes, which decoders apply; its EXIF does not count.
import { avifOrientation } from "./avif-boxes.ts";
import { jpegSegments } from "./jpeg-header.ts";
import { type Orientation, orientations, undoing } from "./orientation.ts";
import { pngExif } from "./png-exif.ts";
import type { ImageFormat } from "./sniff.ts";
import { tiffDirectory } from "./tiff-directory.ts";
import { announcesExif, riffChunks } from "./webp-chunks.ts";

const orientationTag = 0x112;

/** "Exif", 0, 0: the prefix of the EXIF block in JPEG, and by mistake in some WebP and PNG files. */
const prefix = [0x45, 0x78, 0x69, 0x66, 0, 0];
const hasPrefix = (bytes: Uint8Array) => prefix.every((byte, index) => bytes[index] === byte);

function jpegExif(bytes: Uint8Array): Uint8Array | undefined {
  for (const { marker, start, end } of jpegSegments(bytes)) {
    const data = bytes.subarray(start, end);
    if (marker === 0xe1 && hasPrefix(data)) return data;
  }
  return undefined;
}

function webpExif(bytes: Uint8Array): Uint8Array | undefined {
  if (!announcesExif(bytes)) return undefined;
  for (const { type, data, end } of riffChunks(bytes)) if (type === "EXIF") return bytes.subarray(data, end);
  return undefined;
}

/** Returns the orientation in an EXIF block; 1 if it is missing or invalid. */
function exifOrientation(block: Uint8Array | undefined): Orientation {
  if (!block) return 1;
  const [value] =
    tiffDirectory(hasPrefix(block) ? block.subarray(prefix.length) : block).get(orientationTag) ?? [];
  return orientations.find((known) => known === value) ?? 1;
}

const readers: Readonly<Record<ImageFormat, (bytes: Uint8Array) => Orientation | Promise<Orientation>>> = {
  jpeg: (bytes) => exifOrientation(jpegExif(bytes)),
  png: async (bytes) => exifOrientation(await pngExif(bytes)),
  webp: (bytes) => exifOrientation(webpExif(bytes)),
  tiff: exifOrientation,
  gif: () => 1,
  avif: avifOrientation,
};

/** Returns the orientation of an image; 1 if the orientation is missing or invalid. */
export const orientationOf = async (format: ImageFormat, bytes: Uint8Array): Promise<Orientation> =>
  readers[format](bytes);

/**
 * Returns the turn that gives decoded pixels the wanted orientation. Decoders turn AVIF upright themselves; Pillow
 * leaves it as stored (AvifImagePlugin.py).
 */
export async function turnTo(
  wanted: "stored" | "upright",
  format: ImageFormat,
  bytes: Uint8Array,
): Promise<Orientation> {
  const own = await orientationOf(format, bytes);
  if (format === "avif") return wanted === "stored" ? undoing(own) : 1;
  return wanted === "upright" ? own : 1;
}
