// Weights made of a model's own, kept beside the Hub's cache: $HF_HOME/blip-ts/weights/MODEL/TYPE-STATE.safetensors,
// where MODEL stands for the files' real paths and STATE for their sizes, times and content.
import { createHash, randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { ByteSource } from "@blip-ts/base";
import { derivedInMemory, warnNotKept } from "../../load/converted-in-memory.ts";
import { derivedKey, type SourceState } from "../../load/converted-key.ts";
import type { DerivedWeights } from "../../files.ts";
import { hubHome, type Environment } from "./hub/hub-cache.ts";
import { hashed, isIntact, noteOf, writeNote } from "./kept-weights.ts";
import { fileSource } from "./local-files.ts";

/** The hash in the name of a file of the Hub's cache says its content, wherever it lies and whenever it was fetched. */
const isBlob = (path: string): boolean => basename(dirname(path)) === "blobs";

/** What files are, and in which state; undefined where one is not a file. */
async function statesOf(sources: readonly ByteSource[]): Promise<SourceState[] | undefined> {
  const states: SourceState[] = [];
  for (const { path } of sources) {
    if (path === undefined) return undefined;
    const { size, mtimeMs } = await stat(path);
    states.push(
      isBlob(path) ? { name: basename(path), state: "" } : { name: path, state: `${size} ${mtimeMs}` },
    );
  }
  return states;
}

/** Of what was begun and never finished, what is this old is nobody's any more. */
const abandonedMilliseconds = 3_600_000;

const partial = ".partial-";

async function removeOthers(folder: string, type: string, current: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const isOld = name.includes(partial)
      ? Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? Infinity) > abandonedMilliseconds
      : name !== current && name !== noteOf(current) && name.startsWith(`${type}-`);
    if (isOld) await rm(path, { force: true });
  }
}

/** Is it that nothing can be written there, or not as much? */
function cannotKeep(error: unknown): error is Error {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return false;
  return ["EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "ENOTDIR", "EEXIST"].includes(error.code);
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
  const folder = join(hubHome(env), "blip-ts", "weights", key.files);
  const name = `${type}-${key.version}.safetensors`;
  const path = join(folder, name);
  const unique = `${partial}${process.pid}-${randomUUID()}`;
  if (!renew && (await isIntact(path, unique).catch(() => false))) return fileSource(path);
  const temporary = `${path}${unique}`;
  const hash = createHash("sha256");
  try {
    await mkdir(folder, { recursive: true });
    await pipeline(hashed(weights.bytes(), hash), createWriteStream(temporary));
    // Who was faster has made the same; others have opened it already.
    if (!renew && (await isIntact(path, unique).catch(() => false))) await rm(temporary, { force: true });
    else {
      await rename(temporary, path);
      await writeNote(path, hash.digest("hex"), unique);
    }
    await removeOthers(folder, type, name);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    if (!cannotKeep(error)) throw error;
    const other = "name another place with HF_HOME, or write a folder with `blip quantize`";
    warnNotKept(weights, `${folder} cannot be written (${error.message}); ${other}`);
    return derivedInMemory(weights);
  }
  return fileSource(path);
}
