// Reads the boxes of an AVIF file (ISO/IEC 14496-12, 4.2), and the turns of its image (ISO/IEC 23008-12, 6.5.10 and
// 6.5.12).
import { must } from "@blip-ts/base";
import { ByteReader, maxParts } from "./byte-reader.ts";
import type { Orientation } from "./orientation.ts";

export interface AvifBox {
  readonly type: string;
  /** The position of the content. A full box begins with a version and flags, which take 4 bytes. */
  readonly start: number;
  readonly end: number;
}

/** Iterates over the boxes between two positions. */
function* boxes(file: ByteReader, from: number, to: number): Generator<AvifBox, void, undefined> {
  for (let at = from, step = 0; step < maxParts && at + 8 <= to; step++) {
    const said = file.u32(at);
    const large = said === 1;
    const size = large ? file.u32(at + 8) * 2 ** 32 + file.u32(at + 12) : said === 0 ? to - at : said;
    const start = at + (large ? 16 : 8);
    if (!(at + size >= start)) return;
    yield { type: file.letters(at + 4), start, end: Math.min(at + size, to) };
    at += size;
  }
}

/** Iterates over the boxes at a path of types, such as `meta`, `iprp`, `ipco`. */
export function* boxesAt(
  file: ByteReader,
  [type, ...deeper]: readonly string[],
  from = 0,
  to = file.length,
): Generator<AvifBox, void, undefined> {
  for (const box of boxes(file, from, to)) {
    if (box.type !== type) continue;
    if (deeper.length === 0) yield box;
    else yield* boxesAt(file, deeper, type === "meta" ? box.start + 4 : box.start, box.end);
  }
}

/** The indices of the properties of an item, from 1, in the order in which decoders apply them. */
function propertiesOf(file: ByteReader, item: number): number[] {
  for (const { start } of boxesAt(file, ["meta", "iprp", "ipma"])) {
    const [version, wide] = [file.u8(start), (file.u8(start + 3) & 1) === 1];
    const count = Math.min(file.u32(start + 4), maxParts);
    let at = start + 8;
    for (let entry = 0; entry < count; entry++) {
      const id = version === 0 ? file.u16(at) : file.u32(at);
      at += version === 0 ? 2 : 4;
      const indices = Array.from({ length: file.u8(at) || 0 }, (_, index) =>
        // The highest bit says whether a decoder must know the property.
        wide ? file.u16(at + 1 + 2 * index) & 0x7fff : file.u8(at + 1 + index) & 0x7f,
      );
      if (id === item) return indices;
      at += 1 + indices.length * (wide ? 2 : 1);
    }
  }
  return [];
}

/** Orientations as rotations by 0 to 3 quarters clockwise, of the image as it is and with top and bottom swapped. */
const rotations: readonly (readonly Orientation[])[] = [
  [1, 6, 3, 8],
  [4, 5, 2, 7],
];

/** Returns the orientation by which decoders turn an AVIF's pixels, from the properties of its primary item. */
export function avifOrientation(bytes: Uint8Array): Orientation {
  const file = new ByteReader(bytes);
  const [primary] = boxesAt(file, ["meta", "pitm"]);
  const [list] = boxesAt(file, ["meta", "iprp", "ipco"]);
  if (!primary || !list) return 1;
  const item = file.u8(primary.start) === 0 ? file.u16(primary.start + 4) : file.u32(primary.start + 4);
  const properties = [...boxes(file, list.start, list.end)];
  let [swapped, quarters] = [0, 0];
  for (const index of propertiesOf(file, item)) {
    const property = properties[index - 1];
    if (!property) continue;
    const { type, start } = property;
    // `irot` rotates anticlockwise; the axis of `imir` is 0 to swap top and bottom, 1 to swap left and right.
    if (type === "irot") quarters -= file.u8(start) & 3;
    if (type !== "imir") continue;
    quarters = 2 * (file.u8(start) & 1) - quarters;
    swapped = 1 - swapped;
  }
  return must(must(rotations, swapped), ((quarters % 4) + 4) % 4);
}
