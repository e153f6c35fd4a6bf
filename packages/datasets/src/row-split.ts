// Selects the rows of a split by their field `split`. Folders have splits in the names of their files (detect.ts).
import { badField, badRow, described, keysOf, noSplits } from "./errors.ts";
import { wholeFile } from "./place.ts";
import type { RawRow } from "./records/raw-row.ts";
import type { RowSource } from "./row-source.ts";

const field = "split";

/** The number of names of splits that an error quotes. */
const quoted = 16;

/**
 * The rows whose field `split` has this value. A row without a text there is an error.
 * @throws {UsageError} `dataset/bad-option` if no row has the field
 * @throws {InputError} `dataset/bad-row` if no row has the value
 */
export async function rowsOfSplit(source: RowSource, split: string): Promise<RowSource> {
  await checkSplit(source, split);
  const selected = <Part extends Pick<RowSource, "name" | "rows">>(part: Part): Part => ({
    ...part,
    rows: (needed) => ownRows(part.rows(needed && [...needed, field]), split),
  });
  return { ...selected(source), ...(source.parts && { parts: source.parts.map(selected) }) };
}

/** Reads as far as the first row of the split. */
async function checkSplit(source: RowSource, split: string): Promise<void> {
  const { name, what, columns } = source;
  if (columns !== undefined && !columns.includes(field)) throw noSplits(name, what, split);
  const others = new Set<string>();
  for await (const row of source.rows([field])) {
    const own = "record" in row ? row.record[field] : undefined;
    if (own === split) return;
    if (typeof own === "string" && others.size < quoted) others.add(own);
  }
  if (others.size === 0) throw noSplits(name, what, split);
  throw badRow(
    wholeFile(name),
    `rows of the split "${split}"`,
    keysOf([...others], quoted),
    "Name one of these splits.",
  );
}

async function* ownRows(rows: AsyncIterable<RawRow>, split: string): AsyncGenerator<RawRow> {
  for await (const row of rows) {
    const own = "record" in row ? row.record[field] : split;
    if (own === split) yield row;
    else if (typeof own !== "string")
      yield { place: row.place, error: badField(row.place, field, "a text", described(own)) };
  }
}
