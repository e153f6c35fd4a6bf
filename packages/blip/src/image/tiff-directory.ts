// Reads the first directory of a TIFF (TIFF 6.0; BigTIFF), with its tags and their numbers, without decoding pixels.
import { ByteReader } from "./byte-reader.ts";

export type TiffDirectory = ReadonlyMap<number, readonly number[]>;

/** The bytes of a number, by entry type, for the types that pixel tags use. */
const sizes: Readonly<Record<number, 1 | 2 | 4 | 8>> = { 1: 1, 3: 2, 4: 4, 6: 1, 16: 8 };
/** The most numbers that are read per tag. Every tag of the pixel layout has fewer, except a colour map. */
const maxNumbers = 8;
/** The most entries of a directory. */
const maxEntries = 1000;

interface Layout {
  /** Bytes of an offset. */
  readonly offset: 4 | 8;
  /** Bytes of a directory's number of entries. */
  readonly count: 2 | 8;
  /** Bytes of an entry. */
  readonly entry: 12 | 20;
  /** The position of the first directory's offset. */
  readonly first: number;
}

const classic: Layout = { offset: 4, count: 2, entry: 12, first: 4 };
const big: Layout = { offset: 8, count: 8, entry: 20, first: 8 };

/** Reads a TIFF's numbers in the byte order and layout of its first four bytes. */
class TiffReader {
  readonly #file: ByteReader;
  readonly #little: boolean;
  readonly layout: Layout;

  constructor(bytes: Uint8Array) {
    this.#file = new ByteReader(bytes);
    this.#little = this.#file.u8(0) === 0x49;
    this.layout = this.read(2, 2) === 43 ? big : classic;
  }

  read(at: number, size: 1 | 2 | 4 | 8): number {
    const little = this.#little;
    if (size === 1) return this.#file.u8(at);
    if (size === 2) return this.#file.u16(at, little);
    return size === 4 ? this.#file.u32(at, little) : this.#file.u64(at, little);
  }

  /** Reads the numbers of an entry. */
  numbers(at: number): readonly number[] {
    const { offset } = this.layout;
    const size = sizes[this.read(at + 2, 2)];
    const count = this.read(at + 4, offset);
    if (size === undefined || !(count >= 1)) return [];
    const value = at + 4 + offset;
    const start = count * size <= offset ? value : this.read(value, offset);
    return Array.from({ length: Math.min(count, maxNumbers) }, (_, index) =>
      this.read(start + index * size, size),
    );
  }
}

/** Reads the first directory of a TIFF, or of an EXIF block, which has the same form; empty if there is none. */
export function tiffDirectory(bytes: Uint8Array): TiffDirectory {
  const file = new TiffReader(bytes);
  const { layout } = file;
  const directory = file.read(layout.first, layout.offset);
  const count = Math.min(file.read(directory, layout.count), maxEntries);
  const found = new Map<number, readonly number[]>();
  for (let entry = 0; entry < count; entry++) {
    const at = directory + layout.count + entry * layout.entry;
    const tag = file.read(at, 2);
    // Use the first occurrence of a tag, like libtiff.
    if (!found.has(tag)) found.set(tag, file.numbers(at));
  }
  return found;
}

/** Counts the directories of a TIFF, up to `most` + 1. */
export function tiffDirectories(bytes: Uint8Array, most: number): number {
  const file = new TiffReader(bytes);
  const { layout } = file;
  let count = 0;
  for (let at = file.read(layout.first, layout.offset); at > 0 && count <= most; count++)
    at = file.read(at + layout.count + file.read(at, layout.count) * layout.entry, layout.offset);
  return count;
}
