// The Hub's cache on disk, in the layout of Python's huggingface_hub, so that both find each other's models:
// models--org--name/{blobs/<etag>, refs/<revision>, snapshots/<commit>/<file> -> ../../blobs/<etag>}.
import { randomUUID } from "node:crypto";
import { copyFile, mkdir, readFile, rename, stat, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, relative } from "node:path";
import { badId } from "./hub-errors.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** What the environment says, by the names that Python's library reads. */
export interface HubSettings {
  readonly cache: string;
  readonly endpoint: string;
  readonly token?: string;
  readonly offline: boolean;
}

const isSet = (value: string | undefined) => value !== undefined && /^(?:1|on|yes|true)$/i.test(value);

/** Hugging Face's folder, in which all caches lie. */
export const hubHome = (env: Environment): string =>
  env.HF_HOME ?? join(env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "huggingface");

export async function readSettings(env: Environment): Promise<HubSettings> {
  const home = hubHome(env);
  const tokenFile = env.HF_TOKEN_PATH ?? join(home, "token");
  const token = env.HF_TOKEN ?? (await readFile(tokenFile, "utf8").catch(() => ""));
  return {
    cache: env.HF_HUB_CACHE ?? join(home, "hub"),
    endpoint: (env.HF_ENDPOINT ?? "https://huggingface.co").replace(/\/+$/, ""),
    offline: isSet(env.HF_HUB_OFFLINE) || isSet(env.TRANSFORMERS_OFFLINE),
    ...(token.trim() === "" ? {} : { token: token.trim() }),
  };
}

const idPattern = /^(?:[\w-][\w.-]*\/)?[\w-][\w.-]*$/;

/** @throws {ModelError} `hub/bad-id`: an id becomes part of a path and of a URL */
export function checkId(id: string): void {
  if (!idPattern.test(id) || id.length > 200 || id.includes("..") || id.includes("--")) throw badId(id);
}

export const isCommit = (revision: string): boolean => /^[0-9a-f]{40}$/.test(revision);

/** The cache of one repository. */
export class RepositoryCache {
  readonly folder: string;
  readonly #locks: string;

  constructor(cache: string, id: string) {
    const name = `models--${id.replace("/", "--")}`;
    this.folder = join(cache, name);
    this.#locks = join(cache, ".locks", name);
  }

  /** The commit that a branch or tag had when it was last fetched. */
  async commitOf(revision: string): Promise<string | undefined> {
    if (isCommit(revision)) return revision;
    if (revision.split("/").includes("..")) return undefined;
    const text = await readFile(join(this.folder, "refs", ...revision.split("/")), "utf8").catch(() => "");
    return isCommit(text.trim()) ? text.trim() : undefined;
  }

  snapshot(commit: string): string {
    return join(this.folder, "snapshots", commit);
  }

  blob(etag: string): string {
    return join(this.folder, "blobs", etag);
  }

  /** Beside Python's `<etag>.lock`, which is another kind of lock. */
  lock(etag: string): string {
    return join(this.#locks, `${etag}.blip-ts.lock`);
  }

  async has(commit: string, file: string): Promise<boolean> {
    return (await stat(join(this.snapshot(commit), file)).catch(() => undefined))?.isFile() ?? false;
  }

  async writeRef(revision: string, commit: string): Promise<void> {
    if (isCommit(revision)) return;
    const path = join(this.folder, "refs", ...revision.split("/"));
    await mkdir(dirname(path), { recursive: true });
    const partial = `${path}.${randomUUID()}`;
    await writeFile(partial, commit);
    await rename(partial, path);
  }

  /** Makes a blob appear under its file's name: a relative link, or a copy where links are impossible. */
  async link(commit: string, file: string, etag: string): Promise<void> {
    const path = join(this.snapshot(commit), file);
    await mkdir(dirname(path), { recursive: true });
    const target = relative(dirname(path), this.blob(etag));
    await symlink(target, path).catch(async (error: unknown) => {
      const code = (error as NodeJS.ErrnoException).code;
      // Another process was quicker, with the same content.
      if (code === "EEXIST") return;
      const partial = `${path}.${randomUUID()}`;
      await copyFile(this.blob(etag), partial);
      await rename(partial, path);
    });
  }
}
