// Columns for people: cells padded to the widest of their column, two spaces between. Widths are counted once a cell, so
// that the time grows with the rows (tables of cli-table3 grow with their square).
import { must } from "@blip-ts/base";
import stringWidth from "string-width";

const gap = "  ";

/** Columns that a text takes on a terminal: wide characters two, colours none. */
const widthOf = (text: string): number => (/^[ -~]*$/.test(text) ? text.length : stringWidth(text));

/** A cell's lines, with their widths. */
type Cell = readonly { readonly text: string; readonly width: number }[];

const cellOf = (text: string): Cell => text.split("\n").map((line) => ({ text: line, width: widthOf(line) }));

/** Below the last line of a cell. */
const blank = { text: "", width: 0 };

/**
 * A table's lines, the head first; a row has as many as its highest cell.
 * @param numeric how many of the last columns are numbers, to the right
 */
export function* tableLines(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  numeric: number,
): Generator<string, void, undefined> {
  // A text stands in as many rows as there are images.
  const known = new Map<string, Cell>();
  const read = (text: string): Cell => {
    const cell = known.get(text) ?? cellOf(text);
    known.set(text, cell);
    return cell;
  };
  const cells = [head, ...rows].map((row) => head.map((_, column) => read(must(row, column, "cell"))));
  const widths = head.map(() => 0);
  for (const row of cells)
    for (const [column, cell] of row.entries())
      for (const { width } of cell) widths[column] = Math.max(must(widths, column), width);
  for (const row of cells) {
    const height = row.reduce((most, cell) => Math.max(most, cell.length), 0);
    for (let line = 0; line < height; line++)
      yield row
        .map((cell, column) => {
          const { text, width } = line < cell.length ? must(cell, line) : blank;
          const space = " ".repeat(must(widths, column) - width);
          return column >= head.length - numeric ? space + text : text + space;
        })
        .join(gap)
        .trimEnd();
  }
}

/** Columns without rules; numbers to the right. */
export const table = (
  head: readonly string[],
  rows: readonly (readonly string[])[],
  numeric: number,
): string => [...tableLines(head, rows, numeric)].join("\n");
