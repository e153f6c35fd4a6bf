// A model of the Hub in the local cache: what is there is taken, what is not is fetched.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { sideFiles, type SourceOptions } from "../../../files.ts";
import { checkId, isCommit, readSettings, RepositoryCache, type Environment } from "./hub-cache.ts";
import { HubClient, isBroken, isFile, type FileEntry } from "./hub-client.ts";
import { noWeights, offline as offlineError, reason, unreachable } from "./hub-errors.ts";
import { readSideFile } from "../local-files.ts";
import { shareTransfer } from "./shared-transfers.ts";
import { lockTransfer, type LockTimes } from "./transfer-lock.ts";

export interface DownloadOptions extends SourceOptions {
  /** Instead of the process's environment. */
  readonly env?: Environment;
  readonly pauseMilliseconds?: number;
  /** Of the locks between processes; tests make them short. */
  readonly lockTimes?: LockTimes;
}

export interface DownloadedModel {
  /** The snapshot's folder. */
  readonly folder: string;
  readonly commit: string;
}

const index = "model.safetensors.index.json";

/** Which of a repository's files hold the weights; an index stands for its shards. */
function chooseWeights(id: string, files: readonly string[]): string {
  const known = ["model.safetensors", index, "pytorch_model.bin"].find((name) => files.includes(name));
  if (known !== undefined) return known;
  const [first, ...others] = files.filter((name) => name.endsWith(".pth") && !name.includes("/"));
  if (first === undefined || others.length > 0) throw noWeights(id, files);
  return first;
}

/** The shards that an index names; names that lead elsewhere are left to the reader's own refusal. */
async function shardsOf(path: string): Promise<string[]> {
  const json = JSON.parse((await readSideFile(path)) ?? "{}") as { weight_map?: Record<string, unknown> };
  const names = Object.values(json.weight_map ?? {}).filter((name) => typeof name === "string");
  return [...new Set(names)].filter((name) => /^[\w.-]+$/.test(name) && !name.startsWith("."));
}

/** Is the snapshot of a commit enough to load the model from? */
async function isWhole(cache: RepositoryCache, commit: string): Promise<boolean> {
  const has = (file: string) => cache.has(commit, file);
  if (await has("model.safetensors")) return true;
  if (await has(index)) {
    for (const shard of await shardsOf(join(cache.snapshot(commit), index)))
      if (!(await has(shard))) return false;
    return true;
  }
  if (await has("pytorch_model.bin")) return true;
  const names = await readdir(cache.snapshot(commit)).catch(() => []);
  return names.some((name) => name.endsWith(".pth"));
}

/**
 * Brings a model into the cache.
 * Offline, or with a commit's hash that is cached whole, no request is made. Where the Hub cannot be reached, a whole
 * model in the cache is used, with a warning.
 * @throws {ModelError} `hub/...`
 */
export async function downloadModel(id: string, options: DownloadOptions = {}): Promise<DownloadedModel> {
  checkId(id);
  const settings = await readSettings(options.env ?? process.env);
  const revision = options.revision ?? "main";
  const cache = new RepositoryCache(settings.cache, id);
  const cached = await cache.commitOf(revision);
  const whole = cached !== undefined && (await isWhole(cache, cached));
  const fromCache = { folder: cached === undefined ? "" : cache.snapshot(cached), commit: cached ?? "" };
  if (options.offline === true || settings.offline) {
    if (whole) return fromCache;
    throw offlineError(id, revision, cache.folder);
  }
  if (whole && isCommit(revision)) return fromCache;
  const { endpoint, token } = settings;
  const { signal, onProgress, pauseMilliseconds } = options;
  const client = new HubClient({ endpoint, token, signal, onProgress, pauseMilliseconds });
  try {
    return await fetchSnapshot(client, cache, id, revision, options);
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!isBroken(error)) throw error;
    if (!whole) throw unreachable(endpoint, id, error);
    options.onWarning?.({
      code: "hub-unreachable",
      message: `${endpoint} cannot be reached (${reason(error)}): ${id} is taken from the cache`,
    });
    return fromCache;
  }
}

/** One file of a repository, and where it goes. */
interface Wanted {
  readonly file: string;
  readonly entry: FileEntry;
  readonly cache: RepositoryCache;
}

/** Fetches a file into the cache once, however many loads in this process and in others want it now. */
async function fetchBlob(
  client: HubClient,
  { file, entry, cache }: Wanted,
  { signal, onProgress, lockTimes: times }: DownloadOptions,
): Promise<void> {
  const blob = cache.blob(entry.etag);
  await shareTransfer(blob, { file, signal, onProgress }, async ({ signal: stop, report }) => {
    const isDone = () => isFile(blob);
    /** How far another process is. */
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
        await watched.download(file, entry, blob);
      } catch (error) {
        stop.throwIfAborted();
        // Another process goes on with it.
        if (!lock.lost.aborted) throw error;
      } finally {
        await lock.release();
      }
    }
  });
}

async function fetchSnapshot(
  client: HubClient,
  cache: RepositoryCache,
  id: string,
  revision: string,
  options: DownloadOptions,
): Promise<DownloadedModel> {
  const { commit, files } = await client.repository(id, revision);
  const weights = chooseWeights(id, files);
  const get = async (file: string) => {
    if (await cache.has(commit, file)) return;
    const entry = await client.file(id, commit, file);
    // The same content under another commit is not fetched again.
    await fetchBlob(client, { file, entry, cache }, options);
    await cache.link(commit, file, entry.etag);
  };
  for (const file of sideFiles) if (files.includes(file)) await get(file);
  await get(weights);
  if (weights === index)
    for (const shard of await shardsOf(join(cache.snapshot(commit), index))) await get(shard);
  await cache.writeRef(revision, commit);
  return { folder: cache.snapshot(commit), commit };
}
