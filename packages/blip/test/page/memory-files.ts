// The folder of a run where there is no disk: in a page.
import { closedBy } from "@blip-ts/base";
import { memorySource } from "@blip-ts/checkpoint";
import type { FolderWriter } from "../../src/files.ts";
import type { TrainingFiles } from "../../src/train/checkpoint/files.ts";

export interface MemoryFiles extends TrainingFiles {
  /** By path. */
  readonly contents: ReadonlyMap<string, Uint8Array>;
}

export function memoryFiles(): MemoryFiles {
  const contents = new Map<string, Uint8Array>();
  const text = (bytes: Uint8Array | undefined) => (bytes ? new TextDecoder().decode(bytes) : undefined);
  const put = (path: string, value: string): Promise<void> => {
    contents.set(path, new TextEncoder().encode(value));
    return Promise.resolve();
  };
  const below = (path: string) => [...contents.keys()].filter((name) => name.startsWith(`${path}/`));
  const createFolder = (path: string): FolderWriter => {
    const written = new Map<string, Uint8Array>();
    return {
      async write(file, content) {
        if (typeof content === "string") {
          written.set(file, new TextEncoder().encode(content));
          return;
        }
        const pieces: Uint8Array<ArrayBuffer>[] = [];
        for await (const piece of content) pieces.push(piece.slice());
        written.set(file, new Uint8Array(await new Blob(pieces).arrayBuffer()));
      },
      commit() {
        for (const [file, bytes] of written) contents.set(`${path}/${file}`, bytes);
        return Promise.resolve();
      },
      ...closedBy(() => Promise.resolve()),
    };
  };
  return {
    contents,
    createFolder: (path) => Promise.resolve(createFolder(path)),
    replaceText: put,
    appendText: (path, value) => put(path, (text(contents.get(path)) ?? "") + value),
    readText: (path) => Promise.resolve(text(contents.get(path))),
    readSmall(path, most) {
      const found = text(contents.get(path));
      if (found === undefined) return Promise.resolve({ got: "no such file" });
      return Promise.resolve(found.length > most ? found.length : found);
    },
    openFile(path) {
      const bytes = contents.get(path);
      return bytes ? Promise.resolve(memorySource(path, bytes)) : Promise.reject(new Error(`no ${path}`));
    },
    list: (path) =>
      Promise.resolve([
        ...new Set(below(path).map((name) => name.slice(path.length + 1).replace(/\/.*/, ""))),
      ]),
    remove(path) {
      for (const name of [path, ...below(path)]) contents.delete(name);
      return Promise.resolve();
    },
  };
}
