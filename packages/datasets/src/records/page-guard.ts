// Checks the pages of a Parquet column before hyparquet decodes them. The number of values, the sizes and the runs of
// levels determine how much hyparquet allocates and loops (https://github.com/apache/parquet-format, Encodings.md).
import { must } from "@blip-ts/base";
import { GuardError, GuardLimit, ThriftWalk, type ThriftStruct } from "./thrift-guard.ts";

export type Decompress = (bytes: Uint8Array, length: number) => Uint8Array;

export interface ColumnShape {
  readonly codec: string;
  /** The number of values in the column chunk according to the footer, including repeated and missing ones. */
  readonly values: number;
  readonly maxRepetition: number;
  readonly maxDefinition: number;
  readonly isBoolean: boolean;
}

/** The limit of the decompressed pages of a chunk, in bytes. */
export interface PageLimits {
  readonly bytes: number;
}

const number = (struct: ThriftStruct, field: number): number => {
  const value = struct[field];
  return typeof value === "number" ? value : 0;
};

const sub = (struct: ThriftStruct, field: number): ThriftStruct => {
  const value = struct[field];
  if (typeof value === "object") return value;
  throw new GuardError("a page without its header");
};

/** The encodings, by Parquet's numbers, that hyparquet decodes within bounds. */
const plain = 0;
const dictionary = new Set([2, 8]);
const runLength = 3;
const bounded = new Set([5, 6]);

const bitWidth = (value: number) => 32 - Math.clz32(value);

/**
 * Checks all pages of a chunk. Returns their decompressed size in bytes.
 * @throws {GuardError} if a page is invalid or exceeds the limit
 */
export function checkPages(
  chunk: Uint8Array,
  shape: ColumnShape,
  limits: PageLimits,
  decompress: Decompress,
): number {
  let offset = 0;
  let values = 0;
  let bytes = 0;
  // hyparquet also stops before the last byte.
  while (offset < chunk.length - 1 && values < shape.values) {
    const walk = new ThriftWalk(chunk, offset);
    const header = walk.struct();
    const size = number(header, 3);
    const length = number(header, 2);
    if (size < 0 || size > chunk.length - walk.offset)
      throw new GuardError("a page that ends after its column");
    bytes += length;
    if (length < 0) throw new GuardError("a page of negative size");
    if (bytes > limits.bytes) throw new GuardLimit(bytes);
    const page = chunk.subarray(walk.offset, walk.offset + size);
    values += checkPage(header, page, length, { ...shape, values: shape.values - values }, decompress);
    offset = walk.offset + size;
  }
  if (values !== shape.values) throw new GuardError(`a column of ${shape.values} values has ${values}`);
  return bytes;
}

/** Checks a page. Returns its number of values. */
function checkPage(
  header: ThriftStruct,
  page: Uint8Array,
  length: number,
  shape: ColumnShape,
  decompress: Decompress,
): number {
  switch (number(header, 1)) {
    case 0:
      return checkDataPage(sub(header, 5), decompress(page, length), shape);
    case 2: {
      const entries = number(sub(header, 7), 1);
      // A dictionary entry has at least four bytes; booleans have none.
      if (entries < 0 || entries > length)
        throw new GuardError(`a dictionary of ${entries} entries in ${length} bytes`);
      return 0;
    }
    case 3:
      return checkDataPage2(sub(header, 8), page, length, shape, decompress);
    default:
      throw new GuardError("a page of an unknown kind");
  }
}

function countOf(count: number, shape: ColumnShape): number {
  if (count < 0 || count > shape.values)
    throw new GuardError(`a page of ${count} values, with ${shape.values} left`);
  return count;
}

function checkDataPage(header: ThriftStruct, page: Uint8Array, shape: ColumnShape): number {
  const count = countOf(number(header, 1), shape);
  let offset = 0;
  for (const level of [shape.maxRepetition, shape.maxDefinition]) {
    if (level === 0) continue;
    const length = uint32(page, offset);
    offset += 4;
    if (length > page.length - offset) throw new GuardError("levels that end after their page");
    checkRuns(page.subarray(offset, offset + length), bitWidth(level), count);
    offset += length;
  }
  checkValues(number(header, 2), page.subarray(offset), count, shape);
  return count;
}

function checkDataPage2(
  header: ThriftStruct,
  page: Uint8Array,
  length: number,
  shape: ColumnShape,
  decompress: Decompress,
): number {
  const count = countOf(number(header, 1), shape);
  const nulls = number(header, 2);
  if (nulls < 0 || nulls > count) throw new GuardError(`a page of ${count} values, ${nulls} of them missing`);
  const definition = number(header, 5);
  const repetition = number(header, 6);
  if (
    definition < 0 ||
    repetition < 0 ||
    definition + repetition > page.length ||
    definition + repetition > length
  )
    throw new GuardError("levels that end after their page");
  if (shape.maxRepetition > 0) checkRuns(page.subarray(0, repetition), bitWidth(shape.maxRepetition), count);
  if (shape.maxDefinition > 0)
    checkRuns(page.subarray(repetition, repetition + definition), bitWidth(shape.maxDefinition), count);
  const rest = page.subarray(repetition + definition);
  const size = length - repetition - definition;
  // Field 7 of the struct is absent if the page is compressed.
  const values = header[7] === 0 || size === 0 ? rest : decompress(rest, size);
  checkValues(number(header, 4), values, count - nulls, shape);
  return count;
}

function checkValues(encoding: number, values: Uint8Array, count: number, shape: ColumnShape): void {
  if (encoding === plain || bounded.has(encoding)) return;
  if (dictionary.has(encoding)) {
    if (count === 0 && values.length === 0) return;
    const width = values.length === 0 ? 0 : must(values, 0);
    if (width > 32) throw new GuardError(`a dictionary's indices of ${width} bits`);
    if (width > 0) checkRuns(values.subarray(1), width, count, true);
    return;
  }
  if (encoding === runLength && shape.isBoolean) {
    // hyparquet reads the length from the first four bytes, or the first byte as a width.
    checkRuns(values.subarray(4), 1, count, true);
    return;
  }
  throw new GuardError(
    `values in the unsupported encoding ${encoding} (write the file with pyarrow's defaults)`,
  );
}

const uint32 = (bytes: Uint8Array, offset: number): number => {
  if (offset + 4 > bytes.length) throw new GuardError("a page that ends too early");
  return new DataView(bytes.buffer, bytes.byteOffset + offset, 4).getUint32(0, true);
};

/**
 * Checks runs of equal or packed values. Their total must equal the number of values; the last packed run may be up to
 * 8 longer.
 * @param short whether missing values may leave fewer than `count`
 */
function checkRuns(bytes: Uint8Array, width: number, count: number, short = false): void {
  const walk = new ThriftWalk(bytes, 0);
  let seen = 0;
  while (seen < count && walk.offset < bytes.length) {
    const head = walk.varint();
    const packed = head % 2 === 1;
    const run = packed ? Math.floor(head / 2) * 8 : head / 2;
    if (run === 0) throw new GuardError("an empty run");
    // Writers may pad the last packed run; hyparquet reads its values one by one.
    if (seen + run > count + (packed ? 504 : 0))
      throw new GuardError(`a run of ${run} values, with ${count - seen} left`);
    const length = packed ? (run / 8) * width : Math.ceil(width / 8);
    // The last packed run may be cut to the bytes that it needs.
    if (length > bytes.length - walk.offset && !(packed && seen + run >= count))
      throw new GuardError("a run that ends after its page");
    walk.offset += length;
    seen += run;
  }
  if (seen < count && !short) throw new GuardError(`${count} levels, of which only ${seen} exist`);
}
