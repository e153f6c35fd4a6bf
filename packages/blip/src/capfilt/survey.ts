// The first pass over the data: how many rows there are, what their columns hold, and a fingerprint by which a run that goes
// on knows that its rows are of the same data. Nothing of a row is kept.
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
  /** All rows, wrong ones too. */
  readonly rows: number;
  /** Rows that cannot be read. */
  readonly wrong: number;
  /** SHA-256 of all rows: images by their path, URL or bytes, texts, all other columns. */
  readonly sha256: string;
  /** What the columns besides those of images and texts hold, in the order in which they were first seen. */
  readonly columns: ReadonlyMap<string, ColumnKind>;
  /** What the column of images holds. */
  readonly image: "text" | "image";
  /** Are there images by paths? */
  readonly paths: boolean;
}

export interface SurveyOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onRow?: ((rows: number) => void) | undefined;
}

/** Rows between two reports of progress. */
const reported = 1000;

/** A row as its fingerprint has it. */
function fingerprint(host: Pick<EvaluationHost, "hasher">, row: WebRow | WebRowError): string {
  if ("error" in row) return `wrong ${row.error.code}`;
  return JSON.stringify([keyOfImage(host, row.image), row.texts, plainValue(withHashes(host, row.fields))]);
}

/** The same value with hashes for bytes. */
function withHashes(host: Pick<EvaluationHost, "hasher">, value: unknown): unknown {
  if (value instanceof Uint8Array) return hashOf(host, value);
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map((one) => withHashes(host, one));
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withHashes(host, one)]));
}

/**
 * Reads all rows once.
 * @throws {InputError} `capfilt/no-rows` if none can be read, and what ends the reading: `dataset/...`
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
  // One row alone says best itself what is wrong with it.
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
