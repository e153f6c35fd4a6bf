// Training in Node: the training thread, and states on disk.
import { appendFile, mkdir, readdir, readFile, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { dirname } from "node:path";
import { closedBy, type Closable } from "@blip-ts/base";
import { startNodeTraining } from "@blip-ts/engine/node";
import type { TrainingPlatform } from "../../train/loop/trainer.ts";
import { createFolder } from "./create-folder.ts";
import { lockNow } from "./hub/transfer-lock.ts";
import { fileSource } from "./local-files.ts";
import { cannotWriteFile } from "./save-errors.ts";

const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");

/**
 * Locks a file for this process, and creates its folder, which goes again if nothing else was written there. The lock of
 * a killed process has no effect.
 * @returns the lock, or the process that holds it
 * @throws {UsageError} `save/cannot-write`
 */
export async function lockFile(path: string): Promise<Closable | { readonly owner: string }> {
  try {
    const folder = dirname(path);
    const made = await mkdir(folder, { recursive: true });
    const taken = await lockNow(path);
    if ("owner" in taken) return taken;
    return closedBy(async () => {
      await taken.release();
      if (made !== undefined) await rmdir(folder).catch(() => undefined);
    });
  } catch (error) {
    throw cannotWriteFile(path, error);
  }
}

export const nodeTraining: TrainingPlatform = {
  startTraining: startNodeTraining,
  files: {
    createFolder,
    async replaceText(path, text) {
      const partial = `${path}.${randomUUID()}`;
      try {
        await mkdir(dirname(path), { recursive: true });
        await writeFile(partial, text);
        await rename(partial, path);
      } catch (error) {
        await rm(partial, { force: true }).catch(() => undefined);
        throw cannotWriteFile(path, error);
      }
    },
    appendText: (path, text) =>
      appendFile(path, text).catch((error: unknown) => {
        throw cannotWriteFile(path, error);
      }),
    readText: (path) =>
      readFile(path, "utf8").catch((error: unknown) => {
        if (isMissing(error)) return undefined;
        throw error;
      }),
    async readSmall(path, most) {
      const found = await stat(path).catch((error: unknown) => {
        if (isMissing(error)) return undefined;
        throw error;
      });
      if (found === undefined) return { got: "no such file" };
      if (found.isDirectory()) return { got: "a folder" };
      if (!found.isFile()) return { got: "a FIFO, a socket or a device" };
      return found.size > most ? found.size : readFile(path, "utf8");
    },
    openFile: fileSource,
    list: (path) =>
      readdir(path).catch((error: unknown) => {
        if (isMissing(error)) return [];
        throw error;
      }),
    remove: (path) =>
      rm(path, { recursive: true, force: true }).catch((error: unknown) => {
        throw cannotWriteFile(path, error);
      }),
  },
};
