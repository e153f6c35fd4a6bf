// Encodes numbers as text for the log of rows: base64 of their little-endian bytes. Not every runtime has global base64
// functions, so this file implements base64.

type Numbers = Float32Array | Uint32Array;

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const values = new Map(Array.from(digits, (digit, value) => [digit, value]));

function littleEndian(numbers: Numbers): Uint8Array {
  const bytes = new Uint8Array(numbers.byteLength);
  const view = new DataView(bytes.buffer);
  numbers.forEach((value, index) =>
    numbers instanceof Float32Array
      ? view.setFloat32(4 * index, value, true)
      : view.setUint32(4 * index, value, true),
  );
  return bytes;
}

export function pack(numbers: Numbers): string {
  const bytes = littleEndian(numbers);
  const parts: string[] = [];
  for (let from = 0; from < bytes.length; from += 3) {
    const three = bytes.subarray(from, from + 3);
    const bits = three.reduce((sum, byte, place) => sum | (byte << (16 - 8 * place)), 0);
    const four = [18, 12, 6, 0].map((shift) => digits.charAt((bits >> shift) & 63)).join("");
    parts.push(four.slice(0, three.length + 1).padEnd(4, "="));
  }
  return parts.join("");
}

/** Decodes a packed text to bytes; returns undefined if the value is not a packed text. */
function bytesOf(packed: unknown): DataView | undefined {
  if (typeof packed !== "string" || packed.length % 4 !== 0) return undefined;
  const text = packed.replace(/={1,2}$/, "");
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let [bits, count, at] = [0, 0, 0];
  for (const digit of text) {
    const value = values.get(digit);
    if (value === undefined) return undefined;
    bits = ((bits << 6) | value) & 0xffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes[at++] = (bits >> count) & 255;
  }
  return bytes.length % 4 === 0 ? new DataView(bytes.buffer) : undefined;
}

/** @returns undefined if the value is not a packed text of `count` numbers */
export function unpackFloats(packed: unknown, count: number): Float32Array | undefined {
  const view = bytesOf(packed);
  if (view?.byteLength !== 4 * count) return undefined;
  return Float32Array.from({ length: count }, (_, index) => view.getFloat32(4 * index, true));
}

/** @returns undefined if the value is not a packed text */
export function unpackIndices(packed: unknown): Uint32Array | undefined {
  const view = bytesOf(packed);
  if (view === undefined) return undefined;
  return Uint32Array.from({ length: view.byteLength / 4 }, (_, index) => view.getUint32(4 * index, true));
}
