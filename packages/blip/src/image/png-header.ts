// Reads the parts of a PNG's header that affect Pillow's result: bit depth, colour type, and the transparent colour in
// tRNS (PngImagePlugin.py, libImaging/Convert.c ImagingConvertTransparent).

export interface PngHeader {
  readonly bitDepth: number;
  /** 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA. */
  readonly colourType: number;
  /**
   * The transparent colour of a grey or RGB image. Like Pillow, compare the low byte of the file's value with the 8-bit
   * pixel. This is correct for 8 bits. At 2, 4 and 16 bits it matches other pixels than the file specifies, or none.
   */
  readonly key?: readonly [number, number, number];
}

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Parses the header and the chunk headers before the pixels. Returns undefined if the bytes are not a PNG. */
export function parsePngHeader(bytes: Uint8Array): PngHeader | undefined {
  if (bytes.length < 33 || !signature.every((byte, index) => bytes[index] === byte)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = { bitDepth: view.getUint8(24), colourType: view.getUint8(25) };
  const grey = header.colourType === 0;
  if (!grey && header.colourType !== 2) return header;
  for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    const [length, type] = [view.getUint32(at), view.getUint32(at + 4)];
    if (type === 0x49444154) break; // IDAT
    if (type !== 0x74524e53) continue; // tRNS
    if (length < (grey ? 2 : 6) || at + 8 + length > bytes.length) break;
    const low = (index: number) => view.getUint16(at + 8 + index * 2) & 0xff;
    if (!grey) return { ...header, key: [low(0), low(1), low(2)] };
    const value = header.bitDepth === 1 ? (view.getUint16(at + 8) === 0 ? 0 : 255) : low(0);
    return { ...header, key: [value, value, value] };
  }
  return header;
}
