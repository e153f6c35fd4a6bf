// The first pass over the data: counts rows, finds invalid rows, and computes a fingerprint. A resumed run compares the
// fingerprint to check that the data is the same.
import { isDataUrl, type InputError, type Warning } from "@blip-ts/base";
import {
  type Dataset,
  type ExampleOf,
  type ImageSource,
  type Place,
  placeName,
  type Task,
} from "@blip-ts/datasets";
import { noRows } from "./errors.ts";
import type { EvaluationHost } from "./host.ts";
import type { EvaluateOptions, FailedExample, StepClock } from "./options.ts";

/** Data that can be read repeatedly. */
export interface EvaluatedData<T extends Task> {
  readonly name: string;
  /** @param onRowError called for each invalid row, which is left out */
  open(onRowError: (error: InputError) => void): Promise<Dataset<T>>;
}

export interface Survey<T extends Task> {
  readonly dataset: Dataset<T>;
  readonly rows: number;
  /** SHA-256 of all rows: texts, ids, paths relative to the image folder, bytes of images within the data. */
  readonly sha256: string;
  readonly failed: readonly FailedExample[];
  /** Reads the rows again from the beginning, each with its number. */
  again(): AsyncIterable<Numbered<ExampleOf<T>>>;
}

export interface Numbered<Example> {
  /** The number of the row, from 0, without counting invalid rows. */
  readonly n: number;
  readonly example: Example;
}

export interface Reading {
  readonly host: EvaluationHost;
  readonly clock: StepClock;
  readonly options: EvaluateOptions;
  /** Receives warnings about the data. */
  readonly warn: (warning: Warning) => void;
}

async function* firstRows<Example>(
  examples: AsyncIterable<Example>,
  limit = Infinity,
): AsyncGenerator<Numbered<Example>> {
  let n = 0;
  for await (const example of examples) {
    yield { n: n++, example };
    if (n >= limit) return;
  }
}

/** Serialises a row for the fingerprint: without its place and image folder, with hashes instead of bytes. */
function fingerprint(example: object, hashOf: (bytes: Uint8Array) => string): string {
  return JSON.stringify(example, (key, value: unknown) => {
    if (key === "place" || key === "root") return undefined;
    return value instanceof Uint8Array ? hashOf(value) : value;
  });
}

/** SHA-256 of bytes. */
export function hashOf(host: Pick<EvaluationHost, "hasher">, bytes: Uint8Array): string {
  const hasher = host.hasher();
  hasher.update(bytes);
  return hasher.digest();
}

/** SHA-256 of texts in order. */
export const listHash = (host: EvaluationHost, texts: readonly string[]): string =>
  hashOf(host, new TextEncoder().encode(JSON.stringify(texts)));

/** The key of an image source. Equal keys mean the same image. */
export function imageKey(host: EvaluationHost, source: ImageSource): string {
  if (source.kind === "path") return `path ${source.root}|${source.path}`;
  if (source.kind === "bytes") return `bytes ${hashOf(host, source.bytes)}`;
  // A data: URL is as long as its image.
  return isDataUrl(source.url) ? `data ${listHash(host, [source.url])}` : `url ${source.url}`;
}

/** The number of rows between progress reports. */
const reported = 1000;

/**
 * Reads all rows.
 * @param see called with each row
 * @throws {InputError} `evaluate/no-rows`, and `dataset/...` if the data cannot be read
 */
export async function survey<T extends Task>(
  data: EvaluatedData<T>,
  { host, clock, options, warn }: Reading,
  see: (row: Numbered<ExampleOf<T>>) => void = () => undefined,
): Promise<Survey<T>> {
  const failed: FailedExample[] = [];
  let counting = true;
  const dataset = await data.open((error) => {
    // Later passes report the same invalid rows again, so ignore them.
    if (!counting) return;
    const row = { place: placeOf(error) ?? data.name, code: error.code, message: error.message };
    failed.push(row);
    options.onFailed?.(row);
  });
  for (const warning of dataset.warnings) warn(warning);
  const hasher = host.hasher();
  let rows = 0;
  clock.begin("data", 0, undefined);
  for await (const row of firstRows(dataset.examples, options.limit)) {
    options.signal?.throwIfAborted();
    hasher.update(`${fingerprint(row.example, (bytes) => hashOf(host, bytes))}\n`);
    see(row);
    if (++rows % reported === 0) clock.done(rows);
  }
  counting = false;
  if (rows === 0) throw noRows(data.name, failed.length);
  return {
    dataset,
    rows,
    sha256: hasher.digest(),
    failed,
    again: () => firstRows(dataset.examples, options.limit),
  };
}

function placeOf({ fields }: InputError): string | undefined {
  const { file, unit, row } = fields as Partial<Record<"file" | "unit" | "row", unknown>>;
  if (typeof file !== "string" || typeof unit !== "string") return undefined;
  return placeName({ file, unit: unit as Place["unit"], at: row as Place["at"] });
}
