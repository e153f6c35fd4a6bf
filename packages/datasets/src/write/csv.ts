// Writes records as lines of CSV (RFC 4180, with "\n" as line end). Lists and objects become JSON, null becomes empty.
import { plainValue } from "./json.ts";

const cell = (text: string): string =>
  /[",\r\n;\t]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

function cellOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  const plain = plainValue(value);
  if (typeof plain === "string") return cell(plain);
  return typeof plain === "number" || typeof plain === "boolean"
    ? String(plain)
    : cell(JSON.stringify(plain));
}

/** The header line with the names of the columns. */
export const csvHead = (columns: readonly string[]): string => `${columns.map(cell).join(",")}\n`;

/** A record's values in the order of the columns. */
export const csvLine = (columns: readonly string[], record: Readonly<Record<string, unknown>>): string =>
  `${columns.map((name) => (Object.hasOwn(record, name) ? cellOf(record[name]) : "")).join(",")}\n`;
