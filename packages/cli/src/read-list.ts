// Lists from files and standard input: UTF-8 text with one entry per line, or entries separated by NULs (`find
// -print0`). Lines end with LF, CR LF, or CR alone, as old programs for Macs write them.
import { type ListCode, badList } from "./errors.ts";

/** An entry, and its line number in the list, from 1. */
export interface ListEntry {
  readonly text: string;
  readonly line: number;
}

export interface ListForm {
  /** The list's name in messages: `--texts FILE`, `standard input`. */
  readonly source: string;
  /** The plural of an entry's kind: `texts`, `paths`. */
  readonly entries: string;
  /** The error code if the list cannot be used. */
  readonly code: ListCode;
  /** Entries end with NUL, and may contain line breaks. By default each line is an entry. */
  readonly nul?: boolean | undefined;
}

/**
 * Byte order marks of other encodings. They are checked before UTF-8, because ASCII in UTF-16 is valid UTF-8 with NULs.
 */
const marks: readonly (readonly [bytes: readonly number[], encoding: string])[] = [
  [[0xff, 0xfe, 0, 0], "UTF-32"],
  [[0, 0, 0xfe, 0xff], "UTF-32"],
  [[0xff, 0xfe], "UTF-16"],
  [[0xfe, 0xff], "UTF-16"],
];

const isUtf8 = (bytes: Uint8Array): boolean => {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
};

const refusal = ({ source, entries, code }: ListForm, line: number | undefined, problem: string) =>
  badList(
    code,
    `${source}${line === undefined ? "" : `, line ${line}`}`,
    `${entries} as UTF-8 text, a line each`,
    problem,
  );

/** The parts of a list between separators; an empty last part is left out. */
function* parts(bytes: Uint8Array, separator: number): Generator<Uint8Array, void, undefined> {
  let begin = 0;
  while (begin < bytes.length) {
    const end = bytes.indexOf(separator, begin);
    yield bytes.subarray(begin, end < 0 ? bytes.length : end);
    if (end < 0) return;
    begin = end + 1;
  }
}

/** The byte between entries. CR alone ends lines only if there is no LF, since it may be part of a path. */
const separatorOf = (bytes: Uint8Array, nul: boolean | undefined): number => {
  if (nul === true) return 0;
  return bytes.includes(0x0a) ? 0x0a : 0x0d;
};

/**
 * The entries of a list that are not blank.
 * @throws {UsageError} `form.code` if the bytes are not UTF-8 text, or if a line contains a NUL
 */
export function listEntries(bytes: Uint8Array, form: ListForm): ListEntry[] {
  const encoding = marks.find(([mark]) => mark.every((byte, index) => bytes[index] === byte))?.[1];
  if (encoding !== undefined) throw refusal(form, undefined, `${encoding}. Save the list as UTF-8`);
  const decoder = new TextDecoder("utf-8", { ignoreBOM: false });
  const list: ListEntry[] = [];
  let line = 0;
  for (const part of parts(bytes, separatorOf(bytes, form.nul))) {
    line++;
    if (!isUtf8(part))
      throw refusal(
        form,
        line,
        "bytes that are no UTF-8. Save the list as UTF-8; an image itself goes by its path",
      );
    if (form.nul !== true && part.includes(0))
      throw refusal(
        form,
        line,
        "a NUL. Give -0 if NULs end the paths on standard input, else save the list as text",
      );
    const text = decoder.decode(part).replace(form.nul === true ? /^$/ : /\r$/, "");
    if (text.trim() !== "") list.push({ text, line });
  }
  return list;
}
