// Reads Parquet in the layout of the Hub's data sets: an image column of {bytes, path}, texts, lists. One row group is
// read at a time, and only the needed columns. hyparquet decodes data that the guards have checked.
import { InputError, must } from "@blip-ts/base";
import {
  parquetMetadata,
  parquetReadObjects,
  parquetSchema,
  type AsyncBuffer,
  type ColumnMetaData,
  type Compressors,
  type FileMetaData,
  type RowGroup,
  type SchemaTree,
} from "hyparquet";
import { compressors as codecs, decompressZstd } from "hyparquet-compressors";
import { messageOf } from "../bytes/errors-of.ts";
import { damaged, tooLarge, truncated, unsupported } from "../errors.ts";
import type { DataFile } from "../files.ts";
import type { DatasetLimits } from "../limits.ts";
import { wholeFile, type Place } from "../place.ts";
import { checkPages, type ColumnShape, type Decompress } from "./page-guard.ts";
import type { RawRow } from "./raw-row.ts";
import { GuardLimit, ThriftWalk } from "./thrift-guard.ts";

export interface ParquetFile {
  readonly file: DataFile;
  readonly metadata: FileMetaData;
  /** The names of the columns; for nested columns, the first part of the name. */
  readonly columns: readonly string[];
  readonly rows: number;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const parsers = { stringFromBytes: (bytes: Uint8Array | undefined) => bytes && decoder.decode(bytes) };

/** Decompresses zstd. The data states its own size, which hyparquet would trust. */
function zstd(bytes: Uint8Array, length: number): Uint8Array {
  // Bytes after the end count as zeros: the decompressor reports truncated data.
  const byteAt = (index: number) => (index < bytes.length ? must(bytes, index) : 0);
  const flags = byteAt(4);
  const sizeBytes = flags >> 6 === 0 ? (flags >> 5) & 1 : 1 << (flags >> 6);
  const idBytes = must([0, 1, 2, 4], flags & 3);
  const at = 6 - ((flags >> 5) & 1) + idBytes;
  let size = sizeBytes === 2 ? 256 : 0;
  for (let index = 0; index < sizeBytes; index++) size += byteAt(at + index) * 256 ** index;
  if (sizeBytes > 0 && size !== length)
    throw new Error(`zstd data of ${size} bytes, of ${length} that the page has`);
  return decompressZstd(bytes, new Uint8Array(length));
}

function codec(name: "SNAPPY" | "GZIP" | "BROTLI" | "LZ4_RAW"): Decompress {
  const found = codecs[name];
  if (found === undefined) throw new Error(`hyparquet-compressors has no ${name}`);
  return found;
}

/** LZO and Hadoop's old LZ4 are not supported. */
const compressors: Compressors = {
  SNAPPY: codec("SNAPPY"),
  GZIP: codec("GZIP"),
  BROTLI: codec("BROTLI"),
  LZ4_RAW: codec("LZ4_RAW"),
  ZSTD: zstd,
};

/** @throws {InputError} `dataset/damaged`, `dataset/truncated`, `dataset/too-large` */
export async function openParquet(file: DataFile, limits: DatasetLimits): Promise<ParquetFile> {
  const place: Place = wholeFile(file.name);
  if (file.size < 12) throw truncated(place, "a Parquet file");
  const tail = await file.read(file.size - 8, 8);
  if (String.fromCharCode(...tail.subarray(4)) !== "PAR1")
    throw truncated(place, 'a Parquet file that ends with "PAR1"');
  const length = new DataView(tail.buffer, tail.byteOffset).getUint32(0, true);
  if (length > file.size - 12) throw damaged(place, "a Parquet file", `a footer of ${length} bytes`);
  if (length > limits.footerBytes)
    throw tooLarge(place, "the bytes of the footer", length, limits.footerBytes, "footerBytes");
  const footer = await file.read(file.size - 8 - length, length + 8);
  return guarded(file, () => {
    new ThriftWalk(footer.subarray(0, length), 0).struct();
    const metadata = parquetMetadata(footer, { geoparquet: false });
    const columns = parquetSchema(metadata).children.map(({ element }) => element.name);
    return { file, metadata, columns, rows: Number(metadata.num_rows) };
  });
}

/** Converts all errors of hyparquet to errors of the file. */
function guarded<T>(file: DataFile, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw parquetError(file, error);
  }
}

const parquetError = (file: DataFile, error: unknown): InputError =>
  error instanceof InputError
    ? error
    : damaged(wholeFile(file.name), "a Parquet file", messageOf(error), error);

/**
 * Yields rows with the named columns.
 * @throws {InputError} `dataset/damaged`, `dataset/too-large`, `dataset/unsupported`
 */
export async function* parquetRows(
  { file, metadata }: ParquetFile,
  columns: readonly string[],
  limits: DatasetLimits,
): AsyncGenerator<RawRow> {
  let row = 0;
  for (const group of metadata.row_groups) {
    const rows = await readGroup(file, metadata, group, columns, limits);
    for (const record of rows) yield { place: { file: file.name, unit: "row", at: row++ }, record };
  }
}

async function readGroup(
  file: DataFile,
  metadata: FileMetaData,
  group: RowGroup,
  columns: readonly string[],
  limits: DatasetLimits,
): Promise<readonly Record<string, unknown>[]> {
  const chunks = await readChunks(file, metadata, group, columns, limits);
  const buffer: AsyncBuffer = {
    byteLength: file.size,
    slice: (start, end = file.size) => bytesOf(chunks, start, end),
  };
  try {
    return await parquetReadObjects({
      file: buffer,
      metadata: { ...metadata, row_groups: [group], num_rows: group.num_rows },
      columns: [...columns],
      compressors,
      parsers,
      // Bytes without a text type are image bytes.
      utf8: false,
    });
  } catch (error) {
    throw parquetError(file, error);
  }
}

interface Chunk {
  readonly start: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Returns the requested bytes. hyparquet may request neighbouring chunks together. */
function bytesOf(chunks: readonly Chunk[], start: number, end: number): ArrayBuffer {
  const only = chunks.find((chunk) => chunk.start === start && chunk.bytes.length === end - start);
  if (only !== undefined && only.bytes.length === only.bytes.buffer.byteLength) return only.bytes.buffer;
  const whole = new Uint8Array(end - start);
  for (const { start: at, bytes } of chunks) {
    const from = Math.max(at, start);
    const to = Math.min(at + bytes.length, end);
    if (from < to) whole.set(bytes.subarray(from - at, to - at), from - start);
  }
  return whole.buffer;
}

/** Reads the bytes of the needed columns and checks each page. */
async function readChunks(
  file: DataFile,
  metadata: FileMetaData,
  group: RowGroup,
  columns: readonly string[],
  limits: DatasetLimits,
): Promise<readonly Chunk[]> {
  const tree = guarded(file, () => parquetSchema(metadata));
  const chunks: Chunk[] = [];
  let left = limits.rowGroupBytes;
  for (const { meta_data: meta, file_path: path } of group.columns) {
    if (meta === undefined || path !== undefined)
      throw unsupported(
        wholeFile(file.name),
        "a Parquet file that contains its own columns, unencrypted",
        path ?? "none",
        "Write it as one file.",
      );
    const [column] = meta.path_in_schema;
    if (column === undefined || !columns.includes(column)) continue;
    const { start, length } = chunkRange(file, meta, limits);
    const used = limits.rowGroupBytes - left;
    if (length > left) throw groupTooLarge(file, used + length, limits);
    const bytes = await file.read(start, length);
    const shape = guarded(file, () => shapeOf(meta, group, tree, limits, file));
    const decompress = decompressorOf(file, meta);
    const pages = pageBytes(file, used, limits, () => checkPages(bytes, shape, { bytes: left }, decompress));
    left -= Math.max(length, pages);
    chunks.push({ start, bytes });
  }
  return chunks;
}

const groupTooLarge = (file: DataFile, bytes: number, limits: DatasetLimits) =>
  tooLarge(
    wholeFile(file.name),
    "the bytes of a row group's columns",
    bytes,
    limits.rowGroupBytes,
    "rowGroupBytes",
  );

/** @throws {InputError} `dataset/too-large`, `dataset/damaged` */
function pageBytes(file: DataFile, used: number, limits: DatasetLimits, check: () => number): number {
  try {
    return check();
  } catch (error) {
    if (error instanceof GuardLimit) throw groupTooLarge(file, used + error.size, limits);
    throw parquetError(file, error);
  }
}

/** The byte range of a column chunk, computed in the same way as hyparquet does. */
function chunkRange(
  file: DataFile,
  meta: ColumnMetaData,
  limits: DatasetLimits,
): { start: number; length: number } {
  const start = Number(
    meta.dictionary_page_offset === 0n
      ? meta.data_page_offset
      : (meta.dictionary_page_offset ?? meta.data_page_offset),
  );
  const length = Number(meta.total_compressed_size);
  const place: Place = wholeFile(file.name);
  if (!(start >= 0 && length >= 0 && start + length <= file.size))
    throw damaged(place, "a Parquet file", "a column beyond the end of the file");
  if (length > limits.rowGroupBytes) throw groupTooLarge(file, length, limits);
  return { start, length };
}

function decompressorOf(file: DataFile, meta: ColumnMetaData): Decompress {
  if (meta.codec === "UNCOMPRESSED") return (bytes: Uint8Array) => bytes;
  const found = compressors[meta.codec];
  if (found === undefined)
    throw unsupported(
      wholeFile(file.name),
      "columns compressed by snappy, gzip, brotli, zstd or LZ4_RAW, or not at all",
      meta.codec,
      "Write the file again with one of these.",
    );
  return found;
}

function shapeOf(
  meta: ColumnMetaData,
  group: RowGroup,
  tree: SchemaTree,
  limits: DatasetLimits,
  file: DataFile,
): ColumnShape {
  const values = Number(meta.num_values);
  const rows = Number(group.num_rows);
  const most = limits.columnValues;
  if (values > most || rows > most)
    throw tooLarge(
      wholeFile(file.name),
      "the values of a column",
      Math.max(values, rows),
      most,
      "columnValues",
    );
  const path = pathOf(tree, meta.path_in_schema);
  const repeated = path.filter(({ repetition_type: kind }) => kind === "REPEATED").length;
  if (values < 0 || rows < 0 || (repeated === 0 && values !== rows))
    throw damaged(wholeFile(file.name), "a Parquet file", `a column of ${values} values in ${rows} rows`);
  return {
    codec: meta.codec,
    values,
    maxRepetition: repeated,
    maxDefinition: path.filter(({ repetition_type: kind }) => kind !== "REQUIRED").length,
    isBoolean: meta.type === "BOOLEAN",
  };
}

/** The schema's elements on the path from the root (excluded) to the column. */
function pathOf(tree: SchemaTree, names: readonly string[]) {
  const path = [];
  let node = tree;
  for (const name of names) {
    const child = node.children.find(({ element }) => element.name === name);
    if (child === undefined) throw new Error(`expected a column ${name}, got none`);
    path.push(child.element);
    node = child;
  }
  return path;
}
