// Rows of images and texts for a command (`--pairs FILE`, or standard input): JSON lines, a JSON list, CSV or TSV. An
// invalid row is an error in its place, and reading continues. Other fields pass through unchanged.
import { InputError } from "@blip-ts/base";
import { peek, ungzipped } from "./bytes/streams.ts";
import { badOption, badRow, keysOf, unknownFormat, unsupported, wrongFormat } from "./errors.ts";
import type { ImageSource } from "./examples.ts";
import type { Bytes } from "./files.ts";
import { defaultLimits, type DatasetLimits } from "./limits.ts";
import { wholeFile, type Place } from "./place.ts";
import { csvRows, delimiterOf, type CsvRecords } from "./records/csv.ts";
import { jsonLineRows, jsonListRows, type RawRow } from "./records/raw-row.ts";
import { Row, type RowContext } from "./row.ts";
import { sniffFile, type SniffedFile } from "./sniff.ts";

/** The allowed number of items per row. */
export interface Count {
  readonly min: number;
  readonly max: number;
}

/** Alternative columns: the first one that a row has is used, and the others pass through. */
export interface FirstColumn {
  readonly firstOf: readonly string[];
}

export type PairsFormat = "jsonl" | "json" | "csv";

export interface PairsOptions {
  /** The file, or "standard input"; for messages. */
  readonly name: string;
  /** Default: detected from the content. */
  readonly format?: PairsFormat;
  /** The allowed numbers of images and texts. Default: exactly 1 of each. */
  readonly images?: Count;
  readonly texts?: Count;
  /** The columns of images and texts, if their names are not the usual ones. */
  readonly imageColumns?: readonly string[];
  readonly textColumns?: readonly string[] | FirstColumn;
  /** The base folder of relative image paths. Default: "", the caller's own folder. */
  readonly imageRoot?: string;
  /** Accepts absolute paths and "..", for a list that the user wrote. Default: false. */
  readonly allowOutside?: boolean;
  readonly limits?: Partial<Pick<DatasetLimits, "rowBytes" | "depth">>;
}

export interface PairRow {
  /** The row's number from 0, counting invalid rows. */
  readonly row: number;
  readonly place: Place;
  readonly images: readonly ImageSource[];
  readonly texts: readonly string[];
  /** All other fields of the row. */
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface PairError {
  readonly row: number;
  readonly place: Place;
  readonly error: InputError;
  /** The row's fields, if the row could be parsed. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** Single columns, then pairs of columns whose values form one pair in this order. */
const imageColumns = ["images", "image", "image_path", "file_name", "filename", "path", "url"];
const imagePairs = [
  ["image_0", "image_1"],
  ["image0", "image1"],
  ["image1", "image2"],
  ["image_1", "image_2"],
  ["left", "right"],
  ["left_image", "right_image"],
];
const textColumns = ["text", "texts", "caption", "captions", "question", "statement", "sentence", "prompt"];
const one: Count = { min: 1, max: 1 };

/**
 * Yields rows in the file's order, each with its images and texts, or with its error.
 * @param csv the platform's CSV parser
 * @throws {InputError} if no further row can be read: `dataset/unknown-format`, `dataset/encoding`,
 * `dataset/truncated`, `dataset/bad-json`
 * @throws {UsageError} `dataset/bad-option`
 */
export async function* pairRows(
  bytes: Bytes,
  options: PairsOptions,
  csv: CsvRecords | undefined,
): AsyncGenerator<PairRow | PairError> {
  for (const [name, count] of Object.entries({ images: options.images ?? one, texts: options.texts ?? one }))
    if (!(Number.isInteger(count.min) && count.min >= 0 && count.max >= count.min && count.max > 0))
      throw badOption(
        name,
        "a min of at least 0 and a max of at least the min",
        `${count.min} to ${count.max}`,
      );
  const limits = { ...defaultLimits, ...options.limits };
  const context: RowContext = {
    limits,
    columns: {},
    allowOutside: options.allowOutside ?? false,
    root: () => options.imageRoot ?? "",
  };
  let row = 0;
  for await (const raw of await rawRows(bytes, options, limits, csv))
    yield pairOf(raw, row++, options, context);
  if (row === 0)
    throw badRow(wholeFile(options.name), "at least one row", "none", "Give a row with an image and a text.");
}

/**
 * Whether the bytes contain a complete line. Rows of a slow stream are processed as they arrive, so detection waits
 * only for the first line.
 */
function hasLine(head: Uint8Array): boolean {
  const first = head.findIndex((byte) => byte > 32);
  return first >= 0 && head.includes(10, first);
}

async function rawRows(
  bytes: Bytes,
  { name, format }: PairsOptions,
  limits: DatasetLimits,
  csv: CsvRecords | undefined,
): Promise<AsyncIterable<RawRow>> {
  const { head, whole, bytes: all } = await peek(ungzipped(name, bytes), limits.rowBytes, hasLine);
  const close = () => all[Symbol.asyncIterator]().return?.();
  try {
    const sniffed = sniffFile(name, head, whole);
    const container = sniffed.container;
    const isDocument = container === "json" && sniffed.top === "object";
    if ((container !== "json" && container !== "jsonl" && container !== "csv") || isDocument)
      throw unknownFormat(name, "pairs", foundWords(sniffed, isDocument), pairForms);
    if (format !== undefined && format !== container)
      throw wrongFormat(name, format, "from the option", `a file that starts like ${container}`);
    if (container === "json") return jsonListRows(name, all, limits);
    if (container === "jsonl") return jsonLineRows(name, all, limits);
    if (csv === undefined)
      throw unsupported(wholeFile(name), "JSON lines or a JSON list", "CSV", "Convert it to JSON lines.");
    const delimiter = delimiterOf(sniffed.firstLine);
    return csvRows(name, all, { delimiter, rowBytes: limits.rowBytes }, csv);
  } catch (error) {
    await close();
    throw error;
  }
}

const pairForms = [
  "JSON lines (one object per line)",
  "a JSON list of objects",
  "CSV or TSV with a header line",
];

function foundWords(sniffed: SniffedFile, isDocument: boolean): string {
  if (sniffed.container === "unknown") return sniffed.description;
  return isDocument ? "one JSON object" : sniffed.container;
}

function pairOf(raw: RawRow, row: number, options: PairsOptions, context: RowContext): PairRow | PairError {
  const { place } = raw;
  if ("error" in raw) return { row, place, error: raw.error };
  const fields = new Row(place, raw.record, context);
  try {
    const images = imagesOf(fields, options);
    const texts = textsOf(fields, options);
    const used = new Set([...images.columns, ...texts.columns]);
    const others = Object.entries(raw.record).filter(
      ([name, value]) => !used.has(name) && value !== undefined,
    );
    return { row, place, images: images.values, texts: texts.values, fields: Object.fromEntries(others) };
  } catch (error) {
    if (error instanceof InputError) return { row, place, error, fields: raw.record };
    throw error;
  }
}

interface InColumns<T> {
  readonly columns: readonly string[];
  readonly values: readonly T[];
}

function imagesOf(row: Row, { images = one, imageColumns: own }: PairsOptions): InColumns<ImageSource> {
  const pair =
    own === undefined ? imagePairs.find((names) => names.every((name) => row.has(name))) : undefined;
  const single = row.first(own ?? imageColumns);
  const columns = own?.filter((name) => row.has(name)) ?? (single === undefined ? (pair ?? []) : [single]);
  const values = columns.flatMap((name) => imageList(row, name));
  checkCount(row, "image", values.length, images, own ?? imageColumns);
  return { columns, values };
}

function imageList(row: Row, field: string): readonly ImageSource[] {
  const value = row.get(field);
  if (!Array.isArray(value)) return [row.image(field)];
  return value.map((item: unknown, index) => row.imageOf(`${field}[${index}]`, item));
}

function textsOf(row: Row, options: PairsOptions): InColumns<string> {
  const { texts = one, textColumns: own = { firstOf: textColumns } } = options;
  const names = "firstOf" in own ? own.firstOf : own;
  const columns = names.filter((name) => row.has(name)).slice(0, "firstOf" in own ? 1 : names.length);
  const values = columns.flatMap((name) => row.texts(name));
  checkCount(row, "text", values.length, texts, names);
  return { columns, values };
}

function checkCount(
  row: Row,
  what: string,
  count: number,
  { min, max }: Count,
  columns: readonly string[],
): void {
  if (count >= min && count <= max) return;
  const number = min === max ? `${min} ${what}${min === 1 ? "" : "s"}` : `${min} to ${max} ${what}s`;
  const names = Object.keys(row.record).filter((name) => row.has(name));
  throw badRow(
    row.place,
    `${number} in ${keysOf(columns, 16)}`,
    count === 0 ? `a row with ${keysOf(names)}` : `${count}`,
  );
}
