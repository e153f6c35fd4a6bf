// Opens a model by the URL of its weights file, as BLIP's authors publish their models. The file is fetched once, with
// resuming; each load asks the server whether the file has changed. The file is cached in
// $HF_HOME/blip-ts/urls/ADDRESS/VERSION/NAME. ADDRESS is a hash of the URL, and VERSION of the file's etag, time and
// size. `current.json` names the last complete version.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { last, shownUrl } from "@blip-ts/base";
import type { ModelFiles, SourceOptions, SuiteFiles } from "../../../files.ts";
import { localModel } from "../local-files.ts";
import { discard } from "../net/body.ts";
import { limitsWithCache, type NetworkLimits } from "../net/limits.ts";
import type { Answered } from "../net/request.ts";
import { withoutCredentials } from "../net/credentials.ts";
import { isOfTheDisk, partialEnding, sweepPartials } from "../process-owner.ts";
import { hubHome, readSettings, type Environment } from "./hub-cache.ts";
import { bare, HubClient, isBroken, sizeIn } from "./hub-client.ts";
import {
  cannotWrite,
  fileNotFound,
  fileOffline,
  httpStatus,
  isHubsFault,
  notWeights,
  takenFromCache,
  unreachable,
} from "./hub-errors.ts";
import { isPlainName } from "./safe-names.ts";
import { shareTransfer } from "./shared-transfers.ts";
import { digestOfEtag, download, sizeOfFile, type RemoteEntry } from "./transfer.ts";
import { lockTransfer, sweepLocks, type LockTimes } from "./transfer-lock.ts";

export interface UrlModelOptions extends SourceOptions {
  /** Replaces the process's environment. */
  readonly env?: Environment;
  readonly pauseMilliseconds?: number;
  readonly limits?: NetworkLimits;
  readonly lockTimes?: LockTimes;
}

const weightsFile = /\.(?:safetensors|bin|pth|pt)$/i;

/** A file on a server, with its name and its local folder. */
interface Place {
  /** The address for messages, without secrets. */
  readonly shown: string;
  readonly url: URL;
  readonly authorization?: string;
  readonly name: string;
  readonly folder: string;
}

/** A complete file of the cache. */
interface Kept {
  readonly version: string;
  readonly path: string;
}

const hashOf = (text: string, length: number): string =>
  createHash("sha256").update(text).digest("hex").slice(0, length);

/** @throws {UsageError} `hub/not-a-weights-file` */
function placeOf(address: string, env: Environment): Place {
  let parsed: ReturnType<typeof withoutCredentials>;
  let name: string;
  try {
    parsed = withoutCredentials(address);
    name = decodeURIComponent(last(parsed.url.pathname.split("/")));
  } catch {
    throw notWeights(shownUrl(address));
  }
  const { url, authorization } = parsed;
  url.hash = "";
  if (!weightsFile.test(name) || !isPlainName(name)) throw notWeights(shownUrl(address));
  return {
    ...{ url, name, shown: shownUrl(address) },
    folder: join(hubHome(env), "blip-ts", "urls", hashOf(url.href, 32)),
    ...(authorization === undefined ? {} : { authorization }),
  };
}

/** The last complete file of an address. */
async function keptAt({ folder, name }: Place): Promise<Kept | undefined> {
  try {
    const json: unknown = JSON.parse(await readFile(join(folder, "current.json"), "utf8"));
    if (typeof json !== "object" || json === null || !("version" in json && "size" in json)) return undefined;
    const { version, size } = json;
    if (typeof version !== "string" || !/^[0-9a-f]{16}$/.test(version)) return undefined;
    const path = join(folder, version, name);
    return (await sizeOfFile(path)) === size ? { version, path } : undefined;
  } catch {
    return undefined;
  }
}

/** The server's description of the file. */
interface Offered extends RemoteEntry {
  readonly version: string;
}

/** Requests the file's headers. If the server rejects HEAD, requests the first byte with GET. */
async function described(client: HubClient, { shown, url }: Place): Promise<Answered> {
  const answered = await client.head(shown, url);
  if (![403, 404, 405, 501].includes(answered.answer.status)) return answered;
  const part = await client.trying(
    () => client.get({ url }, { range: "bytes=0-0" }),
    ({ answer }) => answer,
  );
  discard(part.answer);
  return part;
}

async function offeredBy(client: HubClient, target: Place): Promise<Offered> {
  const { shown } = target;
  const { answer, hop } = await described(client, target);
  const { status, headers } = answer;
  if ([401, 403, 404, 410].includes(status)) throw fileNotFound(shown, status);
  if (status >= 400) throw httpStatus(shown, status);
  const whole = /^bytes \d+-\d+\/(\d+)$/.exec(headers.get("content-range") ?? "")?.[1];
  const size = sizeIn(shown, headers.get("x-linked-size") ?? whole ?? headers.get("content-length"));
  const etag = headers.get("x-linked-etag") ?? headers.get("etag") ?? "";
  // Google's storage, which hosts BLIP's own files, sends the hash of its content.
  const md5 = /(?:^|,)\s*md5=([\w+/]{22}==)/.exec(headers.get("x-goog-hash") ?? "")?.[1];
  const isStrong = /^"[^"]*"$/.test(headers.get("etag") ?? "");
  return {
    name: shown,
    size,
    location: hop,
    version: hashOf(`${etag}\n${headers.get("last-modified") ?? ""}\n${size}`, 16),
    digest:
      md5 === undefined
        ? digestOfEtag(bare(headers.get("x-linked-etag") ?? ""), size)
        : { hash: createHash("md5"), expected: md5, encoding: "base64" },
    ...(isStrong && headers.get("x-linked-etag") === null ? { ifRange: headers.get("etag") ?? "" } : {}),
  };
}

/** Fetches the file once, even if several loads request it at the same time. */
async function fetchOnce(
  client: HubClient,
  offered: Offered,
  path: string,
  { signal, onProgress, lockTimes: times, lock: lockPath }: UrlModelOptions & { readonly lock: string },
): Promise<void> {
  const isDone = async () => (await sizeOfFile(path)) === offered.size;
  await shareTransfer(path, { file: offered.name, signal, onProgress }, async ({ signal: stop, report }) => {
    while (!(await isDone())) {
      const lock = await lockTransfer(lockPath, { signal: stop, isDone, times });
      if (!lock) return;
      try {
        if (await isDone()) return;
        const watched = { signal: AbortSignal.any([stop, lock.lost]), onProgress: report };
        await download(client.watchedBy(watched), offered, path);
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

async function noteCurrent(target: Place, version: string, size: number): Promise<void> {
  const { folder } = target;
  const partial = join(folder, `current.json${partialEnding()}`);
  await mkdir(folder, { recursive: true });
  await writeFile(partial, JSON.stringify({ version, size }));
  await rename(partial, join(folder, "current.json"));
  // Removes older versions and their partial files.
  for (const name of await readdir(folder))
    if (/^[0-9a-f]{16}$/.test(name) && name !== version)
      await rm(join(folder, name), { recursive: true, force: true }).catch(() => undefined);
  await sweepPartials(folder);
  await sweepLocks(join(folder, ".locks"));
}

async function fetched(
  client: HubClient,
  target: Place,
  cached: Kept | undefined,
  options: UrlModelOptions,
): Promise<string> {
  const offered = await offeredBy(client, target);
  const { version } = offered;
  if (cached?.version === version) return cached.path;
  const path = join(target.folder, version, target.name);
  await fetchOnce(client, offered, path, {
    ...options,
    lock: join(target.folder, ".locks", `${version}.blip-ts.lock`),
  });
  await noteCurrent(target, version, offered.size).catch((error: unknown) => {
    throw isOfTheDisk(error) ? cannotWrite(target.folder, error) : error;
  });
  return path;
}

/**
 * Opens the model at a weights file's address. Offline, the cached file is used without a request. If the server
 * misbehaves, the cached file is used with a warning.
 * @throws {UsageError} `hub/not-a-weights-file` @throws {ModelError} `hub/...` @throws the signal's reason
 */
export async function openUrlModel(
  address: string,
  options: UrlModelOptions = {},
): Promise<ModelFiles | SuiteFiles | undefined> {
  const env = options.env ?? process.env;
  const target = placeOf(address, env);
  const { signal, onProgress, pauseMilliseconds, allowPrivateRedirects } = options;
  const settings = await readSettings(env);
  const cached = await keptAt(target);
  const opened = async (path: string) => {
    const files = await localModel(path);
    return files && { ...files, name: target.shown };
  };
  if (options.offline === true || settings.offline) {
    if (cached) return opened(cached.path);
    throw fileOffline(target.shown, target.folder);
  }
  // A file of the Hub may also be given by its address.
  const isHubs = target.url.origin === new URL(settings.endpoint).origin;
  const client = new HubClient({
    ...{ endpoint: target.url.origin, signal, onProgress, pauseMilliseconds, env, allowPrivateRedirects },
    authorization: target.authorization ?? (isHubs ? settings.authorization : undefined),
    limits: options.limits ?? (cached ? limitsWithCache : undefined),
  });
  try {
    return await opened(await fetched(client, target, cached, options));
  } catch (error) {
    signal?.throwIfAborted();
    if (!cached || !isHubsFault(error))
      throw isBroken(error) ? unreachable(target.url.origin, target.shown, error) : error;
    options.onWarning?.(takenFromCache(target.shown, target.url.origin, error));
    return opened(cached.path);
  }
}
