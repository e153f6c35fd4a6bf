// Writes a folder under a temporary name next to its target, and renames the folder once it is complete.
import { closedBy, must } from "@blip-ts/base";
import { createWriteStream } from "node:fs";
import { chmod, mkdir, readdir, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import type { FolderWriter } from "../../files.ts";
import { partialEnding, sweepPartials } from "./process-owner.ts";
import { cannotWriteFolder, folderExists } from "./save-errors.ts";

/** @throws {UsageError} `save/exists`, `save/cannot-write` */
export async function createFolder(path: string): Promise<FolderWriter> {
  const target = resolve(path);
  const existing = await stat(target).catch(() => undefined);
  if (existing && !existing.isDirectory()) throw folderExists(path, "a file");
  const names = existing ? await readdir(target) : [];
  if (names.length > 0) throw folderExists(path, `${names.length} file(s) in it, e.g. ${must(names, 0)}`);
  const partial = join(dirname(target), `.${basename(target)}${partialEnding()}`);
  await sweepPartials(dirname(target));
  try {
    await mkdir(dirname(target), { recursive: true });
    // mkdtemp is not used: it creates folders with mode 0700, and the renamed folder would keep that mode.
    await mkdir(partial);
    // An existing folder keeps its mode.
    if (existing) await chmod(partial, existing.mode & 0o7777);
  } catch (error) {
    throw cannotWriteFolder(path, error);
  }
  let committed = false;
  return {
    async write(file, content) {
      try {
        const destination = join(partial, file);
        if (dirname(destination) !== partial) await mkdir(dirname(destination), { recursive: true });
        if (typeof content === "string") await writeFile(destination, content);
        else await pipeline(content, createWriteStream(destination));
      } catch (error) {
        if (error instanceof Error && "syscall" in error) throw cannotWriteFolder(path, error);
        throw error;
      }
    },
    async commit() {
      try {
        if (existing) await rmdir(target);
        await rename(partial, target);
        committed = true;
      } catch (error) {
        throw cannotWriteFolder(path, error);
      }
    },
    ...closedBy(async () => {
      if (!committed) await rm(partial, { recursive: true, force: true });
    }),
  };
}
