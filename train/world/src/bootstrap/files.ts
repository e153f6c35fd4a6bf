// The paths of a seed's work, and JSON files. A file is written under a temporary name and then renamed, so an existing
// file means that its step is done.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The paths below a seed's work folder, which may be deleted when all rows of the seed exist. */
export const workPaths = (work: string) => ({
  web: join(work, "web"),
  clean: join(work, "clean"),
  test: join(work, "test"),
  /** The same scenes as in `test`, all grey. */
  blind: join(work, "blind"),
  truth: join(work, "truth.json"),
  stem: join(work, "stem"),
  /** The pairs of a row. The file is beside the folders in its image paths. */
  set: (row: string) => join(work, `set-${row}.jsonl`),
  run: (name: string) => join(work, `run-${name}`),
  /** The model that a run writes. */
  model: (name: string) => join(work, `run-${name}`, "model"),
  recipe: (name: string) => join(work, `recipe-${name}.json`),
  capfilt: join(work, "capfilt"),
  beams: join(work, "beams.jsonl"),
  report: (name: string) => join(work, `eval-${name}.json`),
  log: (name: string) => join(work, `${name}.log`),
});

export type WorkPaths = ReturnType<typeof workPaths>;

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
