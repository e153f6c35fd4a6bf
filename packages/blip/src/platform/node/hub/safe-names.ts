// Checks names that become parts of paths. They must be safe on every system, because several systems may share a disk.
import { badRevision } from "./hub-errors.ts";

/** The maximum bytes of a name, so that file systems also accept the name with a suffix such as `.incomplete`. */
const maxNameBytes = 200;
const maxPathBytes = 1000;

/** Windows' device names, with any extension. */
const device = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[\d¹²³])\s*(?:\.|$)/i;

/** Whether a name is a single path component, under Windows' rules too. */
export function isPlainName(name: string): boolean {
  if (name === "" || name === "." || name === "..") return false;
  // Path separators, drives and streams, wildcards, and characters that are unsafe in a terminal.
  if (/[\\/:*?"<>|\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/.test(name)) return false;
  // Windows drops trailing dots and spaces, so two names would denote one file.
  if (/[. ]$/.test(name) || device.test(name)) return false;
  return !/\p{Surrogate}/u.test(name) && Buffer.byteLength(name) <= maxNameBytes;
}

/** Whether a path is plain names separated by slashes. */
export const isPlainPath = (path: string): boolean =>
  Buffer.byteLength(path) <= maxPathBytes && path.split("/").every(isPlainName);

/** Checks an etag, because it becomes a file name. */
export const isPlainEtag = (etag: string): boolean => /^[\w.-]{1,128}$/.test(etag) && isPlainName(etag);

/** @throws {UsageError} `hub/bad-revision` */
export function checkRevision(revision: string): void {
  if (typeof revision === "string" && isPlainPath(revision)) return;
  throw badRevision(revision);
}
