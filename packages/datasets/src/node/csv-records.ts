// Reads CSV with csv-parse: quotes, escapes, line ends. Fields are read as Latin-1, one character per byte, and
// returned as bytes. The UTF-8 check happens per row.
import { Buffer } from "node:buffer";
import { CsvError, parse, type Parser } from "csv-parse";
import type { CsvOptions, CsvRecord } from "../records/csv.ts";
import type { Bytes } from "../files.ts";

/**
 * Yields records in order. A quote within a field is an ordinary character, as in Python's csv. An unclosed quote, or a
 * record that is too long, ends the records, because the start of the next one is unknown.
 * @throws the errors of `bytes`
 */
export async function* csvRecords(
  bytes: Bytes,
  { delimiter, rowBytes }: CsvOptions,
): AsyncGenerator<CsvRecord> {
  const records: CsvRecord[] = [];
  let failure: Error | undefined;
  let lines = 0;
  let blank = 0;
  // Records are collected in the callback: a failing parser loses those in its own queue.
  const parser = parse({
    delimiter,
    // As in Python's csv; otherwise the first line's end would be that of all lines.
    record_delimiter: ["\r\n", "\n", "\r"],
    encoding: "latin1",
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: rowBytes,
    on_record(fields: readonly string[], info) {
      // A record starts after the previous one and the blank lines in between; it may end lines later.
      const line = lines + 1 + info.empty_lines - blank;
      lines = info.lines;
      blank = info.empty_lines;
      records.push({
        line: Math.min(line, info.lines),
        fields: fields.map((field) => Buffer.from(field, "latin1")),
      });
      return undefined;
    },
  });
  parser.on("error", (error) => {
    failure = error;
  });
  try {
    for await (const chunk of bytes) {
      await written(parser, chunk);
      yield* records.splice(0);
      if (failure !== undefined) break;
    }
    if (failure === undefined) await ended(parser);
    yield* records.splice(0);
    if (failure !== undefined) yield problemOf(failure, lines + 1);
  } finally {
    parser.destroy();
  }
}

const written = (parser: Parser, chunk: Uint8Array): Promise<void> =>
  new Promise((resolve) => parser.write(chunk, () => resolve()));

const ended = (parser: Parser): Promise<void> =>
  new Promise((resolve) => {
    parser.once("close", resolve);
    parser.resume();
    parser.end();
  });

function problemOf(error: Error, line: number): CsvRecord {
  const tooLong = error instanceof CsvError && error.code === "CSV_MAX_RECORD_SIZE";
  const problem = tooLong ? "a record that is too long" : "a quote that is never closed";
  if (!(error instanceof CsvError)) throw error;
  return { line, kind: tooLong ? "too-long" : "quotes", problem, fatal: true };
}
