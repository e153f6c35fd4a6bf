// Presents files that a web page was given (a chosen folder, a drop) as a folder to the data set readers.
import type { DataFile, DataFolder } from "@blip-ts/datasets";
import { noSuchFile, unreadableFile } from "./errors.ts";

/** A file with its path. For a `File`, the path is `webkitRelativePath`, or its name if that is empty. */
export interface PlacedFile {
  readonly path: string;
  readonly file: Blob;
}

export type PageFile = File | PlacedFile;

function placed(pageFile: PageFile): PlacedFile {
  if ("file" in pageFile) return pageFile;
  return {
    path: pageFile.webkitRelativePath === "" ? pageFile.name : pageFile.webkitRelativePath,
    file: pageFile,
  };
}

const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")));

/** `a/./b/../c` -> `a/c` */
function normal(path: string): string {
  const names: string[] = [];
  for (const name of path.split("/"))
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  return names.join("/");
}

async function bytesOf(path: string, blob: Blob): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await blob.arrayBuffer());
  } catch (error) {
    // The file was changed or moved after it was chosen.
    throw unreadableFile(path, error);
  }
}

const chunkBytes = 1 << 18;

async function* streamOf(path: string, blob: Blob): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < blob.size; at += chunkBytes)
    yield await bytesOf(path, blob.slice(at, at + chunkBytes));
}

const dataFile = ({ path, file }: PlacedFile): DataFile => ({
  name: path,
  path,
  size: file.size,
  root: folderOf(path),
  async read(offset, length) {
    const bytes = await bytesOf(path, file.slice(offset, offset + length));
    if (bytes.length !== length) throw unreadableFile(path, new Error("it ends too early"));
    return bytes;
  },
  stream: () => streamOf(path, file),
});

const isHidden = (path: string): boolean => path.split("/").some((name) => name.startsWith("."));

/** A folder in memory: files by their paths. */
export class FileFolder {
  readonly #files = new Map<string, PlacedFile>();

  constructor(files: Iterable<PageFile>) {
    for (const given of files) {
      const { path, file } = placed(given);
      if (!isHidden(path)) this.#files.set(normal(path), { path: normal(path), file });
    }
  }

  /** @throws {InputError} `train-data/no-file` */
  file(root: string, path: string): Blob {
    const name = normal(`${root}/${path}`);
    const found = this.#files.get(name);
    if (found === undefined) throw noSuchFile(name);
    return found.file;
  }

  /** @throws {InputError} `train-data/no-file` */
  dataFile(path: string): DataFile {
    return dataFile({ path: normal(path), file: this.file("", path) });
  }

  get folder(): DataFolder {
    const files = [...this.#files.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
    return { name: "the files", root: "", files: files.map(dataFile) };
  }
}
