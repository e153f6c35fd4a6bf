// The log of scores: one line of JSON per row, in the data's order, after a first line that identifies the run. Each
// line is one row, so a resumed run needs only the number of lines.
import { closedBy, type Closable } from "@blip-ts/base";
import type { Difference } from "../evaluate/errors.ts";
import type { RowFile } from "../evaluate/host.ts";
import { comparedFields, comparedModels, differing, type ModelIdentity } from "../evaluate/identity.ts";
import { notALog, otherRun } from "./errors.ts";
import type { Probability } from "./score.ts";

/** Everything that affects a row's numbers. Threshold, format and page apply later, so they may change. */
export interface RunIdentity {
  /** This package's version. */
  readonly capfilt: string;
  /** The captioner. */
  readonly captioner: ModelIdentity;
  /** The filter. */
  readonly filter: ModelIdentity;
  /** The data: its name, its number of rows, and their checksum. */
  readonly data: { readonly name: string; readonly rows: number; readonly sha256: string };
  /** The options that affect the results. */
  readonly options: Readonly<Record<string, string | number | boolean | null>>;
}

/** A captioned and filtered row. */
export interface ScoredRow {
  /** The number of the row, from 0, including invalid rows. */
  readonly n: number;
  /** The seed of the image's draw. */
  readonly seed: number;
  readonly web: readonly { readonly text: string; readonly probability: Probability }[];
  readonly synthetic: {
    readonly text: string;
    readonly probability: Probability;
    readonly tokens: readonly number[];
    readonly logProbability: number;
  };
}

/** A failed row: the row is invalid, its image cannot be read, or the model's results are not finite. */
export interface FailedRow {
  readonly n: number;
  /** The file and the row: "captions.jsonl, line 3". */
  readonly where: string;
  readonly error: { readonly code: string; readonly message: string };
}

export type LoggedRow = ScoredRow | FailedRow;

export interface RunLog extends Closable {
  /** The number of rows in the log. */
  readonly count: number;
  /** All rows from the first. @throws {UsageError} `capfilt/not-a-log` */
  rows(): AsyncIterable<LoggedRow>;
  append(rows: readonly LoggedRow[]): Promise<void>;
}

type Json = Readonly<Record<string, unknown>>;
const isRecord = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isIdentity = (value: unknown): value is RunIdentity =>
  isRecord(value) &&
  typeof value.capfilt === "string" &&
  [value.captioner, value.filter, value.data, value.options].every(isRecord);

const isProbability = (value: unknown): value is Probability => value === null || typeof value === "number";
const isScoredText = (value: unknown): boolean =>
  isRecord(value) && typeof value.text === "string" && isProbability(value.probability);

function isRow(value: unknown, n: number): value is LoggedRow {
  if (!isRecord(value) || value.n !== n) return false;
  const { error, web } = value;
  if (isRecord(error))
    return [value.where, error.code, error.message].every((text) => typeof text === "string");
  return (
    typeof value.seed === "number" &&
    Array.isArray(web) &&
    web.every(isScoredText) &&
    isScoredText(value.synthetic)
  );
}

/** @throws {UsageError} `capfilt/not-a-log` */
function parsed(name: string, line: number, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw notALog(name, line, "no JSON");
  }
}

/** The differences between two runs, ignoring names. */
const differences = (wanted: RunIdentity, other: RunIdentity): Difference[] =>
  differing([
    ["version of blip-ts", wanted.capfilt, other.capfilt],
    ...comparedModels("captioner", wanted.captioner, other.captioner),
    ...comparedModels("filter", wanted.filter, other.filter),
    ["data (SHA-256 of its rows)", wanted.data.sha256, other.data.sha256],
    ...comparedFields("option", wanted.options, other.options),
  ]);

/** The lines of the file after the first one. */
async function* bodyOf(file: RowFile): AsyncGenerator<string> {
  let line = 0;
  for await (const text of file.lines()) if (++line > 1) yield text;
}

/**
 * Opens the log of a run. Keeps the rows of an earlier run if its identity is equal, except those of an incomplete
 * batch. Batches are then the same in every run, so a row's numbers are bit-identical.
 * @param name the file's name, for messages @param batch rows per batch
 * @throws {UsageError} `capfilt/other-run` with the differences; `capfilt/not-a-log`
 */
export async function openLog(
  name: string,
  file: RowFile,
  identity: RunIdentity,
  batch: number,
): Promise<RunLog> {
  let lines = 0;
  for await (const text of file.lines()) {
    if (lines++ > 0) continue;
    const first = parsed(name, 1, text);
    if (!isIdentity(first)) throw notALog(name, 1, "a line that does not name its run");
    const different = differences(identity, first);
    if (different.length > 0) throw otherRun(name, different);
  }
  if (lines === 0) await file.append(`${JSON.stringify(identity)}\n`);
  const logged = Math.max(0, lines - 1);
  let count = logged === identity.data.rows ? logged : logged - (logged % batch);
  if (count < logged) await file.keep(1 + count);
  return {
    get count() {
      return count;
    },
    async *rows() {
      let n = 0;
      for await (const text of bodyOf(file)) {
        const row = parsed(name, n + 2, text);
        if (!isRow(row, n)) throw notALog(name, n + 2, "something else");
        n++;
        yield row;
      }
    },
    async append(rows) {
      await file.append(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
      count += rows.length;
    },
    ...closedBy(() => file.close()),
  };
}
