// Detects a file's container from its first bytes; its name does not matter.
import { must } from "@blip-ts/base";
import { depthOf, isRecord } from "./bytes/json-pieces.ts";
import { decodeText, markLength, otherEncoding } from "./bytes/decode-text.ts";
import { badEncoding } from "./errors.ts";
import { wholeFile } from "./place.ts";

export type FileContainer = "json" | "jsonl" | "csv" | "parquet" | "webdataset";

export type SniffedFile =
  | { readonly container: "parquet" | "webdataset" }
  /** A list of rows, or a document that is an object. */
  | { readonly container: "json"; readonly top: "list" | "object" }
  /** `alone`: the file is one object on one line, which may also be a document. */
  | { readonly container: "jsonl"; readonly alone: boolean }
  | { readonly container: "csv"; readonly firstLine: string }
  | { readonly container: "unknown"; readonly description: string };

const others: readonly (readonly [prefix: string, description: string])[] = [
  ["PK\x03\x04", "a ZIP archive (unpack it)"],
  ["\x28\xb5\x2f\xfd", "zstd data (unpack it)"],
  ["BZh", "bzip2 data (unpack it)"],
  ["\xfd7zXZ", "xz data (unpack it)"],
  ["7z\xbc\xaf", "a 7z archive (unpack it)"],
  ["ARROW1", "an Arrow file (write it as Parquet)"],
  ["\x89HDF", "an HDF5 file"],
  ["\x80\x04", "a Python pickle (which is never run)"],
  ["\xff\xd8\xff", "a JPEG image"],
  ["\x89PNG", "a PNG image"],
  ["%PDF-", "a PDF document"],
  ["SQLite format 3", "an SQLite database"],
];

/**
 * Detects the container of a file.
 * @param head the first bytes, up to the limit of a row
 * @param whole whether `head` is the whole file
 * @throws {InputError} `dataset/encoding` for text in an encoding other than UTF-8
 */
export function sniffFile(name: string, head: Uint8Array, whole: boolean): SniffedFile {
  if (head.length === 0) return { container: "unknown", description: "an empty file" };
  const start = String.fromCharCode(...head.subarray(0, 512));
  if (start.startsWith("PAR1")) return { container: "parquet" };
  if (isTar(head)) return { container: "webdataset" };
  const other = others.find(([prefix]) => start.startsWith(prefix));
  if (other !== undefined) return { container: "unknown", description: other[1] };
  if (start.startsWith("version https://git-lfs"))
    return { container: "unknown", description: "a Git LFS pointer" };
  const encoding = otherEncoding(head);
  if (encoding !== undefined) throw badEncoding(wholeFile(name), encoding);
  return sniffText(head.subarray(markLength(head)), whole);
}

/**
 * Whether the bytes are a tar header. The header contains a checksum of itself, so archives without a magic word are
 * recognized too.
 */
function isTar(head: Uint8Array): boolean {
  if (head.length < 512) return false;
  let sum = 0;
  for (let at = 0; at < 512; at++) sum += at >= 148 && at < 156 ? 32 : must(head, at);
  const stored = /^ *([0-7]+)[ \0]/.exec(String.fromCharCode(...head.subarray(148, 156)))?.[1];
  return stored !== undefined && Number.parseInt(stored, 8) === sum && head[0] !== 0;
}

function sniffText(head: Uint8Array, whole: boolean): SniffedFile {
  const first = head.findIndex((byte) => byte !== 32 && byte !== 9 && byte !== 10 && byte !== 13);
  if (first < 0) return { container: "unknown", description: "blank lines" };
  if (head[first] === 0x5b) return { container: "json", top: "list" };
  const end = head.indexOf(10, first);
  const line = head.subarray(first, end < 0 ? head.length : end);
  if (head[first] === 0x7b) return sniffObject(head, line, end, whole);
  const text = readable(line);
  if (text === undefined) return { container: "unknown", description: "bytes that are not text" };
  return { container: "csv", firstLine: text.replace(/\r$/, "") };
}

/** A file whose first object ends with its line is JSON lines; any other is a document. */
function sniffObject(head: Uint8Array, line: Uint8Array, end: number, whole: boolean): SniffedFile {
  const text = end < 0 && !whole ? undefined : readable(line);
  const document = { container: "json", top: "object" } as const;
  if (text === undefined) return document;
  const next = end < 0 ? undefined : head.subarray(end).find((byte) => byte > 32);
  if (next === undefined && whole) return isObject(text) ? { container: "jsonl", alone: true } : document;
  // A broken first line is still JSON lines if the next line starts with an object.
  if (next === 0x7b || isObject(text)) return { container: "jsonl", alone: false };
  return document;
}

function isObject(text: string): boolean {
  if (depthOf(text) > 64) return false;
  try {
    return isRecord(JSON.parse(text));
  } catch {
    return false;
  }
}

function readable(line: Uint8Array): string | undefined {
  try {
    const text = decodeText(wholeFile(""), line);
    return /[\u0001-\u0008\u000e-\u001f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}
