// Names that become parts of paths, on every system alike: a cache may lie on a disk that several of them write.
import { badRevision } from "./hub-errors.ts";

/** Bytes that file systems allow for a name; ours get endings such as `.incomplete`. */
const maxNameBytes = 200;
const maxPathBytes = 1000;

/** Devices of Windows, whatever follows their dot. */
const device = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[\d¹²³])\s*(?:\.|$)/i;

/** Is it one name, which leads nowhere else under Windows' rules either? */
export function isPlainName(name: string): boolean {
  if (name === "" || name === "." || name === "..") return false;
  // Separators, drives and streams, patterns, what no terminal should see.
  if (/[\\/:*?"<>|\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/.test(name)) return false;
  // Windows forgets dots and spaces at the end, so that two names are one.
  if (/[. ]$/.test(name) || device.test(name)) return false;
  return !/\p{Surrogate}/u.test(name) && Buffer.byteLength(name) <= maxNameBytes;
}

/** Is it names with slashes between them, each of which is plain? */
export const isPlainPath = (path: string): boolean =>
  Buffer.byteLength(path) <= maxPathBytes && path.split("/").every(isPlainName);

/** An etag becomes the name of a file. */
export const isPlainEtag = (etag: string): boolean => /^[\w.-]{1,128}$/.test(etag) && isPlainName(etag);

/** @throws {UsageError} `hub/bad-revision` */
export function checkRevision(revision: string): void {
  if (typeof revision === "string" && isPlainPath(revision)) return;
  throw badRevision(revision);
}
