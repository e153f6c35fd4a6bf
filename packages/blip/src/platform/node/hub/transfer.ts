// Fetches one file completely: resumes an interrupted download, verifies the bytes, and renames the file in one step.
import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { ModelError } from "@blip-ts/base";
import { bodyOf, discard } from "../net/body.ts";
import { NetworkFailure } from "../net/failure.ts";
import type { Answer } from "../net/fetch-by.ts";
import type { Hop } from "../net/redirects.ts";
import { Busy, isBusyStatus, type HubClient } from "./hub-client.ts";
import { badAnswer, cannotWrite, corrupt, httpStatus } from "./hub-errors.ts";
import { isOfTheDisk } from "../process-owner.ts";

/** A wanted file, as described by its server. */
export interface RemoteEntry {
  /** The file's name in messages. */
  readonly name: string;
  readonly size: number;
  readonly location: Hop;
  /** The expected hash of the bytes. */
  readonly digest?:
    { readonly hash: Hash; readonly expected: string; readonly encoding: "hex" | "base64" } | undefined;
  /** The If-Range header of a resumed request: the server sends the whole file if the file has changed. */
  readonly ifRange?: string | undefined;
}

/** The hash in a Hub etag: sha256 for large files, git's blob sha1 for small files. */
export function digestOfEtag(etag: string, size: number): RemoteEntry["digest"] {
  if (/^[0-9a-f]{64}$/.test(etag)) return { hash: createHash("sha256"), expected: etag, encoding: "hex" };
  if (/^[0-9a-f]{40}$/.test(etag))
    return { hash: createHash("sha1").update(`blob ${size}\0`), expected: etag, encoding: "hex" };
  return undefined;
}

export const sizeOfFile = async (path: string): Promise<number | undefined> => {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isFile() === true ? stats.size : undefined;
};

/** Whether an error reports a corrupt download. */
const isCorrupt = (error: unknown): boolean =>
  error instanceof ModelError && error.code === "hub/corrupt-download";

/**
 * Fetches a file to `path`, resuming from `path`.incomplete. If a resumed file is corrupt, discards the partial file
 * and fetches the file once more from the start.
 * @throws {ModelError} `hub/corrupt-download`, `hub/http-status`, `hub/cannot-write`, `hub/refused-redirect`
 * @throws {NetworkFailure} @throws the signal's reason
 */
export async function download(client: HubClient, entry: RemoteEntry, path: string): Promise<void> {
  const partial = `${path}.incomplete`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const isResumed = ((await sizeOfFile(partial)) ?? 0) > 0;
    try {
      await complete(client, entry, partial);
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      await rm(partial, { force: true });
      if (!isResumed) throw error;
      await complete(client, entry, partial).catch(async (again: unknown) => {
        if (isCorrupt(again)) await rm(partial, { force: true });
        throw again;
      });
    }
    await named(partial, path, entry.size);
  } catch (error) {
    throw isOfTheDisk(error) ? cannotWrite(dirname(path), error) : error;
  }
}

async function named(partial: string, path: string, size: number): Promise<void> {
  try {
    await rename(partial, path);
  } catch (error) {
    // A program that ignores this package's locks was faster: Python's library writes the same partial file.
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (!isMissing || (await sizeOfFile(path)) !== size) throw error;
  }
}

/** Fetches all bytes of a file and verifies them. */
async function complete(client: HubClient, entry: RemoteEntry, partial: string): Promise<void> {
  await client.trying(() => transfer(client, entry, partial));
  await verify(entry, partial, client.options.signal);
}

/**
 * The offset of a partial answer, according to the server; undefined if the server names another offset than requested.
 */
function startOf({ status, headers }: Answer, { size }: RemoteEntry, start: number): number | undefined {
  if (status !== 206) return 0;
  const said = headers.get("content-range");
  if (said === null) return start;
  const [, from, total] = /^bytes (\d{1,15})-\d{1,15}\/(\d{1,15}|\*)$/.exec(said) ?? [];
  return Number(from) === start && (total === "*" || Number(total) === size) ? start : undefined;
}

/** Requests the file from `start`. The answer may also begin at 0. */
async function answerFrom(
  client: HubClient,
  entry: RemoteEntry,
  start: number,
): Promise<{ readonly answer: Answer; readonly start: number }> {
  const range: Record<string, string> = start > 0 ? { range: `bytes=${start}-` } : {};
  if (start > 0 && entry.ifRange !== undefined) range["if-range"] = entry.ifRange;
  const { answer } = await client.get(entry.location, range);
  if (start > 0 && (answer.status === 416 || (answer.ok && startOf(answer, entry, start) === undefined))) {
    discard(answer);
    return answerFrom(client, entry, 0);
  }
  if (!answer.ok) {
    discard(answer);
    const refusal = httpStatus(entry.name, answer.status);
    throw isBusyStatus(answer.status) ? new Busy(refusal, answer.headers.get("retry-after")) : refusal;
  }
  if (start === 0 && answer.status === 206 && answer.headers.get("content-range") !== null) {
    if (startOf(answer, entry, 0) === undefined) {
      discard(answer);
      throw badAnswer(entry.name, "another part of the file than requested");
    }
  }
  return { answer, start: startOf(answer, entry, start) ?? 0 };
}

async function transfer(client: HubClient, entry: RemoteEntry, partial: string): Promise<void> {
  const { name, size } = entry;
  let before = (await sizeOfFile(partial)) ?? 0;
  if (before > size) {
    await rm(partial);
    before = 0;
  }
  if (before === size && size > 0) return;
  const { answer, start } = await answerFrom(client, entry, before);
  const { signal, onProgress } = client.options;
  const file = await opened(partial, start, answer);
  let position = start;
  try {
    const report = () => onProgress?.({ kind: "download", file: name, loaded: position, total: size });
    report();
    for await (const part of bodyOf(answer, { limits: client.limits, signal })) {
      if (position + part.length > size) throw corrupt(name, "size", size, `over ${size}`);
      await writeAll(file, part, position);
      position += part.length;
      report();
    }
  } finally {
    await file.close();
  }
  if (position === size) return;
  // The server declared this length itself, so the connection is not broken: the download is corrupt.
  if (answer.headers.get("content-length") !== null) throw corrupt(name, "size", size, position);
  throw new NetworkFailure(`${name} ended after ${position} of ${size} bytes`);
}

async function opened(partial: string, start: number, answer: Answer): Promise<FileHandle> {
  try {
    return await open(partial, start > 0 ? "r+" : "w");
  } catch (error) {
    discard(answer);
    throw error;
  }
}

/** Writes all bytes. On a nearly full disk, a write may be partial, which only the returned count shows. */
async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

async function verify(
  { name, size, digest }: RemoteEntry,
  partial: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const received = await sizeOfFile(partial);
  if (received === undefined || !digest) return;
  if (received !== size) throw corrupt(name, "size", size, received);
  const hash = digest.hash.copy();
  for await (const part of createReadStream(partial)) {
    signal?.throwIfAborted();
    hash.update(part as Buffer);
  }
  const result = hash.digest(digest.encoding);
  if (result !== digest.expected) throw corrupt(name, "hash", digest.expected, result);
}
