// Lists from files and standard input: UTF-8 text, an entry per line, or between NULs (`find -print0`).
import { type ListCode, badList } from "./errors.ts";

/** An entry, and the number of its line in the list, from 1. */
export interface ListEntry {
  readonly text: string;
  readonly line: number;
}

export interface ListForm {
  /** What is read, as a message names it: `--texts FILE`, `standard input`. */
  readonly source: string;
  /** What an entry is, in the plural: `texts`, `paths`. */
  readonly entries: string;
  /** The code of the error if the list cannot be used. */
  readonly code: ListCode;
  /** Entries end with NUL, and may hold line breaks. Default: a line each. */
  readonly nul?: boolean | undefined;
}

/** By how they begin; each is found before UTF-8 is tried, as UTF-16 of ASCII is UTF-8 with NULs in it. */
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

/** The parts of a list between separators; a last part without bytes is none. */
function* parts(bytes: Uint8Array, separator: number): Generator<Uint8Array, void, undefined> {
  let begin = 0;
  while (begin < bytes.length) {
    const end = bytes.indexOf(separator, begin);
    yield bytes.subarray(begin, end < 0 ? bytes.length : end);
    if (end < 0) return;
    begin = end + 1;
  }
}

/**
 * The entries of a list that are not blank.
 * @throws {UsageError} `form.code` if the bytes are no UTF-8 text, or have a NUL in them where lines are expected
 */
export function listEntries(bytes: Uint8Array, form: ListForm): ListEntry[] {
  const encoding = marks.find(([mark]) => mark.every((byte, index) => bytes[index] === byte))?.[1];
  if (encoding !== undefined) throw refusal(form, undefined, `${encoding}. Save the list as UTF-8`);
  const decoder = new TextDecoder("utf-8", { ignoreBOM: false });
  const list: ListEntry[] = [];
  let line = 0;
  for (const part of parts(bytes, form.nul === true ? 0 : 0x0a)) {
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
