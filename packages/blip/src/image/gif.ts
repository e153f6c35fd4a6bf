// Decodes the first frame of a GIF like Pillow (GifImagePlugin.py, libImaging/GifDecode.c). This package has its own
// decoder because other decoders drop the colour under transparent pixels, which BLIP's convert("RGB") keeps.
import { missed, must } from "@blip-ts/base";
import { truncated } from "./errors.ts";
import { pauses } from "./pause.ts";
import type { Alpha, RgbImage } from "./raw-image.ts";

export interface GifFrame {
  /** The size of the screen, or of the frame if that is larger. */
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly top: number;
  readonly frameWidth: number;
  readonly frameHeight: number;
  readonly interlaced: boolean;
  /** [256, 3]: the file's colours, padded with black; greys if the file has no colours. */
  readonly palette: Uint8Array;
  readonly transparent: number | undefined;
  /** The position of the compressed pixels. */
  readonly start: number;
}

const greys = () => Uint8Array.from({ length: 768 }, (_, index) => Math.trunc(index / 3));

/**
 * Parses the header up to the pixels of the first frame.
 * @throws {InputError} `image/truncated`
 */
export function parseGif(bytes: Uint8Array, name: string): GifFrame {
  let at = 6;
  const byte = () => {
    const value = bytes[at++];
    if (value === undefined) throw truncated(name, "its first frame is missing");
    return value;
  };
  const word = () => byte() | (byte() << 8);
  const colours = (flags: number) => {
    const table = new Uint8Array(768);
    const ramp = greys();
    const length = 3 << ((flags & 7) + 1);
    for (let index = 0; index < length; index++) table[index] = byte();
    // Pillow treats a table that is a grey ramp, however short, as a grey image.
    return table.subarray(0, length).every((value, index) => value === ramp[index]) ? ramp : table;
  };
  const screen = [word(), word()] as const;
  const screenFlags = byte();
  at += 2;
  const shared = screenFlags & 128 ? colours(screenFlags) : greys();
  let transparent: number | undefined;
  for (;;) {
    const mark = byte();
    if (mark === 0x3b) throw truncated(name, "its first frame is missing");
    if (mark === 0x21) {
      const label = byte();
      for (let length = byte(), first = true; length > 0; length = byte(), first = false) {
        if (label === 0xf9 && first && length >= 4 && at < bytes.length && must(bytes, at) & 1)
          transparent = bytes[at + 3];
        at += length;
      }
    } else if (mark === 0x2c) {
      const [left, top, frameWidth, frameHeight, flags] = [word(), word(), word(), word(), byte()];
      if (frameWidth === 0 || frameHeight === 0) throw truncated(name, "its first frame has no pixels");
      const palette = flags & 128 ? colours(flags) : shared;
      const width = Math.max(screen[0], left + frameWidth);
      const height = Math.max(screen[1], top + frameHeight);
      const interlaced = (flags & 64) !== 0;
      return {
        ...{ width, height, left, top, frameWidth, frameHeight },
        ...{ interlaced, palette, transparent, start: at },
      };
    }
  }
}

/** Joins the data of sub-blocks. A truncated file gives truncated data. */
function joinBlocks(bytes: Uint8Array, start: number): Uint8Array {
  const lengthAt = (at: number) => (at < bytes.length ? must(bytes, at) : 0);
  let size = 0;
  for (let at = start, length; (length = lengthAt(at)) > 0; at += length + 1) size += length;
  const joined = new Uint8Array(Math.min(size, bytes.length));
  let used = 0;
  for (let at = start, length; (length = lengthAt(at)) > 0; at += length + 1) {
    const part = bytes.subarray(at + 1, at + 1 + length);
    joined.set(part, used);
    used += part.length;
  }
  return joined.subarray(0, used);
}

/** The number of codes between two checks of the clock. */
const block = 1 << 14;
const tableSize = 4096;

/** Decodes LZW to palette indices. If the data declares an early end, the rest of `target` keeps its values. */
async function unpack(data: Uint8Array, codeBits: number, target: Uint8Array, name: string): Promise<void> {
  if (codeBits < 1 || codeBits > 8) throw truncated(name, `codes of ${codeBits} bits`);
  const [clear, end] = [1 << codeBits, (1 << codeBits) + 1];
  const prefix = new Uint16Array(tableSize);
  const suffix = Uint8Array.from({ length: tableSize }, (_, code) => code & 0xff);
  const first = Uint8Array.from(suffix);
  const lengths = new Uint16Array(tableSize).fill(1);
  const pause = pauses();
  let [next, size, previous] = [end + 1, codeBits + 1, -1];
  let [bits, held, at, out] = [0, 0, 0, 0];
  for (let count = 1; out < target.length; count++) {
    while (held < size) {
      const byte = data[at++];
      if (byte === undefined) throw truncated(name, `${target.length - out} pixels are missing`);
      bits |= byte << held;
      held += 8;
    }
    const code = bits & ((1 << size) - 1);
    bits >>>= size;
    held -= size;
    if (code === end) return;
    if (code === clear) {
      [next, size, previous] = [end + 1, codeBits + 1, -1];
      continue;
    }
    if (previous === -1 ? code > clear : code > next || (code === next && next === tableSize))
      throw truncated(name, "its compressed pixels are invalid");
    if (previous !== -1 && next < tableSize) {
      prefix[next] = previous;
      first[next] = must(first, previous, "code");
      suffix[next] = must(first, code === next ? previous : code, "code");
      lengths[next] = must(lengths, previous, "code") + 1;
      next++;
      if (next === 1 << size && size < 12) size++;
    }
    const length = must(lengths, code, "code");
    // Write backwards from the end. The array ignores writes beyond the last pixel.
    for (let index = out + length - 1, link = code; index >= out; index--) {
      target[index] = suffix[link] ?? missed("code");
      link = prefix[link] ?? missed("code");
    }
    out += length;
    previous = code;
    if (count % block === 0) {
      const wait = pause();
      if (wait) await wait;
    }
  }
}

/**
 * Returns the order of a frame's stored rows. Interlaced: every 8th row, every 8th from 4, every 4th from 2, every 2nd
 * from 1.
 */
function rowOrder(height: number, interlaced: boolean): number[] {
  const all = Array.from({ length: height }, (_, row) => row);
  if (!interlaced) return all;
  const pass = (from: number, step: number) => all.filter((row) => row >= from && (row - from) % step === 0);
  return [...pass(0, 8), ...pass(4, 8), ...pass(2, 4), ...pass(1, 2)];
}

/**
 * Decodes the first frame to RGB at screen size. The area around it gets the transparent colour, or else colour 0.
 * @throws {InputError} `image/truncated`
 */
export async function decodeGif(
  bytes: Uint8Array,
  frame: GifFrame,
  name: string,
  alpha: Alpha,
): Promise<RgbImage> {
  const { width, height, left, top, frameWidth, frameHeight, transparent = 0 } = frame;
  const indices = new Uint8Array(frameWidth * frameHeight).fill(transparent);
  const codeBits = bytes[frame.start];
  if (codeBits === undefined) throw truncated(name, "its pixels are missing");
  await unpack(joinBlocks(bytes, frame.start + 1), codeBits, indices, name);
  const palette = Uint8Array.from(frame.palette);
  if (frame.transparent !== undefined && alpha === "white")
    palette.fill(255, frame.transparent * 3, frame.transparent * 3 + 3);
  const data = new Uint8Array(width * height * 3);
  const paint = (pixel: number, index: number) => {
    data[pixel * 3] = palette[index * 3] ?? missed("colour");
    data[pixel * 3 + 1] = palette[index * 3 + 1] ?? missed("colour");
    data[pixel * 3 + 2] = palette[index * 3 + 2] ?? missed("colour");
  };
  const pause = pauses();
  const order = rowOrder(frameHeight, frame.interlaced);
  const source = new Int32Array(height).fill(-1);
  order.forEach((row, index) => (source[top + row] = index));
  for (let row = 0; row < height; row++) {
    const from = must(source, row, "row");
    for (let column = 0; column < width; column++) {
      const inside = from >= 0 && column >= left && column < left + frameWidth;
      const index = inside ? (indices[from * frameWidth + column - left] ?? missed("pixel")) : transparent;
      paint(row * width + column, index);
    }
    const wait = pause();
    if (wait) await wait;
  }
  return { data, width, height };
}
