// What can be wrong with a data file: one factory a failure. Codes are `dataset/...`.
// Names and texts that come from a file are cut and stripped of control characters before they are shown.
import { InputError, UsageError } from "@blip-ts/base";
import { placeName, shown, type Place } from "./place.ts";

/** A value in a few words: `a number (5)`, `a list of 3`. */
export function described(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (typeof value === "string") return value === "" ? "an empty text" : `a text ("${shown(value, 40)}")`;
  if (typeof value === "number" || typeof value === "bigint") return `a number (${value})`;
  if (typeof value === "boolean") return `${value}`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object") return `an object with ${keysOf(Object.keys(value))}`;
  return `a ${typeof value}`;
}

/** The names of fields or files: the first of them, and how many more there are. */
export function keysOf(keys: readonly string[], most = 8): string {
  if (keys.length === 0) return "no fields";
  const first = keys
    .slice(0, most)
    .map((key) => `"${shown(key, 40)}"`)
    .join(", ");
  return keys.length > most ? `${first} and ${keys.length - most} more` : first;
}

const failure = (
  code: string,
  place: Place,
  text: string,
  fields: Record<string, unknown>,
  cause?: unknown,
): InputError =>
  new InputError(
    `dataset/${code}`,
    `${placeName(place)}: ${text}`,
    { file: place.file, unit: place.unit, row: place.at, ...fields },
    cause === undefined ? undefined : { cause },
  );

export const badField = (
  place: Place,
  field: string,
  expected: string,
  found: string,
  remedy = "Correct the row.",
): InputError =>
  failure(
    "bad-field",
    place,
    `field "${shown(field, 80)}": expected ${expected}, found ${found}. ${remedy}`,
    {
      field,
      expected,
      found,
    },
  );

export const badRow = (
  place: Place,
  expected: string,
  found: string,
  remedy = "Correct the row.",
): InputError =>
  failure("bad-row", place, `expected ${expected}, found ${found}. ${remedy}`, { expected, found });

export const badJson = (place: Place, detail: string): InputError =>
  failure("bad-json", place, `expected valid JSON, found ${shown(detail)}. Correct the row.`, { detail });

export const badDocument = (place: Place, expected: string, found: string): InputError =>
  failure(
    "bad-json",
    place,
    `expected ${expected}, found ${found}. The rest of the file cannot be read: correct it, or get it again.`,
    { expected, found },
  );

export const truncated = (place: Place, expected: string): InputError =>
  failure("truncated", place, `expected ${expected}, but the file ends before that. Get the file again.`, {
    expected,
  });

export const damaged = (place: Place, what: string, detail: string, cause?: unknown): InputError =>
  failure(
    "damaged",
    place,
    `expected ${what}, found that it is damaged (${shown(detail)}). Get the file again, or write it anew.`,
    { expected: what, found: detail },
    cause,
  );

export const unsupported = (place: Place, expected: string, found: string, remedy: string): InputError =>
  failure("unsupported", place, `expected ${expected}, found ${shown(found)}. ${remedy}`, {
    expected,
    found,
  });

export const tooLarge = (
  place: Place,
  what: string,
  found: number,
  limit: number,
  option: string,
): InputError =>
  failure(
    "too-large",
    place,
    `expected ${what} of at most ${limit}, found ${found}. Make it smaller, or raise limits.${option} if you trust the file.`,
    { what, found, limit, option },
  );

export const tooLong = (place: Place, what: string, limit: number): InputError =>
  failure(
    "too-large",
    place,
    `expected ${what} of at most ${limit} bytes, found more. Make it shorter, or raise limits.rowBytes if you trust the file.`,
    { what, limit, option: "rowBytes" },
  );

export const tooDeep = (place: Place, limit: number): InputError =>
  failure(
    "too-deep",
    place,
    `expected at most ${limit} levels of lists and objects, found more. Flatten the row.`,
    {
      limit,
    },
  );

export const badEncoding = (place: Place, found: string): InputError =>
  failure("encoding", place, `expected UTF-8 text, found ${found}. Save the file as UTF-8.`, { found });

export const outsideRoot = (place: Place, field: string, path: string, why: string): InputError =>
  failure(
    "outside-root",
    place,
    `field "${shown(field, 80)}": expected a path within the images' folder, found "${shown(path)}", ${why}. ` +
      "Give the folder that it is relative to, or allow paths outside if you trust the file.",
    { field, path, why },
  );

export const notFound = (
  file: string,
  found = "there is no such file or folder",
  cause?: unknown,
): InputError =>
  failure(
    "not-found",
    { file, unit: "file", at: 0 },
    `expected a file or folder of data, but ${found}. Check the path.`,
    { found },
    cause,
  );

export const unreadable = (file: string, detail: string, cause?: unknown): InputError =>
  failure(
    "unreadable",
    { file, unit: "file", at: 0 },
    `expected a file that can be read, found that it cannot (${shown(detail)}). Check its rights and the disk.`,
    { detail },
    cause,
  );

export const unknownFormat = (
  file: string,
  task: string,
  found: string,
  known: readonly string[],
): InputError =>
  failure(
    "unknown-format",
    { file, unit: "file", at: 0 },
    `expected data for ${task} in a form that is known, found ${found}. Known forms: ${known.join("; ")}. ` +
      'Change the file, or name the form with "format" and its columns with "columns".',
    { task, found, known },
  );

export const ambiguousFormat = (
  file: string,
  task: string,
  found: readonly string[],
  remedy = 'Name one with "format".',
): InputError =>
  failure(
    "ambiguous-format",
    { file, unit: "file", at: 0 },
    `expected data for ${task} in one form, found several: ${found.join("; ")}. ${remedy}`,
    { task, found },
  );

export const wrongFormat = (file: string, format: string, expected: string, found: string): InputError =>
  failure(
    "wrong-format",
    { file, unit: "file", at: 0 },
    `expected the form "${format}" (${expected}), found ${found}. Leave "format" out to have the form found.`,
    { format, expected, found },
  );

export const badOption = (option: string, expected: string, found: string): UsageError =>
  new UsageError(
    "dataset/bad-option",
    `${option}: expected ${expected}, found ${shown(found)}. Change the option.`,
    {
      option,
      expected,
      found,
    },
  );

export const badColumn = (file: string, role: string, column: string, names: readonly string[]): UsageError =>
  new UsageError(
    "dataset/bad-column",
    `${shown(file)}: expected a column "${shown(column, 80)}" (${role}), found ${keysOf(names, 16)}. Name one of these.`,
    { file, role, column, names },
  );
