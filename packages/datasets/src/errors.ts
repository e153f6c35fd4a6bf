// The errors of data files: one factory per error. Their codes are `dataset/...`. Names and texts from a file are
// shortened and stripped of control characters before they are shown.
import { type BlipErrorCode, InputError, UsageError, type Warning } from "@blip-ts/base";
import { placeName, shown, type Place } from "./place.ts";

/** A short description of a value: `a number (5)`, `a list of 3`. */
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

/** The first names of fields or files, and the number of the rest. */
export function keysOf(keys: readonly string[], most = 8): string {
  if (keys.length === 0) return "no fields";
  const first = keys
    .slice(0, most)
    .map((key) => `"${shown(key, 40)}"`)
    .join(", ");
  return keys.length > most ? `${first} and ${keys.length - most} more` : first;
}

const failure = (
  code: BlipErrorCode,
  place: Place,
  text: string,
  fields: Record<string, unknown>,
  cause?: unknown,
): InputError =>
  new InputError(
    code,
    `${placeName(place)}: ${text}`,
    { file: place.file, unit: place.unit, row: place.at, ...fields },
    cause === undefined ? undefined : { cause },
  );

/**
 * A field of a row has an unusable value.
 * @remedy Correct the row.
 */
export const badField = (
  place: Place,
  field: string,
  expected: string,
  found: string,
  remedy = "Correct the row.",
): InputError =>
  failure(
    "dataset/bad-field",
    place,
    `field "${shown(field, 80)}": expected ${expected}, got ${found}. ${remedy}`,
    {
      field,
      expected,
      found,
    },
  );

/**
 * A row does not match the form of its file.
 * @remedy Correct the row.
 */
export const badRow = (
  place: Place,
  expected: string,
  found: string,
  remedy = "Correct the row.",
): InputError =>
  failure("dataset/bad-row", place, `expected ${expected}, got ${found}. ${remedy}`, { expected, found });

/**
 * A row is not valid JSON.
 * @remedy Correct the row.
 */
export const badJson = (place: Place, detail: string): InputError =>
  failure("dataset/bad-json", place, `expected valid JSON, got ${shown(detail)}. Correct the row.`, {
    detail,
  });

/**
 * The file as a whole is not valid JSON. The rest of it cannot be read.
 * @remedy Correct the file, or download it again.
 */
export const badDocument = (place: Place, expected: string, found: string): InputError =>
  failure(
    "dataset/bad-json",
    place,
    `expected ${expected}, got ${found}. The rest of the file cannot be read: correct the file, or download it again.`,
    { expected, found },
  );

/**
 * The file ends too early.
 * @remedy Download the file again.
 */
export const truncated = (place: Place, expected: string): InputError =>
  failure(
    "dataset/truncated",
    place,
    `expected ${expected}, but the file ends before that. Download the file again.`,
    {
      expected,
    },
  );

/**
 * A part of the file is damaged.
 * @remedy Download the file again, or write it again.
 */
export const damaged = (place: Place, what: string, detail: string, cause?: unknown): InputError =>
  failure(
    "dataset/damaged",
    place,
    `expected ${what}, got damaged data (${shown(detail)}). Download the file again, or write it again.`,
    { expected: what, found: detail },
    cause,
  );

/**
 * The file uses an unsupported feature.
 * @remedy Follow the advice in the message; usually, write the file in another way.
 */
export const unsupported = (place: Place, expected: string, found: string, remedy: string): InputError =>
  failure("dataset/unsupported", place, `expected ${expected}, got ${shown(found)}. ${remedy}`, {
    expected,
    found,
  });

/**
 * A part of the file exceeds its limit.
 * @remedy Make it smaller, or raise the limit (`limits`) if you trust the file.
 */
export const tooLarge = (
  place: Place,
  what: string,
  found: number,
  limit: number,
  option: string,
): InputError =>
  failure(
    "dataset/too-large",
    place,
    `expected ${what} of at most ${limit}, got ${found}. Make it smaller, or raise limits.${option} if you trust the file.`,
    { what, found, limit, option },
  );

/**
 * A row is longer than `limits.rowBytes`.
 * @remedy Make it shorter, or raise the limit if you trust the file.
 */
export const tooLong = (place: Place, what: string, limit: number): InputError =>
  failure(
    "dataset/too-large",
    place,
    `expected ${what} of at most ${limit} bytes, got more. Make it shorter, or raise limits.rowBytes if you trust the file.`,
    { what, limit, option: "rowBytes" },
  );

/**
 * A row nests lists and objects deeper than the limit.
 * @remedy Flatten the row.
 */
export const tooDeep = (place: Place, limit: number): InputError =>
  failure(
    "dataset/too-deep",
    place,
    `expected at most ${limit} levels of lists and objects, got more. Flatten the row.`,
    {
      limit,
    },
  );

/**
 * The file is not UTF-8.
 * @remedy Save the file as UTF-8.
 */
export const badEncoding = (place: Place, found: string): InputError =>
  failure("dataset/encoding", place, `expected UTF-8 text, got ${found}. Save the file as UTF-8.`, {
    found,
  });

/**
 * A row names an image outside the images' folder.
 * @remedy Give the folder that paths are relative to, or allow paths outside if you trust the file (`allowOutside`).
 */
export const outsideRoot = (place: Place, field: string, path: string, why: string): InputError =>
  failure(
    "dataset/outside-root",
    place,
    `field "${shown(field, 80)}": expected a path within the images' folder, got "${shown(path)}", ${why}. ` +
      "Give the folder that the path is relative to, or allow paths outside if you trust the file.",
    { field, path, why },
  );

/**
 * The data file or folder does not exist.
 * @remedy Check the path.
 */
export const notFound = (
  file: string,
  found = "there is no such file or folder",
  cause?: unknown,
): InputError =>
  failure(
    "dataset/not-found",
    { file, unit: "file", at: 0 },
    `expected a file or folder of data, but ${found}. Check the path.`,
    { found },
    cause,
  );

/**
 * Reading the data file failed.
 * @remedy Check its permissions and the disk.
 */
export const unreadable = (file: string, detail: string, cause?: unknown): InputError =>
  failure(
    "dataset/unreadable",
    { file, unit: "file", at: 0 },
    `expected a readable file, got an error (${shown(detail)}). Check its permissions and the disk.`,
    { detail },
    cause,
  );

/**
 * The form of the data is unknown.
 * @remedy Change the file, or name its form with `format` and its columns with `columns`.
 */
export const unknownFormat = (
  file: string,
  task: string,
  found: string,
  known: readonly string[],
): InputError =>
  failure(
    "dataset/unknown-format",
    { file, unit: "file", at: 0 },
    `expected data for ${task} in a known form, got ${found}. Known forms: ${known.join("; ")}. ` +
      'Change the file, or name the form with "format" and its columns with "columns".',
    { task, found, known },
  );

/**
 * The data could have several forms.
 * @remedy Name one with `format`.
 */
export const ambiguousFormat = (
  file: string,
  task: string,
  found: readonly string[],
  remedy = 'Name one with "format".',
): InputError =>
  failure(
    "dataset/ambiguous-format",
    { file, unit: "file", at: 0 },
    `expected data for ${task} in one form, got several: ${found.join("; ")}. ${remedy}`,
    { task, found },
  );

/**
 * The data does not have the form that `format` names.
 * @remedy Omit `format` to have the form detected.
 */
export const wrongFormat = (file: string, format: string, expected: string, found: string): InputError =>
  failure(
    "dataset/wrong-format",
    { file, unit: "file", at: 0 },
    `expected the form "${format}" (${expected}), got ${found}. Omit "format" to have the form detected.`,
    { format, expected, found },
  );

/**
 * An option for reading data has an invalid value.
 * @remedy Give a value that the message allows.
 */
export const badOption = (option: string, expected: string, found: string): UsageError =>
  new UsageError(
    "dataset/bad-option",
    `${option}: expected ${expected}, got ${shown(found)}. Change the option.`,
    {
      option,
      expected,
      found,
    },
  );

/**
 * The option `split` is given for data without splits.
 * @remedy Leave `split` out, or give each row a field `split`.
 */
export const noSplits = (file: string, what: string, split: string): UsageError =>
  new UsageError(
    "dataset/bad-option",
    `split: expected none for ${shown(file)} (${what}), which has no rows with a field "split", got "${shown(split, 40)}". ` +
      'Leave it out, or give each row a field "split".',
    { option: "split", file, found: split },
  );

/**
 * `columns` names a column that the table lacks.
 * @remedy Name one of the columns that the message lists.
 */
export const badColumn = (file: string, role: string, column: string, names: readonly string[]): UsageError =>
  new UsageError(
    "dataset/bad-column",
    `${shown(file)}: expected a column "${shown(column, 80)}" (${role}), got ${keysOf(names, 16)}. Name one of these.`,
    { file, role, column, names },
  );

/**
 * Text files of a folder have no image of the same name beside them, and are left out.
 * @remedy Add the images, or remove the text files.
 */
export const textsLeftOut = (folder: string, paths: readonly string[]): Warning => ({
  code: "dataset/texts-left-out",
  message:
    `${shown(folder)}: expected an image of the same name beside each text file, got none beside ` +
    `${paths.length} of them, left out: ${keysOf(paths, 4)}. Add the images, or remove the text files.`,
});
