// The common part of verbs with rows: loads the model, prints the rows, and counts failed ones.
import { shownDataUrl, type Closable } from "@blip-ts/base";
import type { FailedRow, FailedText, VerbCallOptions, VerbOptions } from "blip-ts";
import { chooseModel, loadOptions, type ImageFlags } from "./common-options.ts";
import { exitCodes } from "./exit-codes.ts";
import { progressBar } from "./progress.ts";
import { rowPrinter } from "./rows.ts";
import { tableLines } from "./table.ts";
import { tell, type Terminal } from "./terminal.ts";

export interface RowVerb<Row extends object, Model extends Closable> {
  /** A suggested model that does the verb's task on photographs. */
  readonly suggestion: string;
  readonly load: (source: string, options: VerbOptions) => Promise<Model>;
  readonly rows: (model: Model, call: VerbCallOptions) => AsyncIterable<Row | Failed>;
  /** The table for people: the columns, the number of numeric columns at the end, and the lines of a row. */
  readonly head: readonly string[];
  readonly numeric: number;
  readonly lines: (row: Row) => readonly (readonly string[])[];
  /** A row's failure, if it has one; by default its `error`. */
  readonly failureOf?: (row: Row | Failed) => RowFailure | undefined;
}

/** A row's failure, for people. */
export interface RowFailure {
  /** The failed image or text. */
  readonly subject: string;
  readonly code: string;
  /** The message, which also names the subject. */
  readonly message: string;
}

type Failed = FailedRow<string> | FailedText;

/** Whether the row's image or text failed. */
const failed = (row: object): row is Failed => "error" in row;

/** The failed subject for people: the image, with the text if the row has one. */
function subjectOf(row: Failed): string {
  if (!("image" in row)) return row.text;
  const about = row.text ?? row.question ?? row.statement;
  const image = shownDataUrl(row.image);
  return about === undefined ? image : `${image} ${JSON.stringify(about)}`;
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
        // The bar reappears below the message.
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
