// Downloads a model of the Hub into the local cache. Fetches only the files that the cache lacks.
import type { Stats } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { BlipError } from "@blip-ts/base";
import { parseStrictJson, shardsOfIndex } from "@blip-ts/checkpoint";
import {
  isOriginalCheckpoint,
  isShardIndex,
  maxSideFileBytes,
  maxSuiteIndexBytes,
  sideFileLimits,
  sideFiles,
  suiteIndexFile,
  weightsFiles,
  type SourceOptions,
} from "../../../files.ts";
import { readSideFile } from "../local-files.ts";
import { tooLarge } from "../model-errors.ts";
import { limitsWithCache, type NetworkLimits } from "../net/limits.ts";
import { isOfTheDisk } from "../process-owner.ts";
import { checkId, isCommit, readSettings, RepositoryCache, type Environment } from "./hub-cache.ts";
import { HubClient, isBroken, type FileEntry } from "./hub-client.ts";
import {
  badAnswer,
  cannotWrite,
  isHubsFault,
  noWeights,
  offline as offlineError,
  takenFromCache,
  unreachable,
} from "./hub-errors.ts";
import { isPlainName } from "./safe-names.ts";
import { shareTransfer } from "./shared-transfers.ts";
import { digestOfEtag, download } from "./transfer.ts";
import { lockTransfer, type LockTimes } from "./transfer-lock.ts";

export interface DownloadOptions extends SourceOptions {
  /** Replaces the process's environment. */
  readonly env?: Environment;
  readonly pauseMilliseconds?: number;
  /** Time limits for servers. Tests use shorter limits. */
  readonly limits?: NetworkLimits;
  /** Times of the locks between processes. Tests use shorter times. */
  readonly lockTimes?: LockTimes;
}

export interface DownloadedModel {
  /** The snapshot's folder. */
  readonly folder: string;
  readonly commit: string;
}

/** Chooses a folder's weights file. An index stands for its shards, and model_index.json for a suite's parts. */
function chooseWeights(id: string, files: readonly string[], part: string | undefined): string {
  const known = weightsFiles.find((name) => files.includes(name));
  if (known !== undefined) return known;
  const [first, ...others] = files.filter((name) => isOriginalCheckpoint(name) && !name.includes("/"));
  if (first !== undefined && others.length === 0) return first;
  if (part === undefined && first === undefined && files.includes(suiteIndexFile)) return suiteIndexFile;
  throw noWeights(id, files);
}

/** The shards that an index names; none if the index is invalid, because its reader reports the faults later. */
async function shardsOf(path: string): Promise<readonly string[]> {
  const text = await readSideFile(path, maxSideFileBytes["model.safetensors.index.json"]);
  const parsed = await parseStrictJson(text ?? "", sideFileLimits);
  try {
    const names = parsed.ok ? shardsOfIndex(parsed.value, path) : [];
    return names.filter(isPlainName);
  } catch (error) {
    if (error instanceof BlipError) return [];
    throw error;
  }
}

/** A file's path in its repository. @param part the suite's folder that holds the file, if given */
const pathOf = (file: string, part: string | undefined): string =>
  part === undefined ? file : `${part}/${file}`;

/** Whether a commit's snapshot has all files needed to load the model (or a part of the suite). */
async function isWhole(cache: RepositoryCache, commit: string, part: string | undefined): Promise<boolean> {
  const folder = join(cache.snapshot(commit), part ?? "");
  const has = (file: string) => cache.has(commit, pathOf(file, part));
  for (const file of weightsFiles) {
    if (!(await has(file))) continue;
    if (!isShardIndex(file)) return true;
    for (const shard of await shardsOf(join(folder, file))) if (!(await has(shard))) return false;
    return true;
  }
  const names = await readdir(folder).catch(() => []);
  for (const name of names) if (isOriginalCheckpoint(name) && (await has(name))) return true;
  return part === undefined && (await has(suiteIndexFile));
}

/** Whether the model is complete and no side file is truncated. */
async function isUsable(cache: RepositoryCache, commit: string, part: string | undefined): Promise<boolean> {
  const states = await Promise.all(sideFiles.map((file) => cache.state(commit, pathOf(file, part))));
  return !states.includes("cut") && (await isWhole(cache, commit, part));
}

/**
 * Downloads a model into the cache. Makes no request offline, or if `revision` is a commit hash that is fully cached.
 * If the Hub cannot be reached, is slow, or does not follow its protocol, a fully cached model is used, with a warning.
 * For a suite, fetches only model_index.json; its folders are requested separately.
 * @param part a plain name: the suite's folder to fetch instead of the top-level files
 * @throws {ModelError} `hub/...`
 * @throws {UsageError} `hub/bad-revision`, `hub/bad-endpoint`, `hub/bad-token`, `network/bad-proxy`
 * @throws the signal's reason
 */
export async function downloadModel(
  id: string,
  options: DownloadOptions = {},
  part?: string,
): Promise<DownloadedModel> {
  checkId(id);
  const env = options.env ?? process.env;
  const settings = await readSettings(env);
  const revision = options.revision ?? "main";
  const cache = new RepositoryCache(settings.cache, id);
  const cached = await cache.commitOf(revision);
  const whole = cached !== undefined && (await isUsable(cache, cached, part));
  const fromCache = { folder: cached === undefined ? "" : cache.snapshot(cached), commit: cached ?? "" };
  if (options.offline === true || settings.offline) {
    if (whole) return fromCache;
    throw offlineError(id, revision, cache.folder);
  }
  if (whole && isCommit(revision)) return fromCache;
  const { endpoint, authorization, hasToken } = settings;
  const { signal, onProgress, pauseMilliseconds, allowPrivateRedirects } = options;
  const limits = options.limits ?? (whole ? limitsWithCache : undefined);
  const client = new HubClient({
    ...{ endpoint, authorization, hasToken, signal, onProgress, pauseMilliseconds },
    ...{ limits, env, allowPrivateRedirects },
  });
  try {
    return await fetchSnapshot(client, cache, { id, revision, part }, options);
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!whole || !isHubsFault(error)) throw isBroken(error) ? unreachable(endpoint, id, error) : error;
    options.onWarning?.(takenFromCache(id, endpoint, error));
    return fromCache;
  }
}

/** A file of a repository and its cache. */
interface Wanted {
  readonly file: string;
  readonly entry: FileEntry;
  readonly cache: RepositoryCache;
  /** The damaged blob, if there is one. It counts as missing until the file changes. */
  readonly damaged: Stats | undefined;
}

/** Fetches a file into the cache once, even if several loads or processes request it at the same time. */
async function fetchBlob(
  client: HubClient,
  { file, entry, cache, damaged }: Wanted,
  { signal, onProgress, lockTimes: times }: DownloadOptions,
): Promise<void> {
  const blob = cache.blob(entry.etag);
  await shareTransfer(blob, { file, signal, onProgress }, async ({ signal: stop, report }) => {
    const isDone = async () => {
      const stats = await stat(blob).catch(() => undefined);
      const isDamaged = stats?.ino === damaged?.ino && stats?.mtimeMs === damaged?.mtimeMs;
      return stats?.isFile() === true && stats.size === entry.size && !isDamaged;
    };
    /** Reports another process's progress. */
    const onWait = async () => {
      const partial = await stat(`${blob}.incomplete`).catch(() => undefined);
      if (partial) report({ kind: "download", file, loaded: partial.size, total: entry.size });
    };
    while (!(await isDone())) {
      const lock = await lockTransfer(cache.lock(entry.etag), { signal: stop, isDone, onWait, times });
      if (!lock) return;
      try {
        if (await isDone()) return;
        const watched = client.watchedBy({
          signal: AbortSignal.any([stop, lock.lost]),
          onProgress: report,
        });
        const { size, location, etag } = entry;
        await download(watched, { name: file, size, location, digest: digestOfEtag(etag, size) }, blob);
      } catch (error) {
        stop.throwIfAborted();
        // Another process continues this transfer.
        if (!lock.lost.aborted) throw error;
      } finally {
        await lock.release();
      }
    }
  });
}

/** @throws {ModelError} `hub/cannot-write` */
async function writing(cache: RepositoryCache, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw isOfTheDisk(error) ? cannotWrite(cache.folder, error) : error;
  }
}

/** Records the commit. Ignores a read-only cache, because the model is still usable. */
async function noteCommit(cache: RepositoryCache, revision: string, commit: string): Promise<void> {
  try {
    await cache.writeRef(revision, commit);
  } catch (error) {
    if (!isOfTheDisk(error)) throw error;
  }
}

/** The maximum bytes of a side file to fetch. Loading has lower limits. */
const maxFetchedBytes = 64_000_000;

/** The maximum bytes of a file by its name. The limit for weights is checked elsewhere. */
const mostBytesOf = (name: string): number => {
  if (name === suiteIndexFile) return maxSuiteIndexBytes;
  return name.endsWith(".json") || name.endsWith(".txt") ? maxFetchedBytes : Infinity;
};

/** The requested model. */
interface Asked {
  readonly id: string;
  readonly revision: string;
  readonly part: string | undefined;
}

async function fetchSnapshot(
  client: HubClient,
  cache: RepositoryCache,
  { id, revision, part }: Asked,
  options: DownloadOptions,
): Promise<DownloadedModel> {
  const { commit, files: all } = await client.repository(id, revision);
  if (isCommit(revision) && commit !== revision) throw badAnswer(id, "another commit than requested");
  const prefix = pathOf("", part);
  const files = all.filter((file) => file.startsWith(prefix)).map((file) => file.slice(prefix.length));
  const weights = chooseWeights(prefix === "" ? id : `${id}/${part ?? ""}`, files, part);
  const get = async (name: string) => {
    const file = pathOf(name, part);
    const state = await cache.state(commit, file);
    if (state === "whole") return;
    const entry = await client.file(id, commit, file);
    const most = mostBytesOf(name);
    if (entry.size > most) throw tooLarge(`${id}/${file}`, entry.size, most);
    // `fetchBlob` does not fetch content again that is already cached for another commit.
    const blob = cache.blob(entry.etag);
    const damaged = state === "cut" ? await stat(blob).catch(() => undefined) : undefined;
    await fetchBlob(client, { file, entry, cache, damaged }, options);
    await cache.noteSize(entry.etag, entry.size);
    await writing(cache, () => cache.link(commit, file, entry.etag));
  };
  if (weights !== suiteIndexFile) for (const file of sideFiles) if (files.includes(file)) await get(file);
  await get(weights);
  if (isShardIndex(weights))
    for (const shard of await shardsOf(join(cache.snapshot(commit), pathOf(weights, part)))) await get(shard);
  await noteCommit(cache, revision, commit);
  await cache.sweep();
  return { folder: cache.snapshot(commit), commit };
}
