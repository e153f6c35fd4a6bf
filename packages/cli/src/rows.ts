// Rows as they are printed: a table for people, --json for programs, --jsonl for streams.
import Table from "cli-table3";
import { print, type Terminal } from "./terminal.ts";

const plain = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "  ",
};

/** Columns without lines; numbers to the right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  numeric: number,
): string {
  const made = new Table({
    head: [...head],
    chars: plain,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
    colAligns: head.map((_, index) => (index >= head.length - numeric ? "right" : "left")),
  });
  for (const row of rows) made.push([...row]);
  return made
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

export interface RowPrinter<Row> {
  add(row: Row): void;
  /** Prints what is left: the array, or the table. */
  end(): void;
}

/** @param toTable the table of all rows */
export function rowPrinter<Row>(
  terminal: Terminal,
  flags: { readonly json?: boolean; readonly jsonl?: boolean },
  toTable: (rows: readonly Row[]) => string,
): RowPrinter<Row> {
  if (flags.jsonl === true)
    return { add: (row) => print(terminal.stdout, JSON.stringify(row)), end: () => undefined };
  const rows: Row[] = [];
  return {
    add: (row) => void rows.push(row),
    end: () =>
      print(terminal.stdout, flags.json === true ? JSON.stringify(rows, undefined, 1) : toTable(rows)),
  };
}
