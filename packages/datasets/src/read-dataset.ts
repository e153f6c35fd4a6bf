// Reads a task's data set from a file or folder: its description and its examples.
import { InputError, type Warning } from "@blip-ts/base";
import {
  detectFile,
  detectFolder,
  documentOf,
  startOf,
  type Detected,
  type DetectOptions,
} from "./detect.ts";
import {
  ambiguousFormat,
  badOption,
  badRow,
  keysOf,
  noSplits,
  unknownFormat,
  wrongFormat,
} from "./errors.ts";
import { tasks, type ExampleOf, type Task } from "./examples.ts";
import type { DataContext, DataFile, DataFolder } from "./files.ts";
import { columnNames } from "./formats/columns.ts";
import { outcomes } from "./formats/document-rows.ts";
import type { DocumentFormat, FormatName, JsonDocument, Outcome, RecordFormat } from "./formats/format.ts";
import { formats, knownForms } from "./formats/index.ts";
import { annotationAdvice, isAnnotationFile } from "./formats/vqa-official.ts";
import { defaultLimits } from "./limits.ts";
import { rowContext, type ContainerName, type DatasetOptions } from "./options.ts";
import { wholeFile } from "./place.ts";
import type { CsvRecords } from "./records/csv.ts";
import { Row, type RowContext } from "./row.ts";
import type { RowPart, RowSource } from "./row-source.ts";
import { rowsOfSplit } from "./row-split.ts";

export type DataInput =
  | { readonly kind: "file"; readonly file: DataFile }
  | { readonly kind: "folder"; readonly folder: DataFolder };

/** Functions and files from the platform. */
export interface ReadContext extends DataContext {
  readonly csv?: CsvRecords;
  /** VQA's annotations, if the option names them. */
  readonly annotations?: DataFile;
}

export interface Dataset<T extends Task> {
  readonly task: T;
  readonly name: string;
  /** The detected or named form. */
  readonly format: FormatName;
  readonly container: ContainerName;
  /** A description: `CSV, read as "table" (...)`. */
  readonly description: string;
  /** What was left out when the files were opened, such as a folder's texts without images. */
  readonly warnings: readonly Warning[];
  /** The examples, from the start at each iteration. @throws {InputError} `dataset/...`, with file, row and field */
  readonly examples: AsyncIterable<ExampleOf<T>>;
  /** The same examples by shard: one part per shard or Parquet file; a single part in all other forms. */
  readonly parts: readonly DatasetPart<T>[];
}

/** One file of a data set with several. */
export interface DatasetPart<T extends Task> {
  readonly name: string;
  /** The size of the file in bytes, for shards and Parquet files; otherwise undefined. */
  readonly size?: number | undefined;
  /** The same as `Dataset.examples`, for this part. */
  readonly examples: AsyncIterable<ExampleOf<T>>;
}

const containers: ReadonlySet<string> = new Set<ContainerName>([
  "json",
  "jsonl",
  "csv",
  "parquet",
  "webdataset",
  "image-folder",
]);
const isContainer = (name: string | undefined): name is ContainerName =>
  name !== undefined && containers.has(name);

/**
 * Detects the form of a file or folder and opens it.
 * @throws {InputError} `dataset/unknown-format`, `dataset/ambiguous-format`, `dataset/wrong-format`,
 * `dataset/encoding`, `dataset/truncated`, `dataset/damaged`, ...
 * @throws {UsageError} `dataset/bad-option`
 */
export async function readData<T extends Task>(
  task: T,
  input: DataInput,
  options: DatasetOptions,
  context: ReadContext,
): Promise<Dataset<T>> {
  const format = checkOptions(task, options);
  const detect: DetectOptions = {
    task,
    limits: { ...defaultLimits, ...options.limits },
    split: options.split,
    container: isContainer(options.format) ? options.format : undefined,
    csv: context.csv,
  };
  const detected =
    input.kind === "file" ? await detectFile(input.file, detect) : await detectFolder(input.folder, detect);
  const root = input.kind === "file" ? input.file.root : input.folder.root;
  return datasetOf(task, detected, format, options, context, root);
}

/** @throws {UsageError} `dataset/bad-option` */
function checkOptions(task: Task, { format, limits = {} }: DatasetOptions): FormatName | undefined {
  if (!tasks.includes(task)) throw badOption("task", keysOf(tasks), task);
  for (const [name, value] of Object.entries(limits))
    if (!(Number.isFinite(value) && value > 0))
      throw badOption(`limits.${name}`, "a number above 0", String(value));
  if (format === undefined || isContainer(format)) return undefined;
  const known = [...formats[task].records, ...formats[task].documents].map(({ name }) => name);
  if (!known.includes(format))
    throw badOption("format", keysOf([...new Set([...known, ...containers])], 24), format);
  return format;
}

async function datasetOf<T extends Task>(
  task: T,
  detected: Detected,
  format: FormatName | undefined,
  options: DatasetOptions,
  context: ReadContext,
  root: string,
): Promise<Dataset<T>> {
  if (detected.kind === "document") {
    const { document, rows } = detected;
    const form = await documentFormat(task, document, format, rows !== undefined);
    if (form !== undefined) return documentDataset(task, document, form, options, context, root);
    const { split } = options;
    if (rows !== undefined) {
      const source = split === undefined ? rows : await rowsOfSplit(rows, split);
      return rowDataset(task, source, format, options, context);
    }
  } else return rowDataset(task, detected.source, format, options, context);
  throw new Error("a document without a form was let through");
}

/** @throws {InputError} unless the document has exactly one form, or may be read as lines */
async function documentFormat<T extends Task>(
  task: T,
  document: JsonDocument,
  format: FormatName | undefined,
  mayBeLines: boolean,
): Promise<DocumentFormat<T> | undefined> {
  const all: readonly DocumentFormat<T>[] = formats[task].documents;
  if (format !== undefined) {
    const named = all.find(({ name }) => name === format);
    if (named !== undefined || mayBeLines) return named;
    const what = formats[task].records.find(({ name }) => name === format)?.what ?? "rows";
    throw wrongFormat(document.name, format, what, "a JSON document, not rows");
  }
  const start = await startOf(document);
  const fitting = all.filter((candidate) => candidate.fits(start));
  if (fitting.length > 1)
    throw ambiguousFormat(
      document.name,
      task,
      fitting.map(({ name }) => `"${name}"`),
    );
  if (fitting.length === 1) return fitting[0];
  const swapped = task === "vqa" && isAnnotationFile(start.keys, start.records.get("annotations"));
  if (mayBeLines && !swapped) return undefined;
  const description = swapped ? annotationAdvice(start.keys) : `a JSON object with ${keysOf(start.keys)}`;
  throw unknownFormat(document.name, task, description, knownForms(task));
}

function documentDataset<T extends Task>(
  task: T,
  document: JsonDocument,
  format: DocumentFormat<T>,
  options: DatasetOptions,
  context: ReadContext,
  root: string,
): Dataset<T> {
  const row = rowContext(options, root, context);
  if (options.split !== undefined && format.hasSplits !== true)
    throw noSplits(document.name, `a JSON document, read as "${format.name}"`, options.split);
  if (context.annotations !== undefined && format.name !== "vqa")
    throw badOption("annotations", 'the form "vqa", which has two files', `"${format.name}"`);
  const annotations =
    context.annotations === undefined ? undefined : documentOf(context.annotations, row.limits);
  const read = () => format.read(document, { row, annotations, split: options.split });
  const without =
    format.name === "vqa" && annotations === undefined ? ", without annotations: no answers" : "";
  return {
    task,
    name: document.name,
    format: format.name,
    container: "json",
    description: `a JSON document, read as "${format.name}" (${format.what})${without}`,
    warnings: [],
    ...inParts<T>([{ name: document.name, read }], options),
  };
}

/** The examples of several readers, joined and separately. */
function inParts<T extends Task>(
  readers: readonly (Pick<DatasetPart<T>, "name" | "size"> & {
    readonly read: () => AsyncIterable<Outcome<ExampleOf<T>>>;
  })[],
  options: DatasetOptions,
): Pick<Dataset<T>, "examples" | "parts"> {
  const parts = readers.map(({ name, size, read }) => ({
    ...{ name, size },
    examples: { [Symbol.asyncIterator]: () => settled(read(), options) },
  }));
  return { examples: { [Symbol.asyncIterator]: () => chained(parts) }, parts };
}

/** The examples of several parts, in order. */
export async function* chained<T extends Task>(
  parts: readonly Pick<DatasetPart<T>, "examples">[],
): AsyncGenerator<ExampleOf<T>> {
  for (const { examples } of parts) yield* examples;
}

/** Extracts the examples. Errors of rows go to `onRowError`, or end the reading. */
async function* settled<E>(
  outcomes: AsyncIterable<Outcome<E>>,
  { onRowError }: DatasetOptions,
): AsyncGenerator<E> {
  for await (const outcome of outcomes) {
    if ("example" in outcome) yield outcome.example;
    else if (onRowError === undefined) throw outcome.error;
    else onRowError(outcome.error);
  }
}

async function rowDataset<T extends Task>(
  task: T,
  source: RowSource,
  format: FormatName | undefined,
  options: DatasetOptions,
  context: ReadContext,
): Promise<Dataset<T>> {
  if (context.annotations !== undefined)
    throw badOption("annotations", "questions in VQA's own file, which has two", source.what);
  const chosen = await recordFormat(
    task,
    source,
    options.columns === undefined ? format : (format ?? "table"),
  );
  const row = rowContext(options, source.root, context);
  const needed = neededColumns(options);
  const parts: readonly RowPart[] = source.parts ?? [source];
  const rows = (part: RowPart) => part.rows(chosen.name === "table" ? needed : undefined);
  return {
    task,
    name: source.name,
    format: chosen.name,
    container: source.container,
    description: `${source.what}, read as "${chosen.name}" (${chosen.what})`,
    warnings: source.warnings ?? [],
    ...inParts<T>(
      parts.map((part) => ({
        ...{ name: part.name, size: part.size },
        read: () => rowOutcomes(rows(part), chosen, row),
      })),
      options,
    ),
  };
}

/** All columns that a row of a table may use. */
function neededColumns({ columns = {} }: DatasetOptions): readonly string[] {
  return [...Object.values(columnNames).flat(), ...Object.values(columns), ...otherColumns];
}

const otherColumns = [
  "images",
  "image_0",
  "image_1",
  "image0",
  "image1",
  "image2",
  "image_2",
  "left_image",
  "right_image",
  "img0",
  "img1",
  "identifier",
  "uid",
  "false_captions",
  "patches",
  "domain",
];

async function* rowOutcomes<T extends Task>(
  rows: ReturnType<RowSource["rows"]>,
  format: RecordFormat<T>,
  context: RowContext,
): AsyncGenerator<Outcome<ExampleOf<T>>> {
  for await (const raw of rows) {
    if ("error" in raw) yield raw;
    else yield* await outcomes(async () => await format.read(new Row(raw.place, raw.record, context)));
  }
}

/**
 * The form that fits the columns or the first valid row. The form "table" is used only if no other form fits.
 * @throws {InputError} `dataset/unknown-format`, `dataset/ambiguous-format`
 */
async function recordFormat<T extends Task>(
  task: T,
  source: RowSource,
  format: FormatName | undefined,
): Promise<RecordFormat<T>> {
  const all: readonly RecordFormat<T>[] = formats[task].records;
  if (format !== undefined) {
    const named = all.find(({ name }) => name === format);
    if (named !== undefined) return named;
    const what = formats[task].documents.find(({ name }) => name === format)?.what ?? "another form";
    throw wrongFormat(source.name, format, what, source.what);
  }
  const first = await firstRecord(source);
  const fitting = all.filter((candidate) => candidate.fits(first));
  const special = fitting.filter(({ name }) => name !== "table");
  if (special.length > 1)
    throw ambiguousFormat(
      source.name,
      task,
      special.map(({ name, what }) => `"${name}" (${what})`),
    );
  const chosen = special[0] ?? fitting[0];
  if (chosen !== undefined) return chosen;
  throw unknownFormat(
    source.name,
    task,
    `${source.what} with ${keysOf(Object.keys(first), 16)}`,
    knownForms(task),
  );
}

/** The number of rows to try until one is valid. */
const triedRows = 16;

/** @throws {InputError} the first row's error if no row can be read; `dataset/bad-row` if there is no row */
async function firstRecord(source: RowSource): Promise<Readonly<Record<string, unknown>>> {
  if (source.columns !== undefined) return columnRecord(source.columns);
  let first: InputError | undefined;
  let count = 0;
  for await (const raw of source.rows(undefined)) {
    if ("record" in raw) return raw.record;
    first ??= raw.error;
    if (++count >= triedRows) break;
  }
  throw first ?? badRow(wholeFile(source.name), "at least one row", "none", "Give a file with rows.");
}

/** Before any row is read, a column counts as a text. */
const columnRecord = (columns: readonly string[]): Record<string, string> =>
  Object.fromEntries(columns.map((name) => [name, ""]));
