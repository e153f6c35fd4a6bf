// Images with their texts as collected from the web. Each row keeps all its columns, so that it can be captioned,
// filtered, and written again. The readers of tasks (`read-dataset.ts`) keep only the columns of their task.
import { InputError, type Warning } from "@blip-ts/base";
import { detectFile, detectFolder, type Detected, type DetectOptions } from "./detect.ts";
import { badColumn, badOption, badRow, keysOf, tooLarge, unknownFormat } from "./errors.ts";
import type { ImageSource } from "./examples.ts";
import { columnNames } from "./formats/columns.ts";
import { knownForms } from "./formats/index.ts";
import { defaultLimits, type DatasetLimits } from "./limits.ts";
import { rowContext, type ContainerName } from "./options.ts";
import { wholeFile, type Place } from "./place.ts";
import type { DataInput, ReadContext } from "./read-dataset.ts";
import type { RawRow } from "./records/raw-row.ts";
import { Row, type RowContext } from "./row.ts";
import type { RowSource } from "./row-source.ts";
import { rowsOfSplit } from "./row-split.ts";

/** An image with its texts and all other columns of its row. */
export interface WebRow {
  readonly place: Place;
  readonly image: ImageSource;
  /** The texts in the row's order, none blank; may be empty. */
  readonly texts: readonly string[];
  /** All columns except those of the image and the texts, unchanged. Null values are omitted. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A row that cannot be used. Reading continues after it. */
export interface WebRowError {
  readonly place: Place;
  readonly error: InputError;
}

export interface WebRowsOptions {
  /** The container of the rows. Default: detected from the content. */
  readonly format?: ContainerName;
  /** The base folder of relative image paths. Default: the data's own folder. */
  readonly imageRoot?: string;
  /** Accepts absolute paths, and ".." that leads outside the images' folder. Default: false. */
  readonly allowOutside?: boolean;
  /**
   * The split to read: a folder's files of that name, or a file's rows with that value in their field `split`. Data
   * without splits refuse it. Default: none.
   */
  readonly split?: string;
  /** The columns of images and texts. Default: the usual names. */
  readonly columns?: { readonly image?: string; readonly captions?: string };
  readonly limits?: Partial<DatasetLimits>;
}

export interface WebRows {
  readonly name: string;
  readonly container: ContainerName;
  /** A description: "2 webdataset shards". */
  readonly what: string;
  /** The base folder of relative image paths. */
  readonly root: string;
  /** The column of images. */
  readonly imageColumn: string;
  /** The column of texts; undefined if the data has none. */
  readonly textColumn: string | undefined;
  /** What was left out when the files were opened, such as a folder's texts without images. */
  readonly warnings: readonly Warning[];
  /** The rows, from the start at each call. @throws {InputError} `dataset/...` if no further row can be read */
  rows(): AsyncIterable<WebRow | WebRowError>;
}

/** The number of rows to read for the names of the columns. */
const triedRows = 16;

/**
 * Opens data as `WebRows`: JSON lines or a JSON list, CSV or TSV, Parquet, webdataset shards, a folder of any of these,
 * or a folder of images (with or without .txt, .caption and .json files beside them).
 * @throws {InputError} `dataset/unknown-format`, `dataset/ambiguous-format`, `dataset/bad-row`, ...
 * @throws {UsageError} `dataset/bad-column` for a column that the data lacks, `dataset/bad-option`
 */
export async function openWebRows(
  input: DataInput,
  options: WebRowsOptions,
  context: ReadContext,
): Promise<WebRows> {
  for (const [name, value] of Object.entries(options.limits ?? {}))
    if (!(Number.isFinite(value) && value > 0))
      throw badOption(`limits.${name}`, "a number above 0", String(value));
  const limits = { ...defaultLimits, ...options.limits };
  const detect: DetectOptions = {
    ...{ task: "pretrain", limits, split: options.split, container: options.format, csv: context.csv },
    whole: true,
  };
  const detected =
    input.kind === "file" ? await detectFile(input.file, detect) : await detectFolder(input.folder, detect);
  const source = await sourceOf(detected, options.split);
  const names = await columnsOf(source);
  const imageColumn = columnFor("image", names, options.columns?.image, source.name);
  if (imageColumn === undefined)
    throw badRow(
      wholeFile(source.name),
      `a column of images (${keysOf(columnNames.image, 16)})`,
      keysOf(names),
      'Name it with columns: { image: "NAME" }.',
    );
  const textColumn = columnFor("captions", names, options.columns?.captions, source.name);
  const { imageRoot, allowOutside = false } = options;
  const reading = { allowOutside, ...(imageRoot === undefined ? {} : { imageRoot }), limits };
  const rows = rowContext(reading, source.root, context);
  return {
    ...{ name: source.name, container: source.container, what: source.what, imageColumn, textColumn },
    root: imageRoot ?? source.root,
    warnings: source.warnings ?? [],
    rows: () => webRows(source.rows(undefined), { image: imageColumn, texts: textColumn }, rows),
  };
}

/** @throws {InputError} `dataset/unknown-format` for a JSON document that is not a list */
async function sourceOf(detected: Detected, split: string | undefined): Promise<RowSource> {
  if (detected.kind === "rows") return detected.source;
  const { rows } = detected;
  if (rows !== undefined) return split === undefined ? rows : rowsOfSplit(rows, split);
  throw unknownFormat(
    detected.document.name,
    "rows of images and texts",
    "a JSON document",
    knownForms("pretrain"),
  );
}

/** The names of the columns. If the container has no header, they come from the first rows. */
async function columnsOf(source: RowSource): Promise<readonly string[]> {
  if (source.columns !== undefined && source.container !== "image-folder") return source.columns;
  const names = new Set<string>();
  const empty = new Set<string>();
  let first: InputError | undefined;
  let count = 0;
  for await (const raw of source.rows(undefined)) {
    if ("error" in raw) first ??= raw.error;
    else for (const name of Object.keys(raw.record)) (raw.record[name] == null ? empty : names).add(name);
    if (++count >= triedRows) break;
  }
  // Columns with values come first: a row's image is in the first known column of them.
  if (names.size > 0) return [...new Set([...names, ...empty])];
  throw first ?? badRow(wholeFile(source.name), "at least one row", "none", "Give a file with rows.");
}

/** @throws {UsageError} `dataset/bad-column` */
function columnFor(
  role: "image" | "captions",
  names: readonly string[],
  own: string | undefined,
  file: string,
): string | undefined {
  if (own === undefined) return columnNames[role].find((name) => names.includes(name));
  if (!names.includes(own)) throw badColumn(file, role, own, names);
  return own;
}

interface Columns {
  readonly image: string;
  readonly texts: string | undefined;
}

async function* webRows(
  rows: AsyncIterable<RawRow>,
  columns: Columns,
  context: RowContext,
): AsyncGenerator<WebRow | WebRowError> {
  for await (const raw of rows) yield "error" in raw ? raw : webRow(raw.place, raw.record, columns, context);
}

function webRow(
  place: Place,
  record: Readonly<Record<string, unknown>>,
  columns: Columns,
  context: RowContext,
): WebRow | WebRowError {
  try {
    const names = Object.keys(record);
    const { limits } = context;
    if (names.length > limits.columns)
      throw tooLarge(place, "a number of columns", names.length, limits.columns, "columns");
    const row = new Row(place, record, context);
    // If the first rows have no texts, a later row may still have some.
    const texts = columns.texts ?? row.first(columnNames.captions);
    const others = names.filter((name) => name !== columns.image && name !== texts && row.has(name));
    return {
      place,
      image: row.image(columns.image),
      texts: texts === undefined ? [] : textsOf(row, texts),
      fields: Object.fromEntries(others.map((name) => [name, row.get(name)])),
    };
  } catch (error) {
    if (error instanceof InputError) return { place, error };
    throw error;
  }
}

/**
 * The texts of a row. On the web, a text may be missing or blank; it is then omitted. @throws {InputError}
 * `dataset/bad-field`
 */
function textsOf(row: Row, column: string): readonly string[] {
  const value = row.get(column);
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.flatMap((text, index) => {
    if (text === undefined || text === null) return [];
    if (typeof text !== "string")
      throw row.wrong(Array.isArray(value) ? `${column}[${index}]` : column, "a text or a list of texts");
    return text.trim() === "" ? [] : [text];
  });
}
