// Checks whether a cached file is complete. A full disk or an interrupted copy leaves truncated files. Most kinds of
// files can be checked without reading them completely.
import { createHash } from "node:crypto";
import { open, readFile, realpath, stat, type FileHandle } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { maxSafetensorsHeader, parseStrictJson } from "@blip-ts/checkpoint";

export type FileState = "whole" | "missing" | "cut";

/** The maximum size of files to verify by their git sha1, which is their name. Hashing them is fast. */
const maxHashedBytes = 4_000_000;
/** The maximum bytes of a zip archive's end record, with the longest possible comment. */
const maxZipEnd = 22 + 65_535;

async function bytesAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await file.read(bytes, 0, length, offset);
  return bytes.subarray(0, bytesRead);
}

/** The file size according to a safetensors file's own header; undefined if the header is invalid. */
async function safetensorsSize(file: FileHandle, size: number): Promise<number | undefined> {
  const head = await bytesAt(file, 0, 8);
  if (head.length < 8) return 8;
  const length = head.readBigUInt64LE();
  const { bytes: most, ...limits } = maxSafetensorsHeader;
  if (length > most) return undefined;
  const start = 8 + Number(length);
  if (start > size) return start;
  const header = await parseStrictJson((await bytesAt(file, 8, Number(length))).toString("utf8"), limits);
  if (!header.ok || typeof header.value !== "object" || header.value === null) return undefined;
  let end = 0;
  for (const value of Object.values(header.value)) {
    const offsets: unknown = (value as { data_offsets?: unknown } | null)?.data_offsets;
    const last: unknown = Array.isArray(offsets) ? offsets[1] : undefined;
    if (typeof last === "number" && Number.isSafeInteger(last) && last > end) end = last;
  }
  return start + end;
}

/** Whether a zip archive lacks its end record. */
async function isZipCut(file: FileHandle, size: number): Promise<boolean> {
  const head = await bytesAt(file, 0, 4);
  if (head.toString("latin1") !== "PK\x03\x04") return false;
  const length = Math.min(size, maxZipEnd);
  return !(await bytesAt(file, size - length, length)).includes("PK\x05\x06", 0, "latin1");
}

async function isCutByContent(path: string, name: string, etag: string, size: number): Promise<boolean> {
  if (size === 0) return true;
  if (/^[0-9a-f]{40}$/.test(etag) && size <= maxHashedBytes) {
    const digest = createHash("sha1")
      .update(`blob ${size}\0`)
      .update(await readFile(path))
      .digest("hex");
    return digest !== etag;
  }
  const file = await open(path, "r");
  try {
    if (name.endsWith(".safetensors")) return size < ((await safetensorsSize(file, size)) ?? 0);
    return await isZipCut(file, size);
  } finally {
    await file.close();
  }
}

/**
 * Determines the state of a cached file.
 * @param name the file's own name, which a blob does not have
 * @param sizeOf the recorded size of a downloaded blob, if any
 */
export async function fileState(
  path: string,
  name: string,
  sizeOf: (etag: string) => Promise<number | undefined>,
): Promise<FileState> {
  try {
    const real = await realpath(path);
    const stats = await stat(real);
    if (!stats.isFile()) return "missing";
    const etag = basename(dirname(real)) === "blobs" ? basename(real) : "";
    const noted = etag === "" ? undefined : await sizeOf(etag);
    if (noted !== undefined) return noted === stats.size ? "whole" : "cut";
    return (await isCutByContent(real, name, etag, stats.size)) ? "cut" : "whole";
  } catch {
    return "missing";
  }
}
