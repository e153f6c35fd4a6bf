// The log of finished rows: one line of JSON per row, after a first line that identifies the run.
import { type Closable, closedBy, type BlipError } from "@blip-ts/base";
import { notRows, otherRun } from "./errors.ts";
import type { RowFile } from "./host.ts";
import { differences, type Identity } from "./identity.ts";

/** A line of the log: its kind, and its number within the kind. */
export interface LoggedRow extends Readonly<Record<string, unknown>> {
  readonly kind: string;
  readonly n: number;
  readonly error?: { readonly code: string; readonly message: string };
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isRow = (value: unknown): value is LoggedRow =>
  isRecord(value) && typeof value.kind === "string" && Number.isSafeInteger(value.n);

function isIdentity(value: unknown): value is Identity {
  if (!isRecord(value)) return false;
  const { model, data, options } = value;
  return isRecord(model) && isRecord(data) && isRecord(options);
}

export interface RowLog extends Closable {
  /** All rows, in the order of writing. A row replaces earlier rows with the same kind and number. */
  rows(): AsyncIterable<LoggedRow>;
  append(rows: readonly LoggedRow[]): Promise<void>;
}

/** Creates the row of a failure. */
export const failedRow = (kind: string, n: number, { code, message }: BlipError): LoggedRow => ({
  kind,
  n,
  error: { code, message },
});

/**
 * Opens the log of a run. Keeps the rows of an earlier run if its identity is equal.
 * @param name the file's name, for messages
 * @throws {UsageError} `evaluate/other-run` with the differences; `evaluate/not-rows`
 */
export async function openLog(
  name: string,
  file: RowFile,
  identity: Identity,
  restart: boolean,
): Promise<RowLog> {
  if (restart) await file.clear();
  let begun = false;
  for await (const line of file.lines()) {
    begun = true;
    const first = parsed(name, 1, line);
    if (!isIdentity(first)) throw notRows(name, 1, "a line that does not name its run");
    const different = differences(identity, first);
    if (different.length > 0) throw otherRun(name, different);
    break;
  }
  if (!begun) await file.append(`${JSON.stringify(identity)}\n`);
  return {
    async *rows() {
      let line = 0;
      for await (const text of file.lines()) {
        if (++line === 1) continue;
        const row = parsed(name, line, text);
        if (!isRow(row)) throw notRows(name, line, "something else");
        yield row;
      }
    },
    append: (rows) => file.append(rows.map((row) => `${JSON.stringify(row)}\n`).join("")),
    ...closedBy(() => file.close()),
  };
}

/** @throws {UsageError} `evaluate/not-rows` */
function parsed(name: string, line: number, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw notRows(name, line, "no JSON");
  }
}

/** The path of a file next to the report: `report.rows.jsonl` for `report.json`. */
export const besideReport = (report: string, ending: string): string =>
  `${report.replace(/\.json$/i, "")}.${ending}`;
