// Reads the size that an image declares, before a decoder (such as a browser's) allocates memory. JPEG (ITU-T T.81,
// B.2), PNG, WebP (RFC 9649), AVIF (ISO/IEC 23008-12, 6.5.3) and TIFF 6.0. GIF has its own parser.
import { boxesAt } from "./avif-boxes.ts";
import { ByteReader } from "./byte-reader.ts";
import { jpegHeader } from "./jpeg-header.ts";
import { tiffDirectory } from "./tiff-directory.ts";

export interface DeclaredSize {
  /** In pixels. */
  readonly width: number;
  readonly height: number;
}

export type SizedFormat = "jpeg" | "png" | "webp" | "avif" | "tiff";

function webpSize(file: ByteReader): DeclaredSize | undefined {
  const data = 20;
  switch (file.letters(12)) {
    case "VP8X":
      return { width: 1 + file.u24(data + 4), height: 1 + file.u24(data + 7) };
    case "VP8L": {
      const packed = file.u32(data + 1, true);
      return { width: 1 + (packed & 0x3fff), height: 1 + ((packed >>> 14) & 0x3fff) };
    }
    case "VP8 ":
      return { width: file.u16(data + 6, true) & 0x3fff, height: file.u16(data + 8, true) & 0x3fff };
    default:
      return undefined;
  }
}

/** Returns the largest size among the properties of the file's items. The size of a grid covers all its tiles. */
function avifSize(file: ByteReader): DeclaredSize | undefined {
  let largest: DeclaredSize | undefined;
  for (const { start } of boxesAt(file, ["meta", "iprp", "ipco", "ispe"])) {
    // A version and flags come first.
    const size = { width: file.u32(start + 4), height: file.u32(start + 8) };
    if (size.width * size.height > (largest ? largest.width * largest.height : 0)) largest = size;
  }
  return largest;
}

/** Reads the width and height in the first directory. */
function tiffSize(bytes: Uint8Array): DeclaredSize | undefined {
  const directory = tiffDirectory(bytes);
  const [width] = directory.get(256) ?? [];
  const [height] = directory.get(257) ?? [];
  return width === undefined || height === undefined ? undefined : { width, height };
}

function pngSize(file: ByteReader): DeclaredSize {
  return { width: file.u32(16), height: file.u32(20) };
}

const readers: Readonly<Record<SizedFormat, (bytes: Uint8Array) => DeclaredSize | undefined>> = {
  jpeg: jpegHeader,
  png: (bytes) => pngSize(new ByteReader(bytes)),
  webp: (bytes) => webpSize(new ByteReader(bytes)),
  avif: (bytes) => avifSize(new ByteReader(bytes)),
  tiff: tiffSize,
};

/** Reads the size in a file's header without decoding the file. Returns undefined if there is no valid size. */
export function declaredSize(format: SizedFormat, bytes: Uint8Array): DeclaredSize | undefined {
  const found = readers[format](bytes);
  return found && found.width >= 1 && found.height >= 1
    ? { width: found.width, height: found.height }
    : undefined;
}
