// Training in Node: the training thread, and states on disk.
import { appendFile, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { dirname } from "node:path";
import { startNodeTraining } from "@blip-ts/engine/node";
import type { TrainingPlatform } from "../../train/loop/trainer.ts";
import { createFolder } from "./create-folder.ts";
import { fileSource } from "./local-files.ts";
import { cannotWriteFile } from "./save-errors.ts";

const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");

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
