// JSON files. A file is written under a temporary name and then renamed, so an existing file means that its step is done.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

export function writeWhole(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.part`, text);
  renameSync(`${path}.part`, path);
}

export const writeJson = (path: string, value: unknown): void =>
  writeWhole(path, `${JSON.stringify(value, undefined, 1)}\n`);

export const writeLines = (path: string, rows: readonly unknown[]): void =>
  writeWhole(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));

/** Reads JSON. The files come from this program or from `blip`, so their form is not checked. */
export const readJson = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));

export const readLines = (path: string): readonly unknown[] =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line));

/** Makes a file unless it exists. */
export async function once(path: string, make: () => Promise<void> | void): Promise<void> {
  if (!existsSync(path)) await make();
}
