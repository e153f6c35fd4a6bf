// Opens files and folders on this machine as data. A file is checked before it is opened, so that a pipe or a device is
// refused instead of blocking.
import { createReadStream } from "node:fs";
import { open, readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import { notFound, tooLarge, truncated, unreadable } from "../errors.ts";
import type { DataFile, DataFolder } from "../files.ts";
import type { DatasetLimits } from "../limits.ts";
import type { DataInput } from "../read-dataset.ts";
import { wholeFile } from "../place.ts";

const chunkBytes = 256 * 1024;
const codeOf = (error: unknown) =>
  error instanceof Error && "code" in error ? String(error.code) : "unknown error";
const isAbsent = (error: unknown) => ["ENOENT", "ENOTDIR"].includes(codeOf(error));

/** @throws {InputError} `dataset/not-found`, `dataset/unreadable` */
async function statOf(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    throw isAbsent(error) ? notFound(path, undefined, error) : unreadable(path, codeOf(error), error);
  }
}

function dataFile(name: string, path: string, below: string, root: string, size: number): DataFile {
  return {
    name,
    path: below,
    size,
    root,
    read: (offset, length) => readRange(name, path, offset, length),
    stream: () => streamOf(name, path),
  };
}

async function readRange(name: string, path: string, offset: number, length: number) {
  const bytes = new Uint8Array(length);
  try {
    const file = await open(path, "r");
    try {
      for (let done = 0; done < length;) {
        const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
        if (bytesRead === 0) throw truncated(wholeFile(name), `${length} bytes at ${offset}`);
        done += bytesRead;
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    throw codeOf(error).startsWith("dataset/") ? error : unreadable(name, codeOf(error), error);
  }
  return bytes;
}

async function* streamOf(name: string, path: string): AsyncGenerator<Uint8Array> {
  const stream = createReadStream(path, { highWaterMark: chunkBytes });
  try {
    for await (const chunk of stream) {
      if (chunk instanceof Uint8Array) yield chunk;
    }
  } catch (error) {
    throw unreadable(name, codeOf(error), error);
  }
}

/** @throws {InputError} `dataset/not-found` if the path is a folder or not a regular file, `dataset/unreadable` */
export async function openFile(path: string): Promise<DataFile> {
  const found = await statOf(path);
  if (found.isDirectory()) throw notFound(path, "it is a folder");
  if (!found.isFile()) throw notFound(path, "it is not a regular file");
  return dataFile(path, path, basename(path), dirname(path), found.size);
}

/** @throws {InputError} `dataset/not-found`, `dataset/unreadable`, `dataset/too-large` */
export async function openPath(path: string, limits: DatasetLimits): Promise<DataInput> {
  const found = await statOf(path);
  if (!found.isDirectory()) return { kind: "file", file: await openFile(path) };
  return { kind: "folder", folder: await openFolder(path, limits) };
}

/** Folders of systems and tools, which contain no data. */
const isHidden = (name: string) => name.startsWith(".") || name === "__MACOSX" || name === "@eaDir";

async function openFolder(path: string, limits: DatasetLimits): Promise<DataFolder> {
  const files: DataFile[] = [];
  const seen = new Set<string>();
  const visit = async (folder: string, below: string): Promise<void> => {
    const real = await realpath(folder).catch((error: unknown) =>
      Promise.reject(unreadable(folder, codeOf(error), error)),
    );
    // A link may point to a parent folder.
    if (seen.has(real)) return;
    seen.add(real);
    for (const name of await namesIn(folder)) {
      const own = below === "" ? name : `${below}/${name}`;
      // A broken link, or a name that is not UTF-8: an entry whose row or table fails when it is read.
      const entry = await stat(join(folder, name)).catch(() => undefined);
      if (entry?.isDirectory() === true) await visit(join(folder, name), own);
      else if (entry === undefined || entry.isFile()) {
        files.push(dataFile(join(path, own), join(folder, name), own, rootOf(path, own), entry?.size ?? 0));
        if (files.length > limits.folderFiles)
          throw tooLarge(
            wholeFile(path),
            "a number of files",
            files.length,
            limits.folderFiles,
            "folderFiles",
          );
      }
    }
  };
  await visit(path, "");
  return { name: path, root: path, files };
}

/** The base of paths in a file: metadata names images relative to its own folder. */
const rootOf = (folder: string, below: string) => join(folder, dirname(below));

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => !isHidden(name)).sort();
  } catch (error) {
    throw unreadable(folder, codeOf(error), error);
  }
}

/**
 * The names of the files in a folder; undefined if the folder does not exist. @throws {InputError} `dataset/unreadable`
 */
export async function listFolder(root: string, path: string): Promise<readonly string[] | undefined> {
  try {
    return await readdir(join(root, path.split("/").join(sep)));
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw unreadable(join(root, path), codeOf(error), error);
  }
}
