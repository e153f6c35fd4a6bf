// A model of the Hub in the local cache: what is there is taken, what is not is fetched.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { maxSuiteIndexBytes, sideFiles, suiteIndexFile, type SourceOptions } from "../../../files.ts";
import { checkId, isCommit, readSettings, RepositoryCache, type Environment } from "./hub-cache.ts";
import { HubClient, isBroken, isFile, type FileEntry } from "./hub-client.ts";
import { noWeights, offline as offlineError, reason, unreachable } from "./hub-errors.ts";
import { readSideFile } from "../local-files.ts";
import { tooLarge } from "../model-errors.ts";
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

/** Which of a folder's files hold the weights; an index stands for its shards, and model_index.json for the parts of a suite. */
function chooseWeights(id: string, files: readonly string[], part: string | undefined): string {
  const known = ["model.safetensors", index, "pytorch_model.bin"].find((name) => files.includes(name));
  if (known !== undefined) return known;
  const [first, ...others] = files.filter((name) => name.endsWith(".pth") && !name.includes("/"));
  if (first !== undefined && others.length === 0) return first;
  if (part === undefined && first === undefined && files.includes(suiteIndexFile)) return suiteIndexFile;
  throw noWeights(id, files);
}

/** The shards that an index names; names that lead elsewhere are left to the reader's own refusal. */
async function shardsOf(path: string): Promise<string[]> {
  const json = JSON.parse((await readSideFile(path)) ?? "{}") as { weight_map?: Record<string, unknown> };
  const names = Object.values(json.weight_map ?? {}).filter((name) => typeof name === "string");
  return [...new Set(names)].filter((name) => /^[\w.-]+$/.test(name) && !name.startsWith("."));
}

/** A file's path in its repository. @param part the folder of a suite that it lies in, if it does */
const pathOf = (file: string, part: string | undefined): string =>
  part === undefined ? file : `${part}/${file}`;

/** Is the snapshot of a commit enough to load the model (or a part of the suite) from? */
async function isWhole(cache: RepositoryCache, commit: string, part: string | undefined): Promise<boolean> {
  const folder = join(cache.snapshot(commit), part ?? "");
  const has = (file: string) => cache.has(commit, pathOf(file, part));
  if (await has("model.safetensors")) return true;
  if (await has(index)) {
    for (const shard of await shardsOf(join(folder, index))) if (!(await has(shard))) return false;
    return true;
  }
  if (await has("pytorch_model.bin")) return true;
  const names = await readdir(folder).catch(() => []);
  if (names.some((name) => name.endsWith(".pth"))) return true;
  return part === undefined && names.some((name) => name === suiteIndexFile);
}

/**
 * Brings a model into the cache.
 * Offline, or with a commit's hash that is cached whole, no request is made. Where the Hub cannot be reached, a whole
 * model in the cache is used, with a warning. Of a suite comes model_index.json alone; its folders are asked for one by one.
 * @param part a plain name: the folder of a suite, which is brought instead of what lies beside it
 * @throws {ModelError} `hub/...`
 */
export async function downloadModel(
  id: string,
  options: DownloadOptions = {},
  part?: string,
): Promise<DownloadedModel> {
  checkId(id);
  const settings = await readSettings(options.env ?? process.env);
  const revision = options.revision ?? "main";
  const cache = new RepositoryCache(settings.cache, id);
  const cached = await cache.commitOf(revision);
  const whole = cached !== undefined && (await isWhole(cache, cached, part));
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
    return await fetchSnapshot(client, cache, { id, revision, part }, options);
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

/** What is to be brought. */
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
  const prefix = pathOf("", part);
  const files = all.filter((file) => file.startsWith(prefix)).map((file) => file.slice(prefix.length));
  const weights = chooseWeights(prefix === "" ? id : `${id}/${part ?? ""}`, files, part);
  const get = async (name: string) => {
    const file = pathOf(name, part);
    if (await cache.has(commit, file)) return;
    const entry = await client.file(id, commit, file);
    if (name === suiteIndexFile && entry.size > maxSuiteIndexBytes)
      throw tooLarge(`${id}/${file}`, entry.size, maxSuiteIndexBytes);
    // The same content under another commit is not fetched again.
    await fetchBlob(client, { file, entry, cache }, options);
    await cache.link(commit, file, entry.etag);
  };
  if (weights !== suiteIndexFile) for (const file of sideFiles) if (files.includes(file)) await get(file);
  await get(weights);
  if (weights === index)
    for (const shard of await shardsOf(join(cache.snapshot(commit), pathOf(index, part)))) await get(shard);
  await cache.writeRef(revision, commit);
  return { folder: cache.snapshot(commit), commit };
}
