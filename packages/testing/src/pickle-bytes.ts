// Writes pickles opcode by opcode (protocol 2) for tests, including ones that no library would write.

export type Bytes = readonly number[];

const utf8 = (text: string): Bytes => [...new TextEncoder().encode(text)];

/** The opcodes or lines of the given characters. */
export const ascii = utf8;

/** `width` little-endian bytes. */
export const littleEndian = (value: number | bigint, width: number): Bytes =>
  Array.from({ length: width }, (_, index) => Number((BigInt(value) >> BigInt(8 * index)) & 0xffn));

export const PROTO = [0x80, 2];
export const STOP = ascii(".");

/** A whole pickle of one value. */
export const pickle = (value: Bytes): Uint8Array<ArrayBuffer> =>
  Uint8Array.from([...PROTO, ...value, ...STOP]);

export const none = ascii("N");
export const bool = (value: boolean): Bytes => [value ? 0x88 : 0x89];
export const text = (value: string): Bytes => [0x58, ...littleEndian(utf8(value).length, 4), ...utf8(value)];
export const shortText = (value: string): Bytes => [0x8c, utf8(value).length, ...utf8(value)];

/** BININT if the value fits, otherwise LONG1. */
export const int = (value: number | bigint): Bytes =>
  BigInt.asIntN(32, BigInt(value)) === BigInt(value)
    ? [0x4a, ...littleEndian(value, 4)]
    : [0x8a, 16, ...littleEndian(value, 16)];

export const float = (value: number): Bytes => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return [0x47, ...new Uint8Array(view.buffer)];
};

export const tuple = (...items: Bytes[]): Bytes => [0x28, ...items.flat(), 0x74];
export const list = (...items: Bytes[]): Bytes => [0x5d, 0x28, ...items.flat(), 0x65];
export const dict = (...entries: (readonly [Bytes, Bytes])[]): Bytes => [
  0x7d,
  0x28,
  ...entries.flat(2),
  0x75,
];
export const global = (module: string, name: string): Bytes => ascii(`c${module}\n${name}\n`);
export const stackGlobal = (module: string, name: string): Bytes => [
  ...shortText(module),
  ...shortText(name),
  0x93,
];
export const reduce = (callee: Bytes, ...args: Bytes[]): Bytes => [...callee, ...tuple(...args), 0x52];
export const persistent = (id: Bytes): Bytes => [...id, 0x51];
export const build = (target: Bytes, state: Bytes): Bytes => [...target, ...state, 0x62];
export const put = (slot: number): Bytes => [0x71, slot];
export const get = (slot: number): Bytes => [0x68, slot];
