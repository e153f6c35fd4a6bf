// The Hub's protocol: what a repository holds, and one file of it, resumed where a download broke off and verified.
// @huggingface/hub's own download starts over each time, shows no progress and writes no refs/, so the transfer is ours.
import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { DownloadProgress } from "../../../files.ts";
import {
  corrupt,
  gated,
  httpStatus,
  repositoryNotFound,
  revisionNotFound,
  unauthorized,
} from "./hub-errors.ts";

/** Tries of one request; between them it waits 0.5 s, 1 s, 2 s, or as the server says. */
const maxTries = 4;
const firstPauseMilliseconds = 500;
/** A connection that says nothing for so long is broken. */
const silenceMilliseconds = 30_000;
const maxListBytes = 32_000_000;

export interface ClientOptions {
  readonly endpoint: string;
  readonly token?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** The first pause before another try; tests make it short. */
  readonly pauseMilliseconds?: number | undefined;
}

export interface FileEntry {
  readonly etag: string;
  readonly size: number;
  /** Where the bytes are, after the Hub's own redirect. */
  readonly location: string;
}

export interface RepositoryInfo {
  readonly commit: string;
  readonly files: readonly string[];
}

const bare = (etag: string) => etag.replace(/^W\//, "").replace(/^"|"$/g, "");

export class HubClient {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** The same client, stopped and watched by others. */
  watchedBy({ signal, onProgress }: Pick<ClientOptions, "signal" | "onProgress">): HubClient {
    return new HubClient({ ...this.#options, signal, onProgress });
  }

  /** The commit of a revision and the names of its files. */
  async repository(id: string, revision: string): Promise<RepositoryInfo> {
    const url = `${this.#options.endpoint}/api/models/${id}/revision/${encodeURIComponent(revision)}`;
    const response = await this.#request(url, { method: "GET" });
    if (!response.ok) throw await this.#refusal(response, id, revision);
    const text = await readText(response, maxListBytes);
    const json = JSON.parse(text) as { sha?: unknown; siblings?: { rfilename?: unknown }[] };
    const files = (json.siblings ?? []).flatMap(({ rfilename }) =>
      typeof rfilename === "string" ? rfilename : [],
    );
    if (typeof json.sha !== "string" || !/^[0-9a-f]{40}$/.test(json.sha))
      throw httpStatus(url, response.status);
    return { commit: json.sha, files };
  }

  /** What the Hub says of a file, without fetching it. */
  async file(id: string, commit: string, file: string): Promise<FileEntry> {
    const path = file.split("/").map(encodeURIComponent).join("/");
    let url = new URL(`${this.#options.endpoint}/${id}/resolve/${commit}/${path}`);
    for (let redirects = 0; redirects < 5; redirects++) {
      const response = await this.#request(url.href, { method: "HEAD", redirect: "manual" });
      const location = response.headers.get("location");
      // A relative redirect is a renamed repository; an absolute one is where large files lie.
      if (response.status >= 300 && response.status < 400 && location?.startsWith("/") === true) {
        url = new URL(location, url);
        continue;
      }
      if (response.status >= 400) throw await this.#refusal(response, id, commit);
      const { headers } = response;
      const etag = bare(headers.get("x-linked-etag") ?? headers.get("etag") ?? "");
      const size = Number(headers.get("x-linked-size") ?? headers.get("content-length") ?? NaN);
      if (!/^[\w.-]+$/.test(etag) || !Number.isSafeInteger(size))
        throw httpStatus(`${url.href} (no etag or size)`, response.status);
      return { etag, size, location: location === null ? url.href : new URL(location, url).href };
    }
    throw httpStatus(`${url.href} (too many redirects)`, 310);
  }

  /**
   * Fetches a file to `path`, going on where `path`.incomplete ends.
   * @throws {ModelError} `hub/corrupt-download`, `hub/http-status`
   */
  async download(name: string, entry: FileEntry, path: string): Promise<void> {
    const partial = `${path}.incomplete`;
    await mkdir(dirname(path), { recursive: true });
    for (let tries = 1; ; tries++) {
      try {
        await this.#transfer(name, entry, partial);
        break;
      } catch (error) {
        this.#options.signal?.throwIfAborted();
        if (!isBroken(error) || tries === maxTries) throw error;
        await this.#pause(tries);
      }
    }
    try {
      await verify(name, entry, partial);
      await rename(partial, path);
    } catch (error) {
      // A program that knows nothing of our locks was quicker: Python's writes the same part.
      const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
      if (!isMissing || !(await isFile(path))) throw error;
    }
  }

  async #transfer(name: string, entry: FileEntry, partial: string): Promise<void> {
    let start = (await stat(partial).catch(() => undefined))?.size ?? 0;
    if (start > entry.size) {
      await rm(partial);
      start = 0;
    }
    if (start < entry.size || entry.size === 0) {
      const headers: Record<string, string> = start > 0 ? { range: `bytes=${start}-` } : {};
      const response = await this.#request(entry.location, { method: "GET", headers });
      if (!response.ok) throw httpStatus(name, response.status);
      // A server that does not know ranges sends the whole file.
      if (start > 0 && response.status !== 206) start = 0;
      const file = await open(partial, start > 0 ? "r+" : "w");
      try {
        let position = start;
        const report = () =>
          this.#options.onProgress?.({ kind: "download", file: name, loaded: position, total: entry.size });
        report();
        for await (const part of bodyOf(response, this.#options.signal)) {
          if (position + part.length > entry.size)
            throw corrupt(name, "size", entry.size, position + part.length);
          await file.write(part, 0, part.length, position);
          position += part.length;
          report();
        }
        if (position < entry.size)
          throw new BrokenTransfer(`${name} ended after ${position} of ${entry.size} bytes`);
      } finally {
        await file.close();
      }
    }
  }

  async #request(url: string, init: RequestInit): Promise<Response> {
    const { endpoint, token, signal } = this.#options;
    const headers = new Headers(init.headers);
    headers.set("user-agent", "blip-ts");
    // The token is for the Hub alone, never for the servers that it redirects to.
    if (token !== undefined && new URL(url).origin === new URL(endpoint).origin)
      headers.set("authorization", `Bearer ${token}`);
    for (let tries = 1; ; tries++) {
      const timeout = AbortSignal.timeout(silenceMilliseconds);
      const headersOnly =
        init.method === "HEAD" ? { signal: signal ? AbortSignal.any([signal, timeout]) : timeout } : {};
      try {
        const response = await fetch(url, {
          ...(signal ? { signal } : {}),
          ...headersOnly,
          ...init,
          headers,
        });
        const busy = response.status === 429 || response.status >= 500;
        if (!busy || tries === maxTries) return response;
        await response.body?.cancel();
        await this.#pause(tries, response.headers.get("retry-after"));
      } catch (error) {
        signal?.throwIfAborted();
        if (!isBroken(error) || tries === maxTries || isRefused(error)) throw error;
        await this.#pause(tries);
      }
    }
  }

  async #pause(tries: number, retryAfter: string | null = null): Promise<void> {
    const said = Number(retryAfter ?? NaN);
    const { pauseMilliseconds = firstPauseMilliseconds, signal } = this.#options;
    const wait = said >= 0 ? Math.min(said, 30) * 1000 : pauseMilliseconds * 2 ** (tries - 1);
    await sleep(wait, undefined, signal ? { signal } : {});
  }

  async #refusal(response: Response, id: string, revision: string): Promise<Error> {
    const { endpoint, token } = this.#options;
    await response.body?.cancel();
    const code = response.headers.get("x-error-code");
    if (code === "GatedRepo") return gated(id, endpoint);
    if (code === "RevisionNotFound") return revisionNotFound(id, revision);
    if (
      response.status === 404 ||
      (response.status === 401 && (token === undefined || code === "RepoNotFound"))
    )
      return repositoryNotFound(id, endpoint, token !== undefined);
    if (response.status === 401 || response.status === 403) return unauthorized(id);
    return httpStatus(id, response.status);
  }
}

export const isFile = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined))?.isFile() ?? false;

/** A transfer that ended too early: it can be taken up again. */
class BrokenTransfer extends Error {}

/** Failures of the connection, as against answers of the server. */
export const isBroken = (error: unknown): boolean =>
  error instanceof BrokenTransfer ||
  error instanceof TypeError ||
  (error instanceof Error && error.name === "TimeoutError");

/** No one listens, or there is no such host: another try will not help. */
const isRefused = (error: unknown): boolean => {
  const code = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined)?.code : undefined;
  return code === "ECONNREFUSED" || code === "ENOTFOUND";
};

async function* bodyOf(response: Response, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  const reader = (response.body as ReadableStream<Uint8Array> | null)?.getReader();
  if (!reader) return;
  try {
    for (;;) {
      let timer: NodeJS.Timeout | undefined;
      const silence = new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => {
          reject(new BrokenTransfer("the connection fell silent"));
        }, silenceMilliseconds);
      });
      const { done, value } = await Promise.race([reader.read(), silence]).finally(() => {
        clearTimeout(timer);
      });
      signal?.throwIfAborted();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

async function readText(response: Response, limit: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of bodyOf(response, undefined)) {
    size += part.length;
    if (size > limit) throw httpStatus(`${response.url} (an answer of over ${limit} bytes)`, response.status);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** Large files are named by their sha256, small ones by git's sha1 of their blob. */
async function verify(name: string, { etag, size }: FileEntry, partial: string): Promise<void> {
  const received = (await stat(partial)).size;
  if (received !== size) {
    await rm(partial);
    throw corrupt(name, "size", size, received);
  }
  let hash: Hash;
  if (/^[0-9a-f]{64}$/.test(etag)) hash = createHash("sha256");
  else if (/^[0-9a-f]{40}$/.test(etag)) hash = createHash("sha1").update(`blob ${size}\0`);
  else return;
  for await (const part of createReadStream(partial)) hash.update(part as Buffer);
  const digest = hash.digest("hex");
  if (digest === etag) return;
  await rm(partial);
  throw corrupt(name, "hash", etag, digest);
}
