// Columns for people: cells are padded to the widest of their column, with two spaces between. Each cell's width is
// computed once, so that the time is linear in the number of rows (cli-table3's is quadratic).
import { legible, must, shownDataUrl } from "@blip-ts/base";
import stringWidth from "string-width";

const gap = "  ";

/** The width of a text on a terminal: wide characters take two columns, colours none. */
const widthOf = (text: string): number => (/^[ -~]*$/.test(text) ? text.length : stringWidth(text));

/** A cell, with its width. */
interface Cell {
  readonly text: string;
  readonly width: number;
}

/** Removes line breaks from names and texts, because a line break would look like a new row. */
function cellOf(written: string): Cell {
  const text = legible(shownDataUrl(written));
  return { text, width: widthOf(text) };
}

/**
 * Yields a table's lines: the head first, then one line per row.
 * @param numeric the number of numeric columns at the end, which are right-aligned
 */
export function* tableLines(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  numeric: number,
): Generator<string, void, undefined> {
  // A text occurs in as many rows as there are images.
  const known = new Map<string, Cell>();
  const read = (text: string): Cell => {
    const cell = known.get(text) ?? cellOf(text);
    known.set(text, cell);
    return cell;
  };
  const cells = [head, ...rows].map((row) => head.map((_, column) => read(must(row, column, "cell"))));
  const widths = head.map((_, column) =>
    cells.reduce((most, row) => Math.max(most, must(row, column).width), 0),
  );
  for (const row of cells)
    yield row
      .map(({ text, width }, column) => {
        const space = " ".repeat(must(widths, column) - width);
        return column >= head.length - numeric ? space + text : text + space;
      })
      .join(gap)
      .trimEnd();
}

/** Columns without rules; numbers are right-aligned. */
export const table = (
  head: readonly string[],
  rows: readonly (readonly string[])[],
  numeric: number,
): string => [...tableLines(head, rows, numeric)].join("\n");
