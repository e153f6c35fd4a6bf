// Reads the arguments of pickle opcodes from bytes, and the opcodes that encode a value by themselves.
import { malformed, overLimit } from "../errors.ts";
import { OP } from "./pickle-opcodes.ts";
import {
  PickleDict,
  PickleList,
  PickleSet,
  PickleTuple,
  type PickleLimits,
  type PickleValue,
} from "./pickle-values.ts";
import { decodeUtf8, readUint64, viewOf } from "../read-range.ts";

/** Signals that the bytes end before STOP. `runPickle` catches it. */
export class OutOfBytes extends Error {}

const NEWLINE = 0x0a;

/** A position in the bytes of a pickle. Reading past the end throws `OutOfBytes`. */
export class PickleCursor {
  at: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #where: string;
  readonly #limits: PickleLimits;

  constructor(bytes: Uint8Array, at: number, where: string, limits: PickleLimits) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    this.at = at;
    this.#where = where;
    this.#limits = limits;
  }

  /** Advances by `length` bytes and returns their start. */
  take(length: number): number {
    const start = this.at;
    if (length > this.#bytes.length - start) throw new OutOfBytes();
    this.at = start + length;
    return start;
  }

  uint8(): number {
    return this.#view.getUint8(this.take(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.take(2), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.take(4), true);
  }

  int32(): number {
    return this.#view.getInt32(this.take(4), true);
  }

  /** Infinity if the number is 2^53 or more: every limit is lower. */
  uint64(): number {
    return readUint64(this.#view, this.take(8)) ?? Infinity;
  }

  /** Big-endian, unlike the other numbers. */
  float64(): number {
    return this.#view.getFloat64(this.take(8), false);
  }

  bytes(length: number): Uint8Array {
    if (length > this.#limits.string)
      throw overLimit(this.#where, "the length of a string in the pickle", length, this.#limits.string);
    const start = this.take(length);
    return this.#bytes.slice(start, this.at);
  }

  text(length: number): string {
    const text = decodeUtf8(this.bytes(length));
    if (text === undefined) throw malformed(this.#where, "a string in the pickle is not UTF-8");
    return text;
  }

  /** A signed little-endian integer of `length` bytes. */
  integer(length: number): number | bigint {
    if (length > this.#limits.integer)
      throw overLimit(this.#where, "the length of an integer in the pickle", length, this.#limits.integer);
    const bytes = this.bytes(length);
    // The conversion goes through text: shifting a BigInt byte by byte takes quadratic time.
    const digits = Array.from(bytes.reverse(), (byte) => byte.toString(16).padStart(2, "0")).join("");
    const value = BigInt.asIntN(8 * length, BigInt(`0x0${digits}`));
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  /** The text up to a newline, which is skipped. */
  line(): string {
    const most = this.#limits.globalName;
    const end = this.#bytes.subarray(this.at, this.at + most + 1).indexOf(NEWLINE);
    if (end === -1) {
      if (this.#bytes.length - this.at <= most) throw new OutOfBytes();
      throw overLimit(this.#where, "the length of a name in the pickle", `over ${most}`, most);
    }
    const text = this.text(end);
    this.take(1);
    return text;
  }
}

/** The value that an opcode encodes by itself, including empty containers; undefined for other opcodes. */
export function readLiteral(opcode: number, cursor: PickleCursor): PickleValue | undefined {
  switch (opcode) {
    case OP.NONE:
      return null;
    case OP.NEWTRUE:
      return true;
    case OP.NEWFALSE:
      return false;
    case OP.BININT:
      return cursor.int32();
    case OP.BININT1:
      return cursor.uint8();
    case OP.BININT2:
      return cursor.uint16();
    case OP.LONG1:
      return cursor.integer(cursor.uint8());
    case OP.LONG4:
      return cursor.integer(cursor.uint32());
    case OP.BINFLOAT:
      return cursor.float64();
    case OP.SHORT_BINUNICODE:
    case OP.SHORT_BINSTRING:
      return cursor.text(cursor.uint8());
    case OP.BINUNICODE:
    case OP.BINSTRING:
      return cursor.text(cursor.uint32());
    case OP.BINUNICODE8:
      return cursor.text(cursor.uint64());
    case OP.SHORT_BINBYTES:
      return cursor.bytes(cursor.uint8());
    case OP.BINBYTES:
      return cursor.bytes(cursor.uint32());
    case OP.BINBYTES8:
    case OP.BYTEARRAY8:
      return cursor.bytes(cursor.uint64());
    case OP.EMPTY_LIST:
      return new PickleList();
    case OP.EMPTY_TUPLE:
      return new PickleTuple([]);
    case OP.EMPTY_DICT:
      return new PickleDict();
    case OP.EMPTY_SET:
      return new PickleSet();
    default:
      return undefined;
  }
}
