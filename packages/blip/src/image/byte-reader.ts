// Reads numbers at any position of a file. Safe for untrusted headers.

/** Reads numbers of a file. Beyond the end, returns NaN, which is not a valid size and ends every loop. */
export class ByteReader {
  readonly #view: DataView;
  readonly length: number;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.length = bytes.length;
  }

  readonly u8 = (at: number): number => (at + 1 <= this.length ? this.#view.getUint8(at) : NaN);

  readonly u16 = (at: number, little = false): number =>
    at + 2 <= this.length ? this.#view.getUint16(at, little) : NaN;

  readonly u24 = (at: number): number => this.u16(at, true) + this.u8(at + 2) * 0x10000;

  readonly u32 = (at: number, little = false): number =>
    at + 4 <= this.length ? this.#view.getUint32(at, little) : NaN;

  /** Reads 64 bits. Values above 2^53 are inexact, but such positions are beyond the end of every file. */
  readonly u64 = (at: number, little = false): number => {
    const [first, second] = [this.u32(at, little), this.u32(at + 4, little)];
    return little ? second * 2 ** 32 + first : first * 2 ** 32 + second;
  };

  readonly letters = (at: number): string =>
    String.fromCharCode(...[0, 1, 2, 3].map((step) => this.u8(at + step)));
}

/** The most steps of a loop over a file's parts: a file of 256 MB may declare a part every two bytes. */
export const maxParts = 100_000;
