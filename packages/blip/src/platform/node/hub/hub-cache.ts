// The Hub's cache on disk, in the layout of Python's huggingface_hub, so that both libraries share models:
// models--org--name/{blobs/<etag>, refs/<revision>, snapshots/<commit>/<file> -> ../../blobs/<etag>}. Beside it,
// `.blip-ts/sizes/<etag>` records each blob's size, so that a truncated blob is recognized and fetched again.
import {
  copyFile,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { withoutCredentials } from "../net/credentials.ts";
import { partialEnding, sweepPartials } from "../process-owner.ts";
import { expandPath, valueOf, type Environment } from "./expand-path.ts";
import { badEndpoint, badId, badToken } from "./hub-errors.ts";
import { checkRevision, isPlainName } from "./safe-names.ts";
import { sweepLocks } from "./transfer-lock.ts";
import { fileState, type FileState } from "./whole-file.ts";

export type { Environment } from "./expand-path.ts";

/** Settings from the environment, under the names that Python's library reads. */
export interface HubSettings {
  readonly cache: string;
  /** The address of the Hub, without user and password. */
  readonly endpoint: string;
  /** The authorization header, sent only to the endpoint: a token, or the user and password of its address. */
  readonly authorization?: string;
  readonly hasToken: boolean;
  readonly offline: boolean;
}

const isSet = (value: string | undefined) => value !== undefined && /^(?:1|on|yes|true)$/i.test(value);

/** Hugging Face's folder, the parent of all caches. */
export function hubHome(env: Environment): string {
  const home = valueOf(env, "HF_HOME");
  if (home !== undefined) return expandPath(home, env);
  return expandPath(join(valueOf(env, "XDG_CACHE_HOME") ?? join(homedir(), ".cache"), "huggingface"), env);
}

/** @throws {UsageError} `hub/bad-endpoint` */
function endpointOf(env: Environment): { readonly endpoint: string; readonly authorization?: string } {
  const said = valueOf(env, "HF_ENDPOINT") ?? "https://huggingface.co";
  try {
    const { url, authorization } = withoutCredentials(said);
    if (!/^https?:$/.test(url.protocol) || url.search !== "" || url.hash !== "") throw badEndpoint();
    return {
      endpoint: url.href.replace(/\/+$/, ""),
      ...(authorization === undefined ? {} : { authorization }),
    };
  } catch {
    throw badEndpoint();
  }
}

/** @throws {UsageError} `hub/bad-token` */
async function tokenOf(env: Environment): Promise<string | undefined> {
  const file = expandPath(valueOf(env, "HF_TOKEN_PATH") ?? join(hubHome(env), "token"), env);
  const token =
    valueOf(env, "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN") ?? (await readFile(file, "utf8").catch(() => ""));
  const plain = token.trim();
  if (plain === "") return undefined;
  // A header allows only these characters. The error for other characters would quote the token.
  if (!/^[\x21-\x7e]+$/.test(plain)) throw badToken();
  return plain;
}

/** @throws {UsageError} `hub/bad-endpoint`, `hub/bad-token` */
export async function readSettings(env: Environment): Promise<HubSettings> {
  const cache = valueOf(env, "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE");
  const token = await tokenOf(env);
  const { endpoint, authorization } = endpointOf(env);
  const shownToEndpoint = token === undefined ? authorization : `Bearer ${token}`;
  return {
    cache: cache === undefined ? join(hubHome(env), "hub") : expandPath(cache, env),
    endpoint,
    offline: isSet(env.HF_HUB_OFFLINE) || isSet(env.TRANSFORMERS_OFFLINE),
    hasToken: token !== undefined,
    ...(shownToEndpoint === undefined ? {} : { authorization: shownToEndpoint }),
  };
}

const idPattern = /^(?:[\w-][\w.-]*\/)?[\w-][\w.-]*$/;

/** Checks an id, because it becomes part of a path and of a URL. @throws {ModelError} `hub/bad-id` */
export function checkId(id: string): void {
  const isGood = idPattern.test(id) && id.length <= 200 && !id.includes("..") && !id.includes("--");
  if (!isGood || !isPlainName(id.replace("/", "--"))) throw badId(id);
}

export const isCommit = (revision: string): boolean => /^[0-9a-f]{40}$/.test(revision);

const codeOf = (error: unknown): unknown =>
  error instanceof Error && "code" in error ? error.code : undefined;

/** The cache of one repository. */
export class RepositoryCache {
  readonly folder: string;
  readonly #locks: string;

  /** @param id an id that passed `checkId` */
  constructor(cache: string, id: string) {
    const name = `models--${id.replace("/", "--")}`;
    this.folder = join(cache, name);
    this.#locks = join(cache, ".locks", name);
  }

  /**
   * The commit of a branch or tag at its last fetch.
   * @throws {UsageError} `hub/bad-revision`
   */
  async commitOf(revision: string): Promise<string | undefined> {
    if (isCommit(revision)) return revision;
    const text = await readFile(this.#ref(revision), "utf8").catch(() => "");
    return isCommit(text.trim()) ? text.trim() : undefined;
  }

  snapshot(commit: string): string {
    return join(this.folder, "snapshots", commit);
  }

  blob(etag: string): string {
    return join(this.folder, "blobs", etag);
  }

  /** The path of a blob's lock. It is separate from Python's `<etag>.lock`, which is a different kind of lock. */
  lock(etag: string): string {
    return join(this.#locks, `${etag}.blip-ts.lock`);
  }

  /** The state of a commit's file: whether it exists and still has its downloaded size. */
  async state(commit: string, file: string): Promise<FileState> {
    const path = join(this.snapshot(commit), file);
    return fileState(path, basename(file), (etag) => this.#sizeOf(etag));
  }

  async has(commit: string, file: string): Promise<boolean> {
    return (await this.state(commit, file)) === "whole";
  }

  /** Records a blob's size for later checks; ignores a failure to write it. */
  async noteSize(etag: string, size: number): Promise<void> {
    const path = this.#size(etag);
    if ((await this.#sizeOf(etag)) === size) return;
    try {
      await mkdir(dirname(path), { recursive: true });
      await this.#replace(path, (partial) => writeFile(partial, String(size)));
    } catch {
      // Without a record, later checks use the blob's content.
    }
  }

  /**
   * Records the commit of a branch or tag.
   * @throws the system's error if it cannot be written
   */
  async writeRef(revision: string, commit: string): Promise<void> {
    if (isCommit(revision) || (await this.commitOf(revision)) === commit) return;
    const path = this.#ref(revision);
    await mkdir(dirname(path), { recursive: true });
    await this.#replace(path, (partial) => writeFile(partial, commit));
  }

  /** Links a blob under its file's name: a relative link, or a copy if links are impossible. */
  async link(commit: string, file: string, etag: string): Promise<void> {
    const path = join(this.snapshot(commit), file);
    await mkdir(dirname(path), { recursive: true });
    const target = relative(dirname(path), this.blob(etag));
    const before = await readlink(path).catch(() => undefined);
    if (before === target) return;
    // The existing file has another target or is truncated.
    await this.#replace(path, async (partial) => {
      await symlink(target, partial).catch((error: unknown) => {
        if (codeOf(error) === "EEXIST") throw error;
        return copyFile(this.blob(etag), partial);
      });
    });
  }

  /** Removes unfinished files and locks of ended processes from this cache. */
  async sweep(): Promise<void> {
    await sweepLocks(this.#locks);
    await sweepPartials(this.folder);
    await sweepIncomplete(join(this.folder, "blobs"));
  }

  /** @throws {UsageError} `hub/bad-revision` */
  #ref(revision: string): string {
    checkRevision(revision);
    return join(this.folder, "refs", ...revision.split("/"));
  }

  #size(etag: string): string {
    return join(this.folder, ".blip-ts", "sizes", etag);
  }

  async #sizeOf(etag: string): Promise<number | undefined> {
    const text = await readFile(this.#size(etag), "utf8").catch(() => "");
    return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  }

  /** Writes a file under a temporary name, then renames it atomically. */
  async #replace(path: string, write: (partial: string) => Promise<void>): Promise<void> {
    const partial = join(this.folder, `.tmp${partialEnding()}`);
    try {
      await write(partial);
      await rename(partial, path);
    } catch (error) {
      await rm(partial, { force: true }).catch(() => undefined);
      throw error;
    }
  }
}

/** The age at which an untouched partial download counts as abandoned. */
const staleIncompleteMilliseconds = 24 * 3_600_000;

async function sweepIncomplete(blobs: string): Promise<void> {
  for (const name of await readdir(blobs).catch(() => [])) {
    if (!name.endsWith(".incomplete")) continue;
    const path = join(blobs, name);
    const found = await stat(path).catch(() => undefined);
    if (found && Date.now() - found.mtimeMs > staleIncompleteMilliseconds)
      await rm(path, { force: true }).catch(() => undefined);
  }
}
