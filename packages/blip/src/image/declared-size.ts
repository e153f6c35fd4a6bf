// How large an image says that it is, for decoders that take memory before they can be asked: a browser's. JPEG (ITU-T
// T.81, B.2), WebP (RFC 9649), AVIF (ISO/IEC 23008-12, 6.5.3) and TIFF 6.0. PNG and GIF have parsers of their own.

export interface DeclaredSize {
  /** In pixels. */
  readonly width: number;
  readonly height: number;
}

export type SizedFormat = "jpeg" | "webp" | "avif" | "tiff";

/** Numbers of a file; NaN behind its end, which is no size and ends every loop. */
class Bytes {
  readonly #view: DataView;
  readonly length: number;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.length = bytes.length;
  }

  u8 = (at: number): number => (at + 1 <= this.length ? this.#view.getUint8(at) : NaN);
  u16 = (at: number, little = false): number =>
    at + 2 <= this.length ? this.#view.getUint16(at, little) : NaN;
  u24 = (at: number): number => this.u16(at, true) + this.u8(at + 2) * 0x10000;
  u32 = (at: number, little = false): number =>
    at + 4 <= this.length ? this.#view.getUint32(at, little) : NaN;
  letters = (at: number): string => String.fromCharCode(...[0, 1, 2, 3].map((step) => this.u8(at + step)));
}

/** The first frame header; what comes before it is skipped, whatever it holds. */
function jpegSize(file: Bytes): DeclaredSize | undefined {
  for (let at = 2; at < file.length;) {
    const marker = file.u8(at) === 0xff ? file.u8(at + 1) : 0;
    // Fill bytes, and what is no marker: decoders look for the next one.
    if (marker === 0 || marker === 0xff) {
      at++;
      continue;
    }
    // The pixels begin, or the image ends.
    if (marker === 0xda || marker === 0xd9) return undefined;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { width: file.u16(at + 7), height: file.u16(at + 5) };
    const isAlone = marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
    at += isAlone ? 2 : 2 + file.u16(at + 2);
  }
  return undefined;
}

function webpSize(file: Bytes): DeclaredSize | undefined {
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

/** Boxes between two places. */
function* boxes(file: Bytes, from: number, to: number) {
  for (let at = from; at + 8 <= to;) {
    const said = file.u32(at);
    const large = said === 1;
    const size = large ? file.u32(at + 8) * 2 ** 32 + file.u32(at + 12) : said === 0 ? to - at : said;
    const start = at + (large ? 16 : 8);
    if (!(at + size >= start)) return;
    yield { type: file.letters(at + 4), start, end: Math.min(at + size, to) };
    at += size;
  }
}

/** The largest size that a property of the file's items declares: a grid's is that of all its tiles together. */
function avifSize(file: Bytes): DeclaredSize | undefined {
  let largest: DeclaredSize | undefined;
  const visit = (from: number, to: number, path: readonly string[]): void => {
    const [wanted, ...deeper] = path;
    for (const { type, start, end } of boxes(file, from, to)) {
      if (type !== wanted) continue;
      // `meta` and `ispe` begin with a version and flags.
      const inside = type === "meta" || type === "ispe" ? start + 4 : start;
      if (deeper.length > 0) {
        visit(inside, end, deeper);
        continue;
      }
      const size = { width: file.u32(inside), height: file.u32(inside + 4) };
      if (size.width * size.height > (largest ? largest.width * largest.height : 0)) largest = size;
    }
  };
  visit(0, file.length, ["meta", "iprp", "ipco", "ispe"]);
  return largest;
}

/** Width and height of the first directory, as 16-bit or 32-bit numbers. */
function tiffSize(file: Bytes): DeclaredSize | undefined {
  const little = file.u8(0) === 0x49;
  const directory = file.u32(4, little);
  const found = new Map<number, number>();
  const count = file.u16(directory, little);
  for (let entry = 0; entry < count; entry++) {
    const at = directory + 2 + entry * 12;
    const type = file.u16(at + 2, little);
    const value = type === 3 ? file.u16(at + 8, little) : type === 4 ? file.u32(at + 8, little) : NaN;
    found.set(file.u16(at, little), value);
  }
  const [width, height] = [found.get(256), found.get(257)];
  return width === undefined || height === undefined ? undefined : { width, height };
}

const readers: Readonly<Record<SizedFormat, (file: Bytes) => DeclaredSize | undefined>> = {
  jpeg: jpegSize,
  webp: webpSize,
  avif: avifSize,
  tiff: tiffSize,
};

/** The size in a file's header, read without decoding; undefined where it says none. */
export function declaredSize(format: SizedFormat, bytes: Uint8Array): DeclaredSize | undefined {
  const found = readers[format](new Bytes(bytes));
  return found && found.width >= 1 && found.height >= 1 ? found : undefined;
}
