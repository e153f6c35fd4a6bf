// Prints rows: a table for people, --json for programs, --jsonl for streams.
import { print, type Terminal, typed, write } from "./terminal.ts";

export interface RowPrinter<Row> {
  add(row: Row): void;
  /** Prints the rest: the array, or the table. */
  end(): void;
}

/** The number of characters per write. A large output in one string would exceed the maximum string length. */
const blockLength = 1 << 16;

function printBlocks({ stdout }: Terminal, pieces: Iterable<string>): void {
  let block = "";
  for (const piece of pieces) {
    block += piece;
    if (block.length < blockLength) continue;
    write(stdout, block);
    block = "";
  }
  if (block !== "") write(stdout, block);
}

/** `JSON.stringify(rows, undefined, 1)`, row by row. */
function* arrayPieces(rows: readonly unknown[]): Generator<string, void, undefined> {
  if (rows.length === 0) {
    yield "[]\n";
    return;
  }
  let before = "[\n ";
  for (const row of rows) {
    yield before + JSON.stringify(row, undefined, 1).replaceAll("\n", "\n ");
    before = ",\n ";
  }
  yield "\n]\n";
}

function* ended(lines: Iterable<string>): Generator<string, void, undefined> {
  for (const line of lines) yield `${line}\n`;
}

/** A row's JSON form: a class may define its own `toJSON`, which a copy of its fields would lose. */
function plainRow(row: unknown): unknown {
  const own = row as { toJSON?(): unknown };
  return own.toJSON ? own.toJSON() : row;
}

/** A row whose error message, if any, uses the command's option names. */
function withTypedError(terminal: Terminal, row: unknown): unknown {
  const plain = plainRow(row) as { readonly error?: { readonly message?: unknown } };
  if (typeof plain.error?.message !== "string") return plain;
  return { ...plain, error: { ...plain.error, message: typed(terminal, plain.error.message) } };
}

/** @param toTable returns the table's lines for all rows */
export function rowPrinter<Row>(
  terminal: Terminal,
  flags: { readonly json?: boolean; readonly jsonl?: boolean },
  toTable: (rows: readonly Row[]) => Iterable<string>,
): RowPrinter<Row> {
  const asShown = (row: Row): unknown => withTypedError(terminal, row);
  if (flags.jsonl === true)
    return { add: (row) => print(terminal.stdout, JSON.stringify(asShown(row))), end: () => undefined };
  const rows: Row[] = [];
  return {
    add: (row) => void rows.push(row),
    end: () =>
      printBlocks(terminal, flags.json === true ? arrayPieces(rows.map(asShown)) : ended(toTable(rows))),
  };
}
