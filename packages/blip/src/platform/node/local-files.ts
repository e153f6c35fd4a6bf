// Opens model files on this machine: a folder, or a single weights file (the contract's paragraph "Model").
import { statSync, type BigIntStats, type Stats } from "node:fs";
import { open, readdir, readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { BlipError, type ByteSource } from "@blip-ts/base";
import { parseStrictJson } from "@blip-ts/checkpoint";
import {
  adapterFiles,
  isOriginalCheckpoint,
  maxSideFileBytes,
  maxSuiteIndexBytes,
  sideFileLimits,
  suiteIndexFile,
  isShardIndex,
  weightsFiles,
  type ModelFiles,
  type SuiteFiles,
} from "../../files.ts";
import { adapterAsModel } from "../../weights/errors.ts";
import { ambiguousWeights, changed, noWeights, notRegular, readFailed, tooLarge } from "./model-errors.ts";

/** The message of an error. */
export const detailOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** Runs file-system work and turns its failure into a `ModelError`. @throws {ModelError} `model/read-failed` */
async function reading<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof BlipError ? error : readFailed(name, detailOf(error), error);
  }
}

/** Error codes that mean that no file exists: the path is missing or cannot be the name of a file. */
const nothingThere = new Set(["ENOENT", "ENOTDIR", "ENAMETOOLONG", "ERR_INVALID_ARG_VALUE"]);

const isNothingThere = (error: unknown): boolean =>
  error instanceof Error && "code" in error && nothingThere.has(String(error.code));

/**
 * The stats of a path; undefined if nothing exists there.
 * @throws {ModelError} `model/read-failed` if the path cannot be examined
 */
const statOf = (name: string, path: string): Promise<Stats | undefined> =>
  reading(name, () =>
    stat(path).catch((error: unknown) => {
      if (isNothingThere(error)) return undefined;
      throw error;
    }),
  );

/** Fields that identify a file and the state of its content. */
type Identity = Pick<BigIntStats, "dev" | "ino" | "size" | "mtimeNs">;

/** Describes how a file differs from its earlier state; undefined if it is unchanged. */
function differenceOf(before: Identity, now: Identity): string | undefined {
  if (before.dev !== now.dev || before.ino !== now.ino) return "another file in its place";
  if (before.size !== now.size) return `${now.size} bytes instead of ${before.size}`;
  return before.mtimeNs === now.mtimeNs ? undefined : "one that was written into since";
}

/**
 * Checks that a file is unchanged. This runs before every session and every call, so it is synchronous and does not
 * queue behind image decoding in the thread pool. It takes a few microseconds.
 * @throws {ModelError} `model/changed`
 */
function expectUnchanged(name: string, path: string, before: Identity, mapped: boolean): void {
  let now: Identity | undefined;
  try {
    now = statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    throw readFailed(name, detailOf(error), error);
  }
  // A mapped file keeps its content when its name is renamed or deleted.
  if (mapped && (now?.dev !== before.dev || now.ino !== before.ino)) return;
  const difference = now === undefined ? "none there" : differenceOf(before, now);
  if (difference !== undefined) throw changed(name, difference);
}

/**
 * Opens a file as a source of bytes. Each read opens the file again, so nothing has to be closed.
 * @throws {ModelError} `model/read-failed`, also for anything but a regular file, because opening a FIFO waits for a
 * writer; reads throw `model/changed`
 */
export async function fileSource(name: string): Promise<ByteSource> {
  const path = await reading(name, () => realpath(name));
  const stats = await reading(name, () => stat(path, { bigint: true }));
  if (!stats.isFile()) throw notRegular(name);
  return {
    name,
    size: Number(stats.size),
    path,
    expectUnchanged: (mapped = false) => expectUnchanged(name, path, stats, mapped),
    read: (offset, length) =>
      reading(name, async () => {
        const bytes = new Uint8Array(length);
        const file = await open(path, "r").catch((error: unknown) => {
          if (isNothingThere(error)) throw changed(name, "none there");
          throw error;
        });
        try {
          const difference = differenceOf(stats, await file.stat({ bigint: true }));
          if (difference !== undefined) throw changed(name, difference);
          for (let done = 0; done < length;) {
            const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
            if (bytesRead === 0)
              throw readFailed(name, `expected ${length} bytes at ${offset}, the file ended after ${done}`);
            done += bytesRead;
          }
        } finally {
          await file.close();
        }
        return bytes;
      }),
  };
}

/**
 * Reads a small text file; returns undefined if the file does not exist.
 * @param most the maximum bytes; by default the limit of the largest side file
 * @throws {ModelError} `model/side-file-too-large`, `model/read-failed`
 */
export async function readSideFile(
  path: string,
  most = maxSideFileBytes["tokenizer.json"],
): Promise<string | undefined> {
  const found = await statOf(path, path);
  if (!found || found.isDirectory()) return undefined;
  if (!found.isFile()) throw notRegular(path);
  if (found.size > most) throw tooLarge(path, found.size, most);
  return reading(path, () => readFile(path, "utf8"));
}

/** Whether a folder is a suite: it has model_index.json and no weights next to it. */
const isSuite = (names: readonly string[]): boolean =>
  names.includes(suiteIndexFile) &&
  !weightsFiles.some((name) => names.includes(name)) &&
  !names.some(isOriginalCheckpoint);

/**
 * Chooses the weights file of a folder.
 * @throws {ModelError} `model/no-weights`, `model/ambiguous-weights`, `model/adapter`
 */
export function chooseWeights(folder: string, names: readonly string[]): string {
  const known = weightsFiles.find((name) => names.includes(name));
  if (known !== undefined) return known;
  if (names.includes(adapterFiles.config)) throw adapterAsModel(folder);
  const [first, ...others] = names.filter(isOriginalCheckpoint).sort();
  if (first === undefined) throw noWeights(folder, names);
  if (others.length > 0) throw ambiguousWeights(folder, [first, ...others]);
  return first;
}

/**
 * Opens the model or the suite in a folder.
 * @param name the name that the user gave, for messages
 * @param fetchPart downloads one of a suite's folders before it is opened
 */
export async function openFolder(
  folder: string,
  name = folder,
  fetchPart?: (part: string) => Promise<unknown>,
): Promise<ModelFiles | SuiteFiles> {
  const names = await reading(name, () => readdir(folder));
  if (!isSuite(names)) return modelIn(folder, name, chooseWeights(name, names));
  return {
    name,
    kind: "suite",
    index: (await readSideFile(join(folder, suiteIndexFile), maxSuiteIndexBytes)) ?? "",
    async openFolder(part) {
      await fetchPart?.(part);
      return modelFolder(join(folder, part), `${name}/${part}`);
    },
  };
}

/** Opens the model in a folder that is not a suite. */
export const modelFolder = async (folder: string, name: string): Promise<ModelFiles> =>
  modelIn(folder, name, chooseWeights(name, await reading(name, () => readdir(folder))));

async function modelIn(folder: string, name: string, weights: string): Promise<ModelFiles> {
  const path = join(folder, weights);
  const read: ModelFiles["read"] = (file) => readSideFile(join(folder, file), maxSideFileBytes[file]);
  if (!isShardIndex(weights))
    return { name, kind: "folder", weights: { kind: "single", source: await fileSource(path) }, read };
  const parsed = await parseStrictJson(
    (await readSideFile(path, maxSideFileBytes[weights])) ?? "",
    sideFileLimits,
  );
  if (!parsed.ok) throw readFailed(path, `expected JSON that can be read, but ${parsed.reason}`);
  const openShard = (file: string) => fileSource(join(folder, file));
  return {
    name,
    kind: "folder",
    weights: { kind: "sharded", indexName: path, index: parsed.value, open: openShard },
    read,
  };
}

/** Opens an existing path as a model or a suite; undefined if nothing exists there. */
export async function localModel(path: string): Promise<ModelFiles | SuiteFiles | undefined> {
  const found = await statOf(path, path);
  if (!found) return undefined;
  if (found.isDirectory()) return openFolder(path);
  if (isShardIndex(basename(path))) return modelIn(dirname(path), path, basename(path));
  if (basename(path) === suiteIndexFile) return openFolder(dirname(path));
  return {
    name: path,
    kind: "file",
    weights: { kind: "single", source: await fileSource(path) },
    read: () => Promise.resolve(undefined),
  };
}
