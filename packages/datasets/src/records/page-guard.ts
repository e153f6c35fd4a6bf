// Pages of a Parquet column, looked at before hyparquet decodes them: their number of values, their sizes and the runs
// of their levels are what it allocates and loops by (https://github.com/apache/parquet-format, Encodings.md).
import { must } from "@blip-ts/base";
import { GuardError, GuardLimit, ThriftWalk, type ThriftStruct } from "./thrift-guard.ts";

export type Decompress = (bytes: Uint8Array, length: number) => Uint8Array;

export interface ColumnShape {
  readonly codec: string;
  /** Values of the column chunk by the footer, repeated and missing ones included. */
  readonly values: number;
  readonly maxRepetition: number;
  readonly maxDefinition: number;
  readonly isBoolean: boolean;
}

/** Bytes of the chunk's pages, decompressed. */
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

/** Encodings by Parquet's numbers, of those that hyparquet decodes within bounds. */
const plain = 0;
const dictionary = new Set([2, 8]);
const runLength = 3;
const bounded = new Set([5, 6]);

const bitWidth = (value: number) => 32 - Math.clz32(value);

/**
 * Walks over all pages of a chunk. Returns the bytes that they take, decompressed.
 * @throws {GuardError}
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
  // hyparquet stops before the last byte as well.
  while (offset < chunk.length - 1 && values < shape.values) {
    const walk = new ThriftWalk(chunk, offset);
    const header = walk.struct();
    const size = number(header, 3);
    const length = number(header, 2);
    if (size < 0 || size > chunk.length - walk.offset)
      throw new GuardError("a page that ends behind its column");
    bytes += length;
    if (length < 0) throw new GuardError("a page of no size");
    if (bytes > limits.bytes) throw new GuardLimit(bytes);
    const page = chunk.subarray(walk.offset, walk.offset + size);
    values += checkPage(header, page, length, { ...shape, values: shape.values - values }, decompress);
    offset = walk.offset + size;
  }
  if (values !== shape.values) throw new GuardError(`a column of ${shape.values} values has ${values}`);
  return bytes;
}

/** How many values the page has. */
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
      // A dictionary has four bytes for an entry at least, or none at all for booleans.
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
    throw new GuardError(`a page of ${count} values, of ${shape.values} that are left`);
  return count;
}

function checkDataPage(header: ThriftStruct, page: Uint8Array, shape: ColumnShape): number {
  const count = countOf(number(header, 1), shape);
  let offset = 0;
  for (const level of [shape.maxRepetition, shape.maxDefinition]) {
    if (level === 0) continue;
    const length = uint32(page, offset);
    offset += 4;
    if (length > page.length - offset) throw new GuardError("levels that end behind their page");
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
    throw new GuardError("levels that end behind their page");
  if (shape.maxRepetition > 0) checkRuns(page.subarray(0, repetition), bitWidth(shape.maxRepetition), count);
  if (shape.maxDefinition > 0)
    checkRuns(page.subarray(repetition, repetition + definition), bitWidth(shape.maxDefinition), count);
  const rest = page.subarray(repetition + definition);
  const size = length - repetition - definition;
  // A struct's field 7 is absent if the page is compressed.
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
    // The library reads the length from the first four bytes, or takes the first for a width.
    checkRuns(values.subarray(4), 1, count, true);
    return;
  }
  throw new GuardError(
    `values in encoding ${encoding}, which is not read (write the file with pyarrow's defaults)`,
  );
}

const uint32 = (bytes: Uint8Array, offset: number): number => {
  if (offset + 4 > bytes.length) throw new GuardError("a page that ends too early");
  return new DataView(bytes.buffer, bytes.byteOffset + offset, 4).getUint32(0, true);
};

/**
 * Runs of equal or packed values: together as many as there are values, the last packed run up to 8 more.
 * @param short whether missing values leave fewer than `count`
 */
function checkRuns(bytes: Uint8Array, width: number, count: number, short = false): void {
  const walk = new ThriftWalk(bytes, 0);
  let seen = 0;
  while (seen < count && walk.offset < bytes.length) {
    const head = walk.varint();
    const packed = head % 2 === 1;
    const run = packed ? Math.floor(head / 2) * 8 : head / 2;
    if (run === 0) throw new GuardError("an empty run");
    // Writers may pad the last packed run; the library reads its values one by one.
    if (seen + run > count + (packed ? 504 : 0))
      throw new GuardError(`a run of ${run} values, of ${count - seen} that are left`);
    const length = packed ? (run / 8) * width : Math.ceil(width / 8);
    // The last packed run may be cut to the bytes that it needs.
    if (length > bytes.length - walk.offset && !(packed && seen + run >= count))
      throw new GuardError("a run that ends behind its page");
    walk.offset += length;
    seen += run;
  }
  if (seen < count && !short) throw new GuardError(`${count} levels, of which ${seen} are there`);
}
