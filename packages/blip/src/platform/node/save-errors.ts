// Errors of writing files and folders: one factory per error. Codes are `save/...`.
import { UsageError } from "@blip-ts/base";

const detailOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

/**
 * A file of a training state cannot be written.
 * @remedy Name a writable path, or free some disk space.
 */
export const cannotWriteFile = (path: string, cause: unknown): UsageError =>
  new UsageError(
    "save/cannot-write",
    `${path}: expected a file that can be written, got ${detailOf(cause)}. Name another place.`,
    { path },
    { cause },
  );

/**
 * The folder cannot be written.
 * @remedy Name a writable path, or free some disk space.
 */
export const cannotWriteFolder = (path: string, cause: unknown): UsageError =>
  new UsageError(
    "save/cannot-write",
    `${path}: expected a folder that can be written, got ${detailOf(cause)}. Name another place.`,
    { path },
    { cause },
  );

/**
 * The target folder already exists and is not empty.
 * @remedy Name another folder, or remove this one.
 */
export const folderExists = (path: string, contents: string): UsageError =>
  new UsageError(
    "save/exists",
    `${path}: expected no such folder yet, or an empty one, got ${contents}. Name another place, or remove it.`,
    { path },
  );
