// Rows of CSV and TSV. The platform provides the parser (`node/csv-records.ts`). It returns bytes, so that invalid
// UTF-8 is an error of its row only.
import { InputError, must } from "@blip-ts/base";
import { decodeText } from "../bytes/decode-text.ts";
import { unmarked } from "../bytes/lines.ts";
import type { JsonRecord } from "../bytes/json-pieces.ts";
import { badRow, damaged, keysOf, tooLong } from "../errors.ts";
import type { Bytes } from "../files.ts";
import { wholeFile, type Place } from "../place.ts";
import type { RawRow } from "./raw-row.ts";

export type CsvRecord =
  | { readonly line: number; readonly fields: readonly Uint8Array[] }
  /** A record with invalid quotes or excessive length. `fatal`: no further record can be found. */
  | {
      readonly line: number;
      readonly problem: string;
      readonly kind: "quotes" | "too-long";
      readonly fatal: boolean;
    };

export interface CsvOptions {
  readonly delimiter: "," | "\t" | ";";
  readonly rowBytes: number;
}

/** The records in order. `line` is the first line of each, from 1. */
export type CsvRecords = (bytes: Bytes, options: CsvOptions) => AsyncIterable<CsvRecord>;

/**
 * Yields rows with the names from the first line. An empty field counts as absent.
 * @throws {InputError} `dataset/bad-row` if the first line is not a header, `dataset/encoding`
 */
export async function* csvRows(
  name: string,
  bytes: Bytes,
  options: CsvOptions,
  parse: CsvRecords,
): AsyncGenerator<RawRow> {
  let header: readonly string[] | undefined;
  for await (const record of parse(unmarked(name, bytes), options)) {
    const place: Place = { file: name, unit: "line", at: record.line };
    if ("problem" in record) {
      const error =
        record.kind === "too-long"
          ? tooLong(place, "a record", options.rowBytes)
          : damaged(place, "a record with its quotes in pairs", record.problem);
      if (header === undefined || record.fatal) throw error;
      yield { place, error };
    } else if (header === undefined) header = headerOf(place, record.fields);
    else yield rowOf(place, header, record.fields);
  }
  if (header === undefined)
    throw badRow(wholeFile(name), "a first line with the names of the columns", "an empty file");
}

function headerOf(place: Place, fields: readonly Uint8Array[]): readonly string[] {
  const names = fields.map((field) => decodeText(place, field).trim());
  const expected = "a name for each column in the first line";
  const empty = names.indexOf("");
  if (empty >= 0) throw badRow(place, expected, `none for column ${empty + 1}`, "Name the columns.");
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw badRow(place, expected, `"${twice}" for two columns`, "Name each column once.");
  return names;
}

function rowOf(place: Place, header: readonly string[], fields: readonly Uint8Array[]): RawRow {
  try {
    if (fields.length !== header.length)
      throw badRow(
        place,
        `${header.length} fields (${keysOf(header)})`,
        `${fields.length}`,
        "Put a field that holds the separator in quotes.",
      );
    const entries = header.map((name, index): [string, unknown] => {
      const text = decodeText(place, must(fields, index));
      return [name, text === "" ? undefined : text];
    });
    const record: JsonRecord = Object.fromEntries(entries);
    return { place, record };
  } catch (error) {
    if (error instanceof InputError) return { place, error };
    throw error;
  }
}

/** The character that separates the names in the first line. */
export function delimiterOf(firstLine: string): CsvOptions["delimiter"] {
  const plain = firstLine.replace(/"[^"]*"/g, "");
  const count = (char: string) => plain.split(char).length - 1;
  const tabs = count("\t");
  if (tabs > 0 && tabs >= count(",")) return "\t";
  return count(";") > count(",") ? ";" : ",";
}
