// Detects the contents of a path: the container from the first bytes, the form from the first row. File names only
// select files within a folder.
import { InputError, type Warning } from "@blip-ts/base";
import { jsonPieces, parseValue, isRecord, type JsonRecord } from "./bytes/json-pieces.ts";
import { headOf } from "./bytes/streams.ts";
import { ambiguousFormat, keysOf, textsLeftOut, unknownFormat, wrongFormat } from "./errors.ts";
import type { Task } from "./examples.ts";
import type { DataFile, DataFolder } from "./files.ts";
import type { DocumentStart, JsonDocument } from "./formats/format.ts";
import { knownForms } from "./formats/index.ts";
import type { DatasetLimits } from "./limits.ts";
import type { ContainerName } from "./options.ts";
import type { Place } from "./place.ts";
import type { CsvRecords } from "./records/csv.ts";
import {
  bytesOf,
  csvSource,
  imageFolderSource,
  isImagePath,
  jsonLinesSource,
  jsonListSource,
  parquetSource,
  shardSource,
  sidecars,
  stem,
  type RowSource,
} from "./row-source.ts";
import { rowsOfSplit } from "./row-split.ts";
import { sniffFile, type SniffedFile } from "./sniff.ts";

export interface DetectOptions {
  readonly task: Task;
  readonly limits: DatasetLimits;
  /** A folder's files are selected by their names; the rows of a file, by their field `split`. */
  readonly split: string | undefined;
  readonly container: ContainerName | undefined;
  readonly csv: CsvRecords | undefined;
  /**
   * Keeps everything in a row, including other members of shards and JSON files beside images. An image may then have
   * no text. Default: false.
   */
  readonly whole?: boolean;
}

export type Detected =
  | { readonly kind: "rows"; readonly source: RowSource }
  /** The split is not selected yet. `rows`: the same file as JSON lines, if it may be either. */
  | { readonly kind: "document"; readonly document: JsonDocument; readonly rows?: RowSource };

export function documentOf(file: DataFile, limits: DatasetLimits): JsonDocument {
  return { name: file.name, size: file.size, pieces: () => jsonPieces(file.name, bytesOf(file), limits) };
}

/**
 * @throws {InputError} `dataset/unknown-format`, `dataset/wrong-format`, `dataset/encoding`, ...
 * @throws {UsageError} `dataset/bad-option` if rows have no splits
 */
export async function detectFile(file: DataFile, options: DetectOptions): Promise<Detected> {
  const { limits, container, split } = options;
  const { head, whole } = await headOf(bytesOf(file), limits.rowBytes);
  const sniffed = sniffFile(file.name, head, whole);
  if (sniffed.container === "unknown")
    throw unknownFormat(file.name, options.task, sniffed.description, knownForms(options.task));
  // One object on one line may also be JSON lines.
  const asked = sniffed.container === "jsonl" && container === "json" ? "jsonl" : container;
  if (asked !== undefined && asked !== sniffed.container)
    throw wrongFormat(file.name, asked, containerWhat[asked], containerWhat[sniffed.container]);
  const detected = await detectedFile(file, sniffed, options);
  if (split === undefined || detected.kind === "document") return detected;
  return { kind: "rows", source: await rowsOfSplit(detected.source, split) };
}

async function detectedFile(
  file: DataFile,
  sniffed: Exclude<SniffedFile, { container: "unknown" }>,
  { limits, csv, whole }: DetectOptions,
): Promise<Detected> {
  switch (sniffed.container) {
    case "parquet":
      return { kind: "rows", source: await parquetSource(file.name, [file], limits) };
    case "webdataset":
      return { kind: "rows", source: shardSource(file.name, [file], limits, whole) };
    case "csv":
      return { kind: "rows", source: csvSource(file, sniffed.firstLine, limits, csv) };
    case "json":
      if (sniffed.top === "list") return { kind: "rows", source: jsonListSource(file, limits) };
      return { kind: "document", document: documentOf(file, limits) };
    case "jsonl": {
      const source = jsonLinesSource(file, limits);
      if (!sniffed.alone) return { kind: "rows", source };
      return { kind: "document", document: documentOf(file, limits), rows: source };
    }
  }
}

const containerWhat: Readonly<Record<ContainerName, string>> = {
  json: "JSON",
  jsonl: "JSON lines",
  csv: "CSV or TSV",
  parquet: "Parquet",
  webdataset: "a webdataset shard",
  "image-folder": "a folder of images with texts beside them",
};

interface Candidate {
  readonly container: ContainerName;
  readonly what: string;
  open(): Promise<RowSource>;
}

/**
 * Detects the form of a folder: metadata.jsonl or metadata.csv, Parquet, shards, or images with texts.
 * @throws {InputError} `dataset/unknown-format`, `dataset/ambiguous-format`
 */
export async function detectFolder(folder: DataFolder, options: DetectOptions): Promise<Detected> {
  const candidates = candidatesOf(folder, options);
  const asked = candidates.filter(
    ({ container }) => options.container === undefined || container === options.container,
  );
  const [only, ...others] = asked;
  if (only === undefined)
    throw unknownFormat(folder.name, options.task, foundIn(folder, candidates), [
      "metadata.jsonl or metadata.csv beside the images",
      "*.parquet",
      "*.tar shards",
      "images with a .txt or .caption beside each",
      "or give the path of one file",
    ]);
  if (others.length > 0)
    throw ambiguousFormat(
      folder.name,
      options.task,
      asked.map(({ what }) => what),
      'Name one with "format" ("jsonl", "csv", "parquet", "webdataset", "image-folder"), or give the path of one file.',
    );
  return { kind: "rows", source: await only.open() };
}

function foundIn(folder: DataFolder, candidates: readonly Candidate[]): string {
  if (candidates.length > 0) return candidates.map(({ what }) => what).join(", ");
  if (folder.files.length === 0) return "an empty folder";
  return `a folder with ${keysOf(folder.files.map(({ path }) => path))}`;
}

const endsWith = (file: DataFile, suffix: RegExp) => suffix.test(file.path);

/** Excludes the tables that img2dataset writes beside its shards: they contain no images. */
function withoutShardTables(tables: readonly DataFile[], folder: DataFolder): readonly DataFile[] {
  const stats = new Set(folder.files.map(({ path }) => path).filter((path) => path.endsWith("_stats.json")));
  const shards = new Set(
    folder.files.filter((file) => endsWith(file, /\.tar(?:\.gz)?$/i)).map(({ path }) => path),
  );
  const images = folder.files.some(({ path }) => isImagePath(path));
  return tables.filter(({ path }) => {
    const name = stem(path);
    return !shards.has(`${name}.tar`) && !(images && stats.has(`${name}_stats.json`));
  });
}

function candidatesOf(folder: DataFolder, options: DetectOptions): Candidate[] {
  const { files } = folder;
  const candidates: Candidate[] = [];
  for (const container of ["jsonl", "csv"] as const) {
    const named = files.filter((file) => endsWith(file, new RegExp(`(?:^|/)metadata\\.${container}$`)));
    if (named.length > 0)
      candidates.push({
        container,
        what: `metadata.${container}`,
        open: () => openMetadata(folder, named, options),
      });
  }
  const tables = withoutShardTables(
    files.filter((file) => endsWith(file, /\.parquet$/i)),
    folder,
  );
  if (tables.length > 0)
    candidates.push({
      container: "parquet",
      what: `${tables.length} Parquet files`,
      open: () => parquetSource(folder.name, inSplit(folder, tables, options), options.limits),
    });
  const shards = files.filter((file) => endsWith(file, /\.(?:tar|tgz|tar\.gz)$/i));
  if (shards.length > 0)
    candidates.push({
      container: "webdataset",
      what: `${shards.length} shards (*.tar)`,
      open: () =>
        Promise.resolve(
          shardSource(folder.name, inSplit(folder, shards, options), options.limits, options.whole),
        ),
    });
  // Images without texts count as data only if the folder has no other data.
  const beside = imageFolder(folder, {
    ...options,
    whole: options.whole === true && candidates.length === 0,
  });
  if (beside !== undefined) candidates.push(beside);
  return candidates;
}

function imageFolder(folder: DataFolder, options: DetectOptions): Candidate | undefined {
  const texts = sidecars(folder.files);
  const images = folder.files.filter(({ path }) => isImagePath(path));
  const { whole = false } = options;
  if (!images.some(({ path }) => whole || texts.has(stem(path)))) return undefined;
  const beside = { texts, ...(whole ? { records: sidecars(folder.files, [".json"]) } : {}) };
  return {
    container: "image-folder",
    what: "images with texts beside them",
    open() {
      // An image's own name is that of no split: train.jpg may show a train.
      const own = inSplit(folder, images, options, foldersOf);
      const source = imageFolderSource(folder.name, folder.root, own, beside, options.limits);
      return Promise.resolve({ ...source, warnings: orphansOf(folder, texts, images) });
    },
  };
}

/** A warning of the texts that have no image beside them. */
function orphansOf(
  folder: DataFolder,
  texts: ReadonlyMap<string, DataFile>,
  images: readonly DataFile[],
): readonly Warning[] {
  const stems = new Set(images.map(({ path }) => stem(path)));
  const orphans = [...texts].flatMap(([own, { path }]) => (stems.has(own) ? [] : [path]));
  return orphans.length === 0 ? [] : [textsLeftOut(folder.name, orphans.sort())];
}

/** Opens the one metadata file. Its paths are relative to its own folder. */
async function openMetadata(
  folder: DataFolder,
  named: readonly DataFile[],
  options: DetectOptions,
): Promise<RowSource> {
  const [file, ...others] = options.split === undefined ? named : inSplit(folder, named, options);
  if (file === undefined || others.length > 0)
    throw ambiguousFormat(
      folder.name,
      options.task,
      named.map(({ path }) => path),
      'Name one with "split", or give its path.',
    );
  const detected = await detectFile(file, { ...options, split: undefined });
  if (detected.kind === "rows") return detected.source;
  if (detected.rows !== undefined) return detected.rows;
  throw unknownFormat(file.name, options.task, "a JSON document", knownForms(options.task));
}

/** The possible split names in a path: `data/train-00000-of-00002.parquet` and `train/x.tar` have the split "train". */
function splitOf({ path }: DataFile): readonly string[] {
  const names = path.split("/");
  const file = names.pop() ?? "";
  const prefix =
    /^(.+?)-\d{5}-of-\d{5}(?:-[0-9a-f]+)?\.[a-z.]+$/i.exec(file)?.[1] ??
    /^([a-z]+)\.[a-z.]+$/i.exec(file)?.[1];
  return prefix === undefined ? names : [...names, prefix];
}

/** The names of the folders in a path. */
const foldersOf = ({ path }: DataFile): readonly string[] => path.split("/").slice(0, -1);

const splitNames = new Set([
  "train",
  "training",
  "val",
  "valid",
  "validation",
  "dev",
  "test",
  "testing",
  "eval",
]);

/** @throws {InputError} `dataset/ambiguous-format` if the files belong to several splits and none was selected */
function inSplit(
  folder: DataFolder,
  files: readonly DataFile[],
  { split, task }: DetectOptions,
  namesOf = splitOf,
): readonly DataFile[] {
  const splits = [...new Set(files.flatMap((file) => namesOf(file).filter((name) => splitNames.has(name))))];
  if (split === undefined) {
    if (splits.length > 1)
      throw ambiguousFormat(
        folder.name,
        task,
        splits.map((name) => `the split "${name}"`),
        'Name one with "split".',
      );
    return files;
  }
  const chosen = files.filter((file) => namesOf(file).includes(split));
  if (chosen.length > 0) return chosen;
  throw unknownFormat(
    folder.name,
    task,
    splits.length === 0 ? "no splits in the names of its files" : `the splits ${keysOf(splits)}`,
    [`files of the split "${split}" (${split}-00000-of-00001.parquet, ${split}/...)`],
  );
}

/** The number of pieces to read: enough to get past COCO's licences. */
const startPieces = 256;

/** The keys of a document and the first record under each. @throws {InputError} if the document is broken */
export async function startOf(document: JsonDocument): Promise<DocumentStart> {
  const keys: string[] = [];
  const records = new Map<string, JsonRecord>();
  let count = 0;
  for await (const piece of document.pieces()) {
    if (++count > startPieces) break;
    if (piece.kind === "error") continue;
    const key = piece.kind === "entry" ? piece.key : (piece.section ?? "");
    if (!keys.includes(key)) keys.push(key);
    if (piece.kind === "section" || records.has(key)) continue;
    const value = valueOf(piece);
    if (isRecord(value)) records.set(key, value);
  }
  return { keys, records };
}

function valueOf(piece: { place: Place; text: string }): unknown {
  try {
    return parseValue(piece.place, piece.text);
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}
