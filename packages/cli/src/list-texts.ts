// A verb's texts: from a repeatable option, and from files with one text per line or a JSON array.
import { readFile } from "node:fs/promises";
import { must } from "@blip-ts/base";
import { BlipError } from "blip-ts";
import { Option, type Command } from "commander";
import { collect } from "./common-options.ts";
import { listEntries } from "./read-list.ts";
import { type ListCode, badList, emptyText, noTexts, ofText } from "./errors.ts";

export interface TextFlags {
  readonly text?: readonly string[];
  readonly texts?: string;
}

export const textOption = () =>
  new Option("-t, --text <TEXT>", "a text; may be given again").argParser(collect);

export const addTextOptions = (command: Command): Command =>
  command.addOption(textOption()).option("--texts <FILE>", "a file with one text per line, or a JSON array");

/** Texts, each with its name for messages: `text 2`, `--texts FILE, line 5` or `--answers FILE, text 3`. */
export interface ListedTexts {
  readonly texts: readonly string[];
  readonly names: readonly string[];
}

/**
 * Reads a list from a file: a JSON array of texts, or one text per line.
 * @throws {UsageError} `code`, if it cannot be read or is an array of something else
 */
export async function listOf(option: string, file: string, code: ListCode): Promise<ListedTexts> {
  const source = `${option} ${file}`;
  const entries = listEntries(await contentOf(option, file, code), { source, entries: "texts", code });
  const lines = {
    texts: entries.map(({ text }) => text),
    names: entries.map(({ line }) => `${source}, line ${line}`),
  };
  const content = lines.texts.join("\n").trim();
  if (!content.startsWith("[")) return lines;
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch (error) {
    // The text is a line that merely begins with a bracket.
    if (!content.endsWith("]")) return lines;
    throw badList(code, source, "a JSON array of texts", messageOf(error));
  }
  if (!Array.isArray(json) || !json.every((value) => typeof value === "string"))
    throw badList(code, source, "a JSON array of texts", "other values in it");
  return { texts: json, names: json.map((_, index) => `${source}, text ${index + 1}`) };
}

/** Texts of a repeatable option, named by their order: `question 2`. */
export const numbered = (kind: string, texts: readonly string[]): ListedTexts => ({
  texts,
  names: texts.map((_, index) => `${kind} ${index + 1}`),
});

/**
 * The texts of `-t` and `--texts`, in this order; possibly none. @throws {UsageError} `usage/no-texts`, `text/empty`
 */
export async function textsOf(flags: TextFlags): Promise<ListedTexts> {
  const given = numbered("text", flags.text ?? []);
  const listed =
    flags.texts === undefined ? undefined : await listOf("--texts", flags.texts, "usage/no-texts");
  return checkTexts({
    texts: [...given.texts, ...(listed?.texts ?? [])],
    names: [...given.names, ...(listed?.names ?? [])],
  });
}

/** Like `textsOf`, but requires at least one text. @throws {UsageError} `usage/no-texts`, `text/empty` */
export async function listTexts(flags: TextFlags): Promise<ListedTexts> {
  const listed = await textsOf(flags);
  if (listed.texts.length > 0) return listed;
  throw noTexts();
}

/** The error with the text's name instead of its number in the library's list; other errors as they are. */
function named(error: unknown, names: readonly string[]): unknown {
  if (!(error instanceof BlipError) || !error.code.startsWith("text/")) return error;
  const { position } = error.fields;
  return typeof position === "number" && position < names.length
    ? ofText(error, must(names, position))
    : error;
}

/** Runs a verb. If only the library finds a fault in a text, the error names the text as the caller wrote it. */
export async function withTextNames<T>({ names }: ListedTexts, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw named(error, names);
  }
}

/** Checks each text alone. An error names the text as the caller wrote it. */
export function checkEach({ texts, names }: ListedTexts, check: (text: string) => void): void {
  for (const [index, text] of texts.entries())
    try {
      check(text);
    } catch (error) {
      throw named(error, [must(names, index)]);
    }
}

/** Returns the texts. @throws {UsageError} `text/empty`, with the first empty text */
export function checkTexts(listed: ListedTexts): ListedTexts {
  const empty = listed.texts.findIndex((text) => text.trim() === "");
  if (empty >= 0) throw emptyText(must(listed.names, empty));
  return listed;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const contentOf = (option: string, file: string, code: ListCode): Promise<Uint8Array> =>
  readFile(file).catch((error: unknown) => {
    throw badList(code, `${option} ${file}`, "a file that can be read", messageOf(error));
  });
