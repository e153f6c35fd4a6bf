// The first pass over the data: counts rows, determines column types, and computes a fingerprint. A resumed run
// compares the fingerprint to check that the data is the same. No row is kept in memory.
import type { BlipError } from "@blip-ts/base";
import {
  ColumnKinds,
  type ColumnKind,
  plainValue,
  type WebRow,
  type WebRowError,
  type WebRows,
} from "@blip-ts/datasets";
import type { EvaluationHost } from "../evaluate/host.ts";
import { hashOf } from "../evaluate/survey.ts";
import { noRows } from "./errors.ts";
import { keyOfImage } from "./sample-seed.ts";

export interface CountedData {
  /** The number of all rows, including invalid rows. */
  readonly rows: number;
  /** The number of rows that cannot be read. */
  readonly wrong: number;
  /** SHA-256 of all rows: images by their path, URL or bytes, texts, all other columns. */
  readonly sha256: string;
  /** The types of the other columns (not images or texts), in the order of first appearance. */
  readonly columns: ReadonlyMap<string, ColumnKind>;
  /** The type of the image column. */
  readonly image: "text" | "image";
  /** Whether any image is given by path. */
  readonly paths: boolean;
}

export interface SurveyOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onRow?: ((rows: number) => void) | undefined;
}

/** The number of rows between progress reports. */
const reported = 1000;

/** Serialises a row for the fingerprint. */
function fingerprint(host: Pick<EvaluationHost, "hasher">, row: WebRow | WebRowError): string {
  if ("error" in row) return `wrong ${row.error.code}`;
  return JSON.stringify([keyOfImage(host, row.image), row.texts, plainValue(withHashes(host, row.fields))]);
}

/** Replaces bytes in a value by their hashes. */
function withHashes(host: Pick<EvaluationHost, "hasher">, value: unknown): unknown {
  if (value instanceof Uint8Array) return hashOf(host, value);
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map((one) => withHashes(host, one));
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withHashes(host, one)]));
}

/**
 * Reads all rows once.
 * @throws {InputError} `capfilt/no-rows` if no row can be read, and `dataset/...` if the data cannot be read
 * @throws the signal's reason
 */
export async function survey(
  host: Pick<EvaluationHost, "hasher">,
  data: WebRows,
  { signal, onRow }: SurveyOptions = {},
): Promise<CountedData> {
  const [hasher, kinds] = [host.hasher(), new ColumnKinds()];
  let [rows, wrong] = [0, 0];
  let [bytes, paths] = [false, false];
  let first: BlipError | undefined;
  for await (const row of data.rows()) {
    signal?.throwIfAborted();
    hasher.update(`${fingerprint(host, row)}\n`);
    if ("error" in row) {
      wrong++;
      first ??= row.error;
    } else {
      kinds.see(row.fields);
      bytes ||= row.image.kind === "bytes";
      paths ||= row.image.kind === "path";
    }
    if (++rows % reported === 0) onRow?.(rows);
  }
  // If the only row is invalid, its own error is the best explanation.
  if (rows === wrong) throw rows === 1 && first ? first : noRows(data.name, wrong);
  return {
    rows,
    wrong,
    sha256: hasher.digest(),
    columns: kinds.kinds,
    image: bytes ? "image" : "text",
    paths,
  };
}
