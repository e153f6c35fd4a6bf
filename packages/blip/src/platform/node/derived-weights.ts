// Caches weights that were derived from a model's own weights, next to the Hub's cache:
// $HF_HOME/blip-ts/weights/MODEL/TYPE-STATE.safetensors. MODEL identifies the files' real paths; STATE identifies their
// inodes, sizes, times and headers. A copy of a file, which has another state, costs one more conversion.
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { ByteSource } from "@blip-ts/base";
import { derivedInMemory, warnNotKept } from "../../load/converted-in-memory.ts";
import { derivedKey, type SourceState } from "../../load/converted-key.ts";
import type { DerivedWeights } from "../../files.ts";
import { hubHome, type Environment } from "./hub/hub-cache.ts";
import { hashed, isIntact, noteOf, stateOf, writeNote } from "./kept-weights.ts";
import { fileSource } from "./local-files.ts";
import { isOfTheDisk, isPartial, partialEnding, sweepPartials } from "./process-owner.ts";

/** The names of blobs: SHA-256 of large files, git's SHA-1 of small ones. */
const blobName = /^(?:[0-9a-f]{64}|[0-9a-f]{40})$/;

/** The Hub's cache names a file by the hash of its content, so the name identifies the content at any path and date. */
const isBlob = (path: string): boolean =>
  basename(dirname(path)) === "blobs" && blobName.test(basename(path));

/**
 * The identities and states of files; undefined if any source is not a file. Size and modification time do not suffice:
 * archives and container layers set times, and models of one architecture have equal sizes.
 */
async function statesOf(sources: readonly ByteSource[]): Promise<SourceState[] | undefined> {
  const states: SourceState[] = [];
  for (const { path } of sources) {
    if (path === undefined) return undefined;
    states.push(
      isBlob(path)
        ? { name: basename(path), state: "" }
        : { name: path, state: JSON.stringify(await stateOf(path)) },
    );
  }
  return states;
}

/** Removes weights derived from other states of a model's files. */
async function removeOthers(folder: string, type: string, current: string): Promise<void> {
  for (const name of await readdir(folder))
    if (name !== current && name !== noteOf(current) && !isPartial(name) && name.startsWith(`${type}-`))
      await rm(join(folder, name), { force: true });
}

/** Removes unfinished files of ended processes, for all models. */
async function sweep(root: string): Promise<void> {
  for (const name of await readdir(root).catch(() => [])) await sweepPartials(join(root, name));
}

/** See `Platform.deriveWeights`. */
export async function deriveWeights(
  weights: DerivedWeights,
  renew: boolean,
  env: Environment,
): Promise<ByteSource> {
  const states = await statesOf(weights.sources);
  if (!states) return derivedInMemory(weights);
  const { type, recipe } = weights;
  const key = await derivedKey(states, recipe);
  const root = join(hubHome(env), "blip-ts", "weights");
  const folder = join(root, key.files);
  const name = `${type}-${key.version}.safetensors`;
  const path = join(folder, name);
  await sweepPartials(folder);
  const ending = partialEnding();
  if (!renew && (await isIntact(path, ending).catch(() => false))) return fileSource(path);
  const temporary = `${path}${ending}`;
  const hash = createHash("sha256");
  try {
    await mkdir(folder, { recursive: true });
    await pipeline(hashed(weights.bytes(), hash), createWriteStream(temporary));
    // If another process has written the same weights, keep its file, because other processes may have it open.
    if (!renew && (await isIntact(path, ending).catch(() => false))) await rm(temporary, { force: true });
    else {
      await rename(temporary, path);
      await writeNote(path, hash.digest("hex"), ending);
    }
    await removeOthers(folder, type, name);
    await sweep(root);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    if (!isOfTheDisk(error)) throw error;
    const other = "name another place with HF_HOME, or write a folder with `blip quantize`";
    warnNotKept(weights, `${folder} cannot be written (${error.message}); ${other}`);
    return derivedInMemory(weights);
  }
  return fileSource(path);
}
