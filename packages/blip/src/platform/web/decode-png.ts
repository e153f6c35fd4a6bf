// Decodes PNG to raw pixels (PNG specification, third edition) with the browser's own inflate. The browser's PNG
// decoder is not used: a canvas stores colours premultiplied by alpha in 8 bits, which changes translucent and 16-bit
// pixels.
import { missed } from "@blip-ts/base";
import { truncated, unsupported } from "../../image/errors.ts";
import { pauses } from "../../image/pause.ts";
import type { RawImage } from "../../image/raw-image.ts";

export interface PngFrame {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  /** 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA. */
  readonly colourType: number;
  readonly interlaced: boolean;
  readonly palette: Uint8Array | undefined;
  /** The alpha of the palette's first colours. */
  readonly paletteAlpha: Uint8Array | undefined;
  readonly compressed: readonly Uint8Array[];
}

const depths: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

/** Parses the chunks up to the end of the pixels. @throws {InputError} `image/truncated`, `image/unsupported` */
export function parsePng(bytes: Uint8Array<ArrayBuffer>, name: string): PngFrame {
  if (bytes.length < 33) throw truncated(name, "its header is missing");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [depth, colourType] = [view.getUint8(24), view.getUint8(25)];
  if (depths[colourType]?.includes(depth) !== true)
    throw unsupported(name, `a PNG of colour type ${colourType} with ${depth} bits`);
  let palette: Uint8Array | undefined;
  let paletteAlpha: Uint8Array | undefined;
  const compressed: Uint8Array[] = [];
  for (let at = 8; at + 8 <= bytes.length;) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const data = bytes.subarray(at + 8, at + 8 + length);
    if (type === "PLTE") palette = data;
    else if (type === "tRNS" && colourType === 3) paletteAlpha = data;
    else if (type === "IDAT") compressed.push(data);
    else if (type === "IEND") break;
    at += 12 + length;
  }
  if (compressed.length === 0) throw truncated(name, "its pixels are missing");
  if (colourType === 3 && !palette) throw truncated(name, "its palette is missing");
  const size = { width: view.getUint32(16), height: view.getUint32(20) };
  if (size.width === 0 || size.height === 0)
    throw truncated(name, `its header declares ${size.width} x ${size.height} pixels`);
  return {
    ...size,
    depth,
    colourType,
    interlaced: view.getUint8(28) === 1,
    palette,
    paletteAlpha,
    compressed,
  };
}

/** The pixel positions of each Adam7 pass: first column, first row, column step, row step. */
const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

const samplesOf = (colourType: number) => [1, 1, 3, 1, 2, 1, 4][colourType] ?? missed("colour type");

/** Inflates exactly the number of bytes that the pixels need. */
async function inflate(
  parts: readonly Uint8Array[],
  size: number,
  name: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob(parts.map((part) => Uint8Array.from(part)))
    .stream()
    .pipeThrough(new DecompressionStream("deflate"));
  const reader = stream.getReader();
  const bytes = new Uint8Array(size);
  let filled = 0;
  try {
    while (filled < size) {
      const { done, value } = await reader.read();
      if (done) break;
      const part = value.subarray(0, size - filled);
      bytes.set(part, filled);
      filled += part.length;
    }
  } catch (error) {
    throw truncated(name, "its compressed pixels are invalid", error);
  } finally {
    await reader.cancel().catch(() => undefined);
  }
  if (filled < size) throw truncated(name, `${size - filled} bytes of pixels are missing`);
  return bytes;
}

function paeth(left: number, up: number, corner: number): number {
  const estimate = left + up - corner;
  const toLeft = Math.abs(estimate - left);
  const toUp = Math.abs(estimate - up);
  const toCorner = Math.abs(estimate - corner);
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

/** Reverses a row's filter in place. */
function unfilter(filter: number, row: Uint8Array, above: Uint8Array, step: number, name: string): void {
  for (let at = 0; at < row.length; at++) {
    const left = at >= step ? (row[at - step] ?? missed("byte")) : 0;
    const up = above[at] ?? missed("byte");
    const corner = at >= step ? (above[at - step] ?? missed("byte")) : 0;
    let guess: number;
    switch (filter) {
      case 0:
        return;
      case 1:
        guess = left;
        break;
      case 2:
        guess = up;
        break;
      case 3:
        guess = (left + up) >> 1;
        break;
      case 4:
        guess = paeth(left, up, corner);
        break;
      default:
        throw truncated(name, `a row has the filter ${filter}`);
    }
    row[at] = (row[at] ?? missed("byte")) + guess;
  }
}

/** One sample of a row; bits are read from the left. */
function sampleAt(row: Uint8Array, index: number, depth: number): number {
  if (depth === 8) return row[index] ?? missed("byte");
  if (depth === 16) return ((row[index * 2] ?? missed("byte")) << 8) | (row[index * 2 + 1] ?? missed("byte"));
  const bit = index * depth;
  return ((row[bit >> 3] ?? missed("byte")) >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
}

/**
 * Decodes the pixels of a PNG: spreads grey of fewer than 8 bits over 0 to 255, looks up palettes, keeps 16 bits.
 * @throws {InputError} `image/truncated`
 */
export async function decodePng(frame: PngFrame, name: string): Promise<RawImage> {
  const { width, height, depth, colourType, interlaced, palette, paletteAlpha } = frame;
  const samples = samplesOf(colourType);
  const passes = (interlaced ? adam7 : ([[0, 0, 1, 1]] as const))
    .map(([left, top, across, down]) => ({
      ...{ left, top, across, down },
      columns: Math.ceil((width - left) / across),
      rows: Math.ceil((height - top) / down),
    }))
    .filter(({ columns, rows }) => columns > 0 && rows > 0);
  const rowBytes = (columns: number) => Math.ceil((columns * samples * depth) / 8);
  const size = passes.reduce((sum, { columns, rows }) => sum + rows * (1 + rowBytes(columns)), 0);
  const bytes = await inflate(frame.compressed, size, name);

  const channels = colourType === 3 ? (paletteAlpha ? 4 : 3) : samples;
  const data =
    depth === 16 ? new Uint16Array(width * height * channels) : new Uint8Array(width * height * channels);
  // Grey of 1, 2 and 4 bits is scaled so that white is 255.
  const spread = colourType === 0 && depth < 8 ? 255 / ((1 << depth) - 1) : 1;
  const put = (row: Uint8Array, column: number, pixel: number) => {
    if (colourType !== 3) {
      for (let channel = 0; channel < samples; channel++)
        data[pixel * channels + channel] = sampleAt(row, column * samples + channel, depth) * spread;
      return;
    }
    const colour = sampleAt(row, column, depth);
    for (let channel = 0; channel < 3; channel++)
      data[pixel * channels + channel] = palette?.[colour * 3 + channel] ?? 0;
    if (channels === 4) data[pixel * 4 + 3] = paletteAlpha?.[colour] ?? 255;
  };
  const step = Math.max(1, (samples * depth) >> 3);
  const pause = pauses();
  let at = 0;
  for (const { left, top, across, down, columns, rows } of passes) {
    let above = new Uint8Array(rowBytes(columns));
    for (let line = 0; line < rows; line++) {
      const row = bytes.subarray(at + 1, at + 1 + above.length);
      unfilter(bytes[at] ?? missed("byte"), row, above, step, name);
      const start = (top + line * down) * width + left;
      for (let column = 0; column < columns; column++) put(row, column, start + column * across);
      at += 1 + row.length;
      above = row;
      const wait = pause();
      if (wait) await wait;
    }
  }
  return { data, width, height, channels: channels === 1 ? 1 : channels === 2 ? 2 : channels === 3 ? 3 : 4 };
}
