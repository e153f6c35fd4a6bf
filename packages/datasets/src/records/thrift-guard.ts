// Walks over Thrift's compact encoding (https://github.com/apache/thrift, thrift-compact-protocol.md) and keeps only
// the integers of structs. hyparquet allocates a list of the length that the file states, so this walk first checks
// that the elements exist.

/** The integers and structs by field number. Lists and texts are skipped. */
export interface ThriftStruct {
  readonly [field: number]: number | ThriftStruct;
}

const maxDepth = 24;

/** The error of a guard; the reader adds the place. */
export class GuardError extends Error {}

/** A size above the limit. */
export class GuardLimit extends GuardError {
  readonly size: number;

  constructor(size: number) {
    super(`more than the limit: ${size}`);
    this.size = size;
  }
}

const refuse = (detail: string): never => {
  throw new GuardError(detail);
};

export class ThriftWalk {
  readonly #bytes: Uint8Array;
  offset: number;

  constructor(bytes: Uint8Array, offset: number) {
    this.#bytes = bytes;
    this.offset = offset;
  }

  byte(): number {
    const byte = this.#bytes[this.offset];
    if (byte === undefined) return refuse("a header that ends too early");
    this.offset++;
    return byte;
  }

  /** At most 64 bits; inexact above 2^53. */
  varint(): number {
    let value = 0;
    for (let scale = 1, count = 0; count < 10; scale *= 128, count++) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    return refuse("a number of more than 64 bits");
  }

  struct(depth = 0): ThriftStruct {
    if (depth > maxDepth) return refuse(`more than ${maxDepth} levels`);
    const fields: Record<number, number | ThriftStruct> = {};
    let field = 0;
    for (;;) {
      const head = this.byte();
      const type = head & 15;
      if (type === 0) return fields;
      field = head >> 4 === 0 ? zigzag(this.varint()) : field + (head >> 4);
      const value = this.#value(type, depth);
      if (value !== undefined) fields[field] = value;
    }
  }

  #value(type: number, depth: number): number | ThriftStruct | undefined {
    switch (type) {
      case 1:
        return 1;
      case 2:
        return 0;
      case 3:
        return this.byte();
      case 4:
      case 5:
      case 6:
        return zigzag(this.varint());
      case 7:
        this.#skip(8);
        return undefined;
      case 8:
        this.#skip(this.varint());
        return undefined;
      case 9:
      case 10:
        this.#list(depth);
        return undefined;
      case 12:
        return this.struct(depth + 1);
      default:
        return refuse(`a field of the unknown type ${type}`);
    }
  }

  #skip(length: number): void {
    if (length > this.#bytes.length - this.offset) refuse("a text that ends after the header");
    this.offset += length;
  }

  #list(depth: number): void {
    if (depth > maxDepth) refuse(`more than ${maxDepth} levels`);
    const head = this.byte();
    const type = head & 15;
    const size = head >> 4 === 15 ? this.varint() : head >> 4;
    // Each element takes at least one byte.
    if (size > this.#bytes.length - this.offset) refuse(`a list of ${size} in fewer bytes`);
    for (let index = 0; index < size; index++) {
      if (type === 1 || type === 2) this.byte();
      else this.#value(type, depth + 1);
    }
  }
}

const zigzag = (value: number): number => (value % 2 === 0 ? value / 2 : -(value + 1) / 2);
