// The sources of a data set's rows: one file, several shards, or a folder of images with texts.
import { ungzipped } from "./bytes/streams.ts";
import { decodeText } from "./bytes/decode-text.ts";
import { depthOf, parseRecord, type JsonRecord } from "./bytes/json-pieces.ts";
import { badRow, tooDeep, tooLong, unsupported } from "./errors.ts";
import type { Bytes, DataFile } from "./files.ts";
import type { DatasetLimits } from "./limits.ts";
import { wholeFile, type Place } from "./place.ts";
import { csvRows, delimiterOf, type CsvRecords } from "./records/csv.ts";
import { openParquet, parquetRows, type ParquetFile } from "./records/parquet.ts";
import { jsonLineRows, jsonListRows, type RawRow } from "./records/raw-row.ts";
import { shardRows } from "./records/webdataset.ts";
import type { ContainerName } from "./options.ts";
import { imageEnding, InputError, must, unreadEndings, type Warning } from "@blip-ts/base";

export interface RowSource {
  readonly container: ContainerName;
  /** A description for messages. */
  readonly what: string;
  readonly name: string;
  readonly root: string;
  /** The names of the columns, if they are known before any row is read. */
  readonly columns?: readonly string[];
  /** The rows from the start. `needed`: the columns that will be used. */
  rows(needed: readonly string[] | undefined): AsyncIterable<RawRow>;
  /** Each file of shards or Parquet separately. Together they have the same rows. */
  readonly parts?: readonly RowPart[];
  /** What was left out when the source was opened. Default: nothing. */
  readonly warnings?: readonly Warning[];
}

/** One file of a source. */
export interface RowPart extends Pick<RowSource, "name" | "rows"> {
  /** In bytes. */
  readonly size?: number | undefined;
}

export const bytesOf = (file: DataFile): Bytes => ungzipped(file.name, file.stream());

export const jsonListSource = (file: DataFile, limits: DatasetLimits): RowSource => ({
  container: "json",
  what: "a JSON list",
  name: file.name,
  root: file.root,
  rows: () => jsonListRows(file.name, bytesOf(file), limits),
});

export const jsonLinesSource = (file: DataFile, limits: DatasetLimits): RowSource => ({
  container: "jsonl",
  what: "JSON lines",
  name: file.name,
  root: file.root,
  rows: () => jsonLineRows(file.name, bytesOf(file), limits),
});

/** @throws {InputError} `dataset/unsupported` if the platform has no CSV parser */
export function csvSource(
  file: DataFile,
  firstLine: string,
  limits: DatasetLimits,
  parse: CsvRecords | undefined,
): RowSource {
  if (parse === undefined)
    throw unsupported(wholeFile(file.name), "JSON, Parquet or a shard", "CSV", "Convert it to JSON lines.");
  const delimiter = delimiterOf(firstLine);
  return {
    container: "csv",
    what: delimiter === "\t" ? "TSV" : "CSV",
    name: file.name,
    root: file.root,
    rows: () => csvRows(file.name, bytesOf(file), { delimiter, rowBytes: limits.rowBytes }, parse),
  };
}

export function shardSource(
  name: string,
  files: readonly DataFile[],
  limits: DatasetLimits,
  others = false,
): RowSource {
  const parts = files.map((file) => ({
    ...{ name: file.name, size: file.size },
    rows: () => shardRows(file.name, bytesOf(file), limits, others),
  }));
  return {
    container: "webdataset",
    what: files.length === 1 ? "a webdataset shard" : `${files.length} webdataset shards`,
    name,
    root: must(files, 0).root,
    async *rows() {
      for (const part of parts) yield* part.rows();
    },
    parts,
  };
}

/** @throws {InputError} if the first file is not Parquet; the other files are opened when they are read */
export async function parquetSource(
  name: string,
  files: readonly DataFile[],
  limits: DatasetLimits,
): Promise<RowSource> {
  const [first, ...others] = files;
  if (first === undefined) throw badRow(wholeFile(name), "a Parquet file", "none");
  const opened = await openParquet(first, limits);
  const parts = [first, ...others].map((file) => ({
    ...{ name: file.name, size: file.size },
    async *rows(needed: readonly string[] | undefined) {
      const table = file === first ? opened : await openParquet(file, limits);
      yield* parquetRows(table, neededOf(table, needed), limits);
    },
  }));
  return {
    container: "parquet",
    what: files.length === 1 ? "a Parquet file" : `${files.length} Parquet files`,
    name,
    root: first.root,
    columns: opened.columns,
    async *rows(needed) {
      for (const part of parts) yield* part.rows(needed);
    },
    parts,
  };
}

/** The columns to read from a file. If a shard lacks a column, its rows lack the field. */
const neededOf = (file: ParquetFile, needed: readonly string[] | undefined) =>
  needed === undefined ? file.columns : file.columns.filter((column) => needed.includes(column));

const textSuffixes = [".txt", ".caption"];
const stemOf = (path: string) => path.replace(/\.[^./]+$/, "");

/** The files beside images, by their paths without extensions. */
export interface Sidecars {
  readonly texts: ReadonlyMap<string, DataFile>;
  /** JSON files whose fields become columns, as img2dataset writes them. If present, an image may have no text. */
  readonly records?: ReadonlyMap<string, DataFile>;
}

/** A folder of images with text files beside them. Each line that is not blank is a text. */
export function imageFolderSource(
  name: string,
  root: string,
  images: readonly DataFile[],
  beside: Sidecars,
  limits: DatasetLimits,
): RowSource {
  return {
    container: "image-folder",
    what: "a folder of images with texts beside them",
    name,
    root,
    columns: ["image", "caption"],
    async *rows() {
      for (const image of images) yield await folderRow(image, beside, limits);
    },
  };
}

async function folderRow(
  image: DataFile,
  { texts, records }: Sidecars,
  limits: DatasetLimits,
): Promise<RawRow> {
  const place: Place = wholeFile(image.name);
  const text = texts.get(stemOf(image.path));
  const json = records?.get(stemOf(image.path));
  try {
    if (records !== undefined) {
      const fields = json === undefined ? {} : await recordOf(json, limits);
      const captions = text === undefined ? {} : { caption: await linesOf(text, limits) };
      return { place, record: { ...fields, image: image.path, ...captions } };
    }
    if (text === undefined)
      throw badRow(place, "a .txt or .caption file of the same name beside the image", "none", "Write one.");
    return { place, record: { image: image.path, caption: await linesOf(text, limits) } };
  } catch (error) {
    if (error instanceof InputError) return { place, error };
    throw error;
  }
}

async function recordOf(file: DataFile, limits: DatasetLimits): Promise<JsonRecord> {
  const place = wholeFile(file.name);
  if (file.size > limits.rowBytes) throw tooLong(place, "a JSON file", limits.rowBytes);
  const text = decodeText(place, await file.read(0, file.size)).replace(/^\uFEFF/, "");
  if (depthOf(text) > limits.depth) throw tooDeep(place, limits.depth);
  return parseRecord(place, text);
}

async function linesOf(file: DataFile, limits: DatasetLimits): Promise<readonly string[]> {
  const place = wholeFile(file.name);
  if (file.size > limits.rowBytes) throw tooLong(place, "a text file", limits.rowBytes);
  const text = decodeText(place, await file.read(0, file.size)).replace(/^\uFEFF/, "");
  const lines = text.split("\n").map((line) => line.trim());
  const found = lines.filter((line) => line !== "");
  if (found.length === 0) throw badRow(place, "a text", "an empty file");
  return found;
}

/** Whether a file is an image by its name. The row of an image that cannot be decoded fails, so no loss is unseen. */
export const isImagePath = (path: string): boolean =>
  imageEnding.test(path) || unreadEndings.some(([, ending]) => ending.test(path));

export function sidecars(
  files: readonly DataFile[],
  suffixes: readonly string[] = textSuffixes,
): Map<string, DataFile> {
  const found = new Map<string, DataFile>();
  for (const suffix of suffixes)
    for (const file of files)
      if (file.path.toLowerCase().endsWith(suffix) && !found.has(stemOf(file.path)))
        found.set(stemOf(file.path), file);
  return found;
}

export const stem = stemOf;
