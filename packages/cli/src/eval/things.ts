// The list of things whose naming is scored: JSON, each entry a name or { name, synonyms, plurals }.
import { readFile } from "node:fs/promises";
import { UsageError, type EvaluateOptions } from "blip-ts";
import { badFlag } from "../errors.ts";

type Thing = NonNullable<EvaluateOptions["things"]>[number];

const wrong = (path: string, expected: string, found: string): UsageError =>
  badFlag(
    `--things ${path}`,
    expected,
    found,
    'Write a JSON list such as ["dog", {"name": "person", "synonyms": ["man"]}].',
  );

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === "string");

function thingOf(path: string, value: unknown, index: number): Thing {
  if (typeof value === "string") return { name: value };
  const { name, synonyms, plurals } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof name !== "string")
    throw wrong(path, `a name in element ${index}`, JSON.stringify(value).slice(0, 80));
  if (synonyms !== undefined && !isTexts(synonyms))
    throw wrong(
      path,
      `a list of texts as "synonyms" in element ${index}`,
      JSON.stringify(synonyms).slice(0, 80),
    );
  if (plurals !== undefined && !isTexts(plurals))
    throw wrong(
      path,
      `a list of texts as "plurals" in element ${index}`,
      JSON.stringify(plurals).slice(0, 80),
    );
  return { name, ...(synonyms ? { synonyms } : {}), ...(plurals ? { plurals } : {}) };
}

/** @throws {UsageError} `usage/bad-option` */
export async function readThings(path: string): Promise<readonly Thing[]> {
  let list: unknown;
  try {
    list = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw wrong(path, "a JSON list", error instanceof Error ? error.message : String(error));
  }
  if (!Array.isArray(list) || list.length === 0)
    throw wrong(path, "a list of at least one thing", "something else");
  return list.map((one: unknown, index) => thingOf(path, one, index));
}
