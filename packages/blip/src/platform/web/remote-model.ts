// Models behind URLs: a folder, a weights file, the embedded model, or a Hub id. The rules for choosing the weights
// file are the same as in Node, but a server does not list its files, so each file is requested.
import { ModelError } from "@blip-ts/base";
import { parseStrictJson } from "@blip-ts/checkpoint";
import {
  adapterFiles,
  asEmbedded,
  maxAdapterConfigBytes,
  maxSideFileBytes,
  maxSuiteIndexBytes,
  sideFileLimits,
  suiteIndexFile,
  isShardIndex,
  weightsFiles,
  type ModelFiles,
  type SideFile,
  type SourceOptions,
  type SuiteFiles,
} from "../../files.ts";
import { adapterAsModel } from "../../weights/errors.ts";
import { embeddedModel, embeddedUrl } from "./embedded-files.ts";
import { noWeights, notFound, nothingThere, offline, readFailed, unreachable } from "./errors.ts";
import { FileCache } from "./file-cache.ts";
import { expectOk, isAbsent, RemoteFile, type RemoteOptions } from "./remote-file.ts";
import { currentSettings } from "./settings.ts";
import { bodyOf } from "./chunks.ts";
import { folderUrl } from "@blip-ts/engine/web";

const weightsFile = /\.(?:safetensors|bin|pth|pt)$/;
const hubId = /^[\w-][\w.-]*\/[\w.-]+$/;
/** Marks an absent file in the cache. */
const absent = Uint8Array.of(0);

export function remoteOptions(options: SourceOptions, token?: string): RemoteOptions {
  const headers = token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } };
  return { ...options, ...headers, cache: currentSettings().cache ?? true };
}

/** Reads an answer of at most `most` bytes. @throws {ModelError} `model/read-failed` */
async function bytesWithin(url: string, response: Response, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const part of bodyOf(response)) {
    parts.push(part);
    size += part.length;
    if (size > most)
      throw readFailed(url, `expected at most ${most} bytes of such a file, got more, which were not read`);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/**
 * Reads a small text file; returns undefined if the file does not exist. Without a network, returns the cached text.
 * @param most the maximum bytes
 * @throws {ModelError} `hub/...`, `model/read-failed`
 */
export async function readText(
  url: string,
  options: RemoteOptions,
  most = maxSideFileBytes["tokenizer.json"],
): Promise<string | undefined> {
  const cache = await FileCache.open(url, options.cache);
  const fromCache = async () => {
    await cache.use({ size: 0, etag: "text" });
    const bytes = await cache.get("text");
    if (!bytes) return undefined;
    return { text: bytes.length === 1 && bytes[0] === 0 ? undefined : new TextDecoder().decode(bytes) };
  };
  const before = await fromCache();
  if (options.offline === true) {
    if (!before) throw offline(url);
    return before.text;
  }
  const { signal, headers } = options;
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    const response = await fetch(url, {
      cache: "no-cache",
      ...(headers ? { headers } : {}),
      ...(signal ? { signal } : {}),
    });
    // Storage services answer 403 for a missing file in an unlisted bucket.
    if (isAbsent(response) || response.status === 403) {
      await response.body?.cancel();
      await cache.put("text", absent);
      return undefined;
    }
    expectOk(url, response);
    bytes = await bytesWithin(url, response, most);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof ModelError) throw error;
    if (!before) throw unreachable(url, error);
    return before.text;
  }
  await cache.put("text", bytes);
  return new TextDecoder().decode(bytes);
}

/** Returns the address of a file by its name. */
type UrlOf = (file: string) => string | undefined;

/** Opens a model or a suite by its files' addresses. Requests model_index.json only if there are no weights. */
async function openFolder(
  name: string,
  urlOf: UrlOf,
  options: RemoteOptions,
): Promise<ModelFiles | SuiteFiles> {
  try {
    return await folderModel(name, urlOf, options);
  } catch (error) {
    // Without a network, the cache may have a suite even if it has no model.
    if (!(error instanceof ModelError && (error.code === "model/no-weights" || isUnreached(error))))
      throw error;
    const url = urlOf(suiteIndexFile);
    const index =
      url === undefined
        ? undefined
        : await readText(url, options, maxSuiteIndexBytes).catch((other: unknown) => {
            throw isUnreached(other) ? error : other;
          });
    if (index === undefined) throw (await isAdapter(urlOf, options)) ? adapterAsModel(name) : error;
    const openPart = (part: string) =>
      folderModel(`${name.replace(/\/+$/, "")}/${part}`, (file) => urlOf(`${part}/${file}`), options);
    return { name, kind: "suite", index, openFolder: openPart };
  }
}

/** Whether the folder holds an adapter; called only if it has no model weights. */
async function isAdapter(urlOf: UrlOf, options: RemoteOptions): Promise<boolean> {
  const url = urlOf(adapterFiles.config);
  if (url === undefined || options.offline === true) return false;
  return (await readText(url, options, maxAdapterConfigBytes).catch(() => undefined)) !== undefined;
}

/** Whether the error means only that the network is missing. */
const isUnreached = (error: unknown): boolean =>
  error instanceof ModelError && ["hub/offline", "hub/unreachable"].includes(error.code);

/**
 * Opens a model by its files' addresses.
 * @param candidates possible names of its weights; the first existing one is used
 */
async function folderModel(
  name: string,
  urlOf: UrlOf,
  options: RemoteOptions,
  candidates: readonly (typeof weightsFiles)[number][] = weightsFiles,
): Promise<ModelFiles> {
  const read = (file: SideFile) => {
    const url = urlOf(file);
    return url === undefined ? Promise.resolve(undefined) : readText(url, options, maxSideFileBytes[file]);
  };
  // Without a network, the cache may have another candidate.
  let failure: ModelError | undefined;
  const orNothing = <T>(fetched: Promise<T>): Promise<T | undefined> =>
    fetched.catch((error: unknown) => {
      if (!(error instanceof ModelError && isUnreached(error))) throw error;
      failure ??= error;
      return undefined;
    });
  const find = async (file: string) => {
    const url = urlOf(file);
    return url === undefined ? undefined : RemoteFile.find(url, options);
  };
  for (const file of candidates) {
    if (isShardIndex(file)) {
      const url = urlOf(file);
      const text =
        url === undefined ? undefined : await orNothing(readText(url, options, maxSideFileBytes[file]));
      if (url === undefined || text === undefined) continue;
      const open = async (shard: string) => {
        const source = await find(shard);
        if (!source) throw nothingThere(urlOf(shard) ?? shard, 404);
        return source;
      };
      return {
        name,
        kind: "folder",
        weights: { kind: "sharded", indexName: url, index: await parse(url, text), open },
        read,
      };
    }
    const source = await orNothing(find(file));
    if (source) return { name, kind: "folder", weights: { kind: "single", source }, read };
  }
  throw failure ?? noWeights(name);
}

async function parse(url: string, text: string): Promise<unknown> {
  const parsed = await parseStrictJson(text, sideFileLimits);
  if (!parsed.ok) throw readFailed(url, `expected JSON that can be read, but ${parsed.reason}`);
  return parsed.value;
}

export const inFolder =
  (folder: string) =>
  (file: string): string =>
    folder + file.split("/").map(encodeURIComponent).join("/");

/** @throws {ModelError} `model/not-found` (Safari 16 and Chrome 119 have no `URL.canParse`) */
export function addressOf(source: string): URL {
  try {
    return new URL(source, document.baseURI);
  } catch {
    throw notFound(source);
  }
}

/**
 * Opens a model by its address, its Hub id, or its name in this package.
 * @throws {ModelError} `model/not-found`, `model/no-weights`, `hub/...`
 */
export async function openRemoteModel(
  source: string,
  options: SourceOptions,
): Promise<ModelFiles | SuiteFiles> {
  if (source === embeddedModel) {
    // Files that the package does not list are not requested.
    const urlOf = (file: string) => embeddedUrl(`${embeddedModel}/${file}`);
    return asEmbedded(await openFolder(source, urlOf, remoteOptions(options)));
  }
  const isUrl =
    /^(?:[a-z][a-z\d+.-]*:|\.{0,2}\/)/i.test(source) || source.endsWith("/") || weightsFile.test(source);
  if (!isUrl) {
    if (!hubId.test(source)) throw notFound(source);
    const { hub = "https://huggingface.co", token } = currentSettings();
    const revision = encodeURIComponent(options.revision ?? "main");
    const folder = `${folderUrl(hub)}${source}/resolve/${revision}/`;
    return openFolder(source, inFolder(folder), remoteOptions(options, token));
  }
  const { href, pathname } = addressOf(source);
  const index = weightsFiles.find((file) => isShardIndex(file) && pathname.endsWith(`/${file}`));
  if (index !== undefined)
    return folderModel(source, inFolder(new URL(".", href).href), remoteOptions(options), [index]);
  if (!weightsFile.test(pathname) && !href.startsWith("blob:"))
    return openFolder(source, inFolder(folderUrl(href)), remoteOptions(options));
  const file = await RemoteFile.find(href, remoteOptions(options));
  if (!file) throw nothingThere(href, 404);
  return {
    name: source,
    kind: "file",
    weights: { kind: "single", source: file },
    read: () => Promise.resolve(undefined),
  };
}

/** Reads bert-base-uncased's vocab.txt. */
export async function bundledVocabulary(): Promise<string> {
  const url = embeddedUrl("bert-base-uncased/vocab.txt") ?? "";
  const text = await readText(url, remoteOptions({}), maxSideFileBytes["vocab.txt"]);
  if (text === undefined) throw nothingThere(url, 404);
  return text;
}
