// Model files on this machine: a folder, or a single weights file (the contract's paragraph "Model").
import { open, readdir, readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { ByteSource } from "../../byte-source.ts";
import type { ModelFiles } from "../../platform.ts";
import { ambiguousWeights, noWeights, readFailed, tooLarge } from "./model-errors.ts";

/** Most bytes of a file beside the weights; BERT's tokenizer.json has 711,661. */
const maxSideFileBytes = 64_000_000;

const detailOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/**
 * A file as a source of bytes. It is opened for each read, so that nothing has to be closed.
 * @throws {ModelError} `model/read-failed`
 */
export async function fileSource(name: string): Promise<ByteSource> {
  const path = await realpath(name).catch((error: unknown) => {
    throw readFailed(name, detailOf(error), error);
  });
  const { size } = await stat(path);
  return {
    name,
    size,
    path,
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      const file = await open(path, "r");
      try {
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
    },
  };
}

/** The text of a small file, or undefined where there is none. @throws {ModelError} `model/side-file-too-large` */
export async function readSideFile(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) return undefined;
  if (found.size > maxSideFileBytes) throw tooLarge(path, found.size, maxSideFileBytes);
  return readFile(path, "utf8");
}

const indexFile = "model.safetensors.index.json";

/** Which file of a folder holds the weights. @throws {ModelError} `model/no-weights`, `model/ambiguous-weights` */
export function chooseWeights(folder: string, names: readonly string[]): string {
  const known = ["model.safetensors", indexFile, "pytorch_model.bin"].find((name) => names.includes(name));
  if (known !== undefined) return known;
  const [first, ...others] = names.filter((name) => name.endsWith(".pth")).sort();
  if (first === undefined) throw noWeights(folder, names);
  if (others.length > 0) throw ambiguousWeights(folder, [first, ...others]);
  return first;
}

/** The model in a folder. `name` is what the user called it. */
export async function folderModel(folder: string, name = folder): Promise<ModelFiles> {
  const weights = chooseWeights(name, await readdir(folder));
  const path = join(folder, weights);
  const read: ModelFiles["read"] = (file) => readSideFile(join(folder, file));
  if (weights !== indexFile)
    return { name, kind: "folder", weights: { kind: "single", source: await fileSource(path) }, read };
  const text = (await readSideFile(path)) ?? "";
  let index: unknown;
  try {
    index = JSON.parse(text);
  } catch (error) {
    throw readFailed(path, `it is not JSON: ${detailOf(error)}`, error);
  }
  const openShard = (file: string) => fileSource(join(folder, file));
  return {
    name,
    kind: "folder",
    weights: { kind: "sharded", indexName: path, index, open: openShard },
    read,
  };
}

/** A path that exists, as a model; undefined where there is nothing. */
export async function localModel(path: string): Promise<ModelFiles | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (!found) return undefined;
  if (found.isDirectory()) return folderModel(path);
  if (basename(path) === indexFile) return folderModel(dirname(path), path);
  return {
    name: path,
    kind: "file",
    weights: { kind: "single", source: await fileSource(path) },
    read: () => Promise.resolve(undefined),
  };
}
