// Shared by the tests: fixtures, files in memory, examples as a list.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";
import { BlipError } from "@blip-ts/base";
import {
  type Bytes,
  type PairError,
  type PairRow,
  type PathOptions,
  readDataset,
  readPairs,
  type Task,
} from "@blip-ts/datasets/node";

const fixtures = fileURLToPath(new URL("../../../fixtures/datasets", import.meta.url));
export const fixture = (name: string) => join(fixtures, name);
export const list = (name: string) => join(fixtures, "lists", name);
/** The image of a path. Its folder is by default that of the lists. */
export const image = (path: string, root = fixture("lists")) => ({ kind: "path", root, path });

const temporary = mkdtempSync(join(tmpdir(), "blip-datasets-"));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

/** Makes a folder with these files, which is removed after the file's tests. */
export function folderWith(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(join(temporary, "data-"));
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  return folder;
}

export const fileWith = (content: string | Uint8Array, name = "data") =>
  join(folderWith({ [name]: content }), name);

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A JSON list of these rows, and JSON lines. */
export const listOf = (...rows: readonly Json[]) => fileWith(JSON.stringify(rows), "rows.json");
export const linesOf = (...rows: readonly Json[]) =>
  fileWith(rows.map((row) => JSON.stringify(row)).join("\n"), "rows.jsonl");

/** A valid row of Karpathy's lists, and one of ARO's. */
export const karpathy = { image: "a.jpg", caption: "a", image_id: 1 };
export const aro = {
  image_path: "a.jpg",
  true_caption: "t",
  false_caption: "f",
  bbox_x: 0,
  bbox_y: 0,
  bbox_w: 1,
  bbox_h: 1,
};

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

export async function examplesOf<T extends Task>(
  task: T,
  path: string | readonly string[],
  options: PathOptions = {},
) {
  const dataset = await readDataset(task, path, options);
  return all(dataset.examples);
}

/** The message of an error, without the folder's path. Fails if there is no error, or if it is not a BlipError. */
export async function refusal(
  run: () => Promise<unknown>,
): Promise<{ code: string; message: string; fields: object }> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof BlipError)) throw error;
    const { code, fields } = error;
    return { code, message: error.message.replace(/\/\S*\/(?=[^/\s]+)/g, ""), fields };
  }
  throw new Error("expected an error, got none");
}

/** Bytes in chunks of the given size. */
export async function* chunks(bytes: Uint8Array, size: number): Bytes & AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve();
    yield bytes.subarray(at, at + size);
  }
}

export const encoded = (text: string) => new TextEncoder().encode(text);

export const pairsOf = (
  text: string | Uint8Array,
  options: Parameters<typeof readPairs>[1] = {},
  size = 7,
): Promise<(PairRow | PairError)[]> =>
  all(readPairs(chunks(typeof text === "string" ? encoded(text) : text, size), { name: "rows", ...options }));

/** Path images as `root|path`. */
export const isError = (row: PairRow | PairError): row is PairError => "error" in row;
