// What every verb that makes rows has in common: its model is loaded, its rows are printed, those that failed are counted.
import { type Closable } from "@blip-ts/base";
import type { FailedRow, FailedText, VerbCallOptions, VerbOptions } from "blip-ts";
import { chooseModel, loadOptions, type ImageFlags } from "./common-options.ts";
import { exitCodes } from "./exit-codes.ts";
import { progressBar } from "./progress.ts";
import { rowPrinter } from "./rows.ts";
import { tableLines } from "./table.ts";
import { tell, type Terminal } from "./terminal.ts";

export interface RowVerb<Row extends object, Model extends Closable> {
  /** A model that does the verb's task on photographs. */
  readonly suggestion: string;
  readonly load: (source: string, options: VerbOptions) => Promise<Model>;
  readonly rows: (model: Model, call: VerbCallOptions) => AsyncIterable<Row | Failed>;
  /** What people see: the columns, how many of the last are numbers, and the lines that a row is. */
  readonly head: readonly string[];
  readonly numeric: number;
  readonly lines: (row: Row) => readonly (readonly string[])[];
  /** What is wrong with a row, if it is: by default its `error`. */
  readonly failureOf?: (row: Row | Failed) => RowFailure | undefined;
}

/** What is wrong with a row, as people see it. */
export interface RowFailure {
  /** What failed. */
  readonly subject: string;
  readonly code: string;
  /** It says what failed too. */
  readonly message: string;
}

type Failed = FailedRow<string> | FailedText;

/** Did the row's picture fail, or its text? */
const failed = (row: object): row is Failed => "error" in row;

/** What failed, as people see it: the picture, and the text where it is about one. */
function subjectOf(row: Failed): string {
  if (!("image" in row)) return row.text;
  const about = row.text ?? row.question ?? row.statement;
  return about === undefined ? row.image : `${row.image} ${JSON.stringify(about)}`;
}

function ownFailure(row: object): RowFailure | undefined {
  if (!failed(row)) return undefined;
  const { code, message } = row.error;
  const subject = subjectOf(row);
  return { subject, code, message: message.startsWith(subject) ? message : `${subject}: ${message}` };
}

/** @returns the exit code */
export async function printRows<Row extends object, Model extends Closable>(
  terminal: Terminal,
  flags: ImageFlags,
  { suggestion, load, rows, head, numeric, lines, failureOf = ownFailure }: RowVerb<Row, Model>,
): Promise<number> {
  const { signal } = terminal;
  const progress = progressBar(terminal, flags.quiet);
  try {
    const source = chooseModel(flags, terminal, suggestion);
    const model = await load(source, loadOptions(flags, terminal, progress));
    try {
      const linesOf = (row: Row | Failed) => {
        const failure = failureOf(row);
        if (!failure) return lines(row as Row);
        return [
          [failure.subject, `(${failure.code})`, ...head.slice(2).map(() => "-")].slice(0, head.length),
        ];
      };
      const printer = rowPrinter<Row | Failed>(terminal, flags, (all) =>
        tableLines(head, all.flatMap(linesOf), numeric),
      );
      let failures = 0;
      const call: VerbCallOptions = {
        signal,
        imageBatchSize: flags.batchSize,
        onProgress: ({ done, total }) => progress.update("images", done, total),
      };
      for await (const row of rows(model, call)) {
        printer.add(row);
        const failure = failureOf(row);
        if (!failure) continue;
        failures++;
        if (flags.quiet === true) continue;
        // The bar comes back below the message.
        progress.stop();
        tell(terminal, failure.message);
      }
      printer.end();
      return failures > 0 ? exitCodes.failed : exitCodes.done;
    } finally {
      await model.close();
    }
  } finally {
    progress.stop();
  }
}

export const percent = (probability: number): string => `${(probability * 100).toFixed(1)} %`;
