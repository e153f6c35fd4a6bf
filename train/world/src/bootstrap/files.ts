// Where a seed's work lies, and files of JSON: written whole, then named, so that a file that is there is a step that is done.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Paths below a seed's folder of work, which may be deleted when all its rows are there. */
export const workPaths = (work: string) => ({
  web: join(work, "web"),
  clean: join(work, "clean"),
  test: join(work, "test"),
  /** The same scenes as the test's, all grey. */
  blind: join(work, "blind"),
  truth: join(work, "truth.json"),
  stem: join(work, "stem"),
  /** A row's pairs, beside the folders that their images' paths begin with. */
  set: (row: string) => join(work, `set-${row}.jsonl`),
  run: (name: string) => join(work, `run-${name}`),
  /** What a run leaves. */
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

/** What this program, or `blip`, wrote itself: its form is not checked. */
export const readJson = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));

export const readLines = (path: string): readonly unknown[] =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line));

/** Makes a file unless it is there. */
export async function once(path: string, make: () => Promise<void> | void): Promise<void> {
  if (!existsSync(path)) await make();
}
