// A verb's texts: from a repeatable option, and from files with one text per line.
import { readFile } from "node:fs/promises";
import { must } from "@blip-ts/base";
import { UsageError } from "blip-ts";
import { Option, type Command } from "commander";
import { collect } from "./common-options.ts";
import { listEntries, type ListEntry } from "./read-list.ts";
import { type ListCode, badList, emptyText, noTexts } from "./errors.ts";

export interface TextFlags {
  readonly text?: readonly string[];
  readonly texts?: string;
}

export const textOption = () =>
  new Option("-t, --text <TEXT>", "a text; may be given again").argParser(collect);

export const addTextOptions = (command: Command): Command =>
  command.addOption(textOption()).option("--texts <FILE>", "a file with one text per line");

/** Texts, each with its name for messages: `text 2`, or `--texts FILE, line 5`. */
export interface ListedTexts {
  readonly texts: readonly string[];
  readonly names: readonly string[];
}

/** @throws {UsageError} `code`, if the file cannot be read or is no list of texts */
async function entriesOf(option: string, file: string, code: ListCode): Promise<ListEntry[]> {
  return listEntries(await contentOf(option, file, code), {
    source: `${option} ${file}`,
    entries: "texts",
    code,
  });
}

/**
 * Reads a list from a file: a JSON array of texts, or one text per line.
 * @throws {UsageError} `code`, if it cannot be read or is an array of something else
 */
export async function listOf(option: string, file: string, code: ListCode): Promise<string[]> {
  const entries = await entriesOf(option, file, code);
  const lines = entries.map(({ text }) => text);
  const content = lines.join("\n").trim();
  if (!content.startsWith("[")) return lines;
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch (error) {
    // The text is a line that merely begins with a bracket.
    if (!content.endsWith("]")) return lines;
    throw badList(code, `${option} ${file}`, "a JSON array of texts", messageOf(error));
  }
  if (Array.isArray(json) && json.every((value) => typeof value === "string")) return json;
  throw badList(code, `${option} ${file}`, "a JSON array of texts", "other values in it");
}

/**
 * The texts of `-t` and `--texts`, in this order; possibly none. @throws {UsageError} `usage/no-texts`, `text/empty`
 */
export async function textsOf(flags: TextFlags): Promise<ListedTexts> {
  const given = flags.text ?? [];
  const entries = flags.texts === undefined ? [] : await entriesOf("--texts", flags.texts, "usage/no-texts");
  const texts = [...given, ...entries.map(({ text }) => text)];
  const names = [
    ...given.map((_, index) => `text ${index + 1}`),
    ...entries.map(({ line }) => `--texts ${flags.texts ?? ""}, line ${line}`),
  ];
  for (const [index, text] of texts.entries()) if (text.trim() === "") throw emptyText(must(names, index));
  return { texts, names };
}

/** Like `textsOf`, but requires at least one text. @throws {UsageError} `usage/no-texts`, `text/empty` */
export async function listTexts(flags: TextFlags): Promise<ListedTexts> {
  const listed = await textsOf(flags);
  if (listed.texts.length > 0) return listed;
  throw noTexts();
}

/** Runs a verb. If only the tokenizer finds that a text is empty, the error names the text as the caller wrote it. */
export async function withTextNames<T>({ names }: ListedTexts, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const position = error instanceof UsageError && error.code === "text/empty" && error.fields.position;
    if (typeof position === "number" && position < names.length) throw emptyText(must(names, position));
    throw error;
  }
}

/** @throws {UsageError} `text/empty`, with the first empty text */
export function checkTexts(kind: string, texts: readonly string[]): string[] {
  const empty = texts.findIndex((text) => text.trim() === "");
  if (empty >= 0) throw emptyText(`${kind} ${empty + 1}`);
  return [...texts];
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const contentOf = (option: string, file: string, code: ListCode): Promise<Uint8Array> =>
  readFile(file).catch((error: unknown) => {
    throw badList(code, `${option} ${file}`, "a file that can be read", messageOf(error));
  });
