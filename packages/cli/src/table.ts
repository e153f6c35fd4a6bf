// Columns for people: cells padded to the widest of their column, two spaces between. Widths are counted once a cell, so
// that the time grows with the rows (tables of cli-table3 grow with their square).
import { legible, must, shownDataUrl } from "@blip-ts/base";
import stringWidth from "string-width";

const gap = "  ";

/** Columns that a text takes on a terminal: wide characters two, colours none. */
const widthOf = (text: string): number => (/^[ -~]*$/.test(text) ? text.length : stringWidth(text));

/** A cell, with its width. */
interface Cell {
  readonly text: string;
  readonly width: number;
}

/** Names and texts of others take one line each: a line end within one would look like another row. */
function cellOf(written: string): Cell {
  const text = legible(shownDataUrl(written));
  return { text, width: widthOf(text) };
}

/**
 * A table's lines, the head first, each row one line.
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

/** Columns without rules; numbers to the right. */
export const table = (
  head: readonly string[],
  rows: readonly (readonly string[])[],
  numeric: number,
): string => [...tableLines(head, rows, numeric)].join("\n");
