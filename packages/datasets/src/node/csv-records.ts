// CSV by csv-parse: quotes, escapes, line ends. Fields are taken as Latin-1, a character a byte, and handed on as bytes:
// whether they are UTF-8 is judged row by row.
import { Buffer } from "node:buffer";
import { CsvError, parse, type Parser } from "csv-parse";
import type { CsvOptions, CsvRecord } from "../records/csv.ts";
import type { Bytes } from "../files.ts";

/**
 * Records as the parser meets them. A quote within a field counts as a character, as in Python's csv. A quote that is
 * never closed, or a record that is too long, ends the records: where the next one begins cannot be known.
 * @throws whatever the bytes throw
 */
export async function* csvRecords(
  bytes: Bytes,
  { delimiter, rowBytes }: CsvOptions,
): AsyncGenerator<CsvRecord> {
  const records: CsvRecord[] = [];
  let failure: Error | undefined;
  let lines = 0;
  let blank = 0;
  // Taken in the callback: what lies in the parser's own queue is lost if it fails.
  const parser = parse({
    delimiter,
    encoding: "latin1",
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: rowBytes,
    on_record(fields: readonly string[], info) {
      // A record begins behind the last one and the blank lines since; it may end lines later.
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
