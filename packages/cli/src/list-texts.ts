// Texts that a verb is given: an option that may be given again, and files with a text a line.
import { readFile } from "node:fs/promises";
import { UsageError } from "blip-ts";
import { Option, type Command } from "commander";
import { collect } from "./common-options.ts";

export interface TextFlags {
  readonly text?: readonly string[];
  readonly texts?: string;
}

export const textOption = () =>
  new Option("-t, --text <TEXT>", "a text; may be given again").argParser(collect);

export const addTextOptions = (command: Command): Command =>
  command.addOption(textOption()).option("--texts <FILE>", "a file with a text a line");

/** A file's lines that are not empty. @throws {UsageError} `code`, where it cannot be read */
export async function linesOf(option: string, file: string, code: string): Promise<string[]> {
  const content = await contentOf(option, file, code);
  return content.split(/\r?\n/).filter((line) => line.trim() !== "");
}

/**
 * A list from a file: a JSON array of texts, or a text a line.
 * @throws {UsageError} `code`, where it cannot be read or is an array of something else
 */
export async function listOf(option: string, file: string, code: string): Promise<string[]> {
  const content = await contentOf(option, file, code);
  if (!content.trimStart().startsWith("[")) return linesOf(option, file, code);
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch (error) {
    // A line that merely begins with a bracket.
    if (!content.trimEnd().endsWith("]")) return linesOf(option, file, code);
    throw new UsageError(
      code,
      `${option} ${file}: expected a JSON array of texts, found ${messageOf(error)}`,
    );
  }
  if (Array.isArray(json) && json.every((value) => typeof value === "string")) return json;
  throw new UsageError(code, `${option} ${file}: expected a JSON array of texts, found other values in it`);
}

/** @throws {UsageError} `usage/no-texts` where there is none, `text/empty` */
export async function listTexts(flags: TextFlags): Promise<string[]> {
  const texts = [
    ...(flags.text ?? []),
    ...(flags.texts === undefined ? [] : await linesOf("--texts", flags.texts, "usage/no-texts")),
  ];
  if (texts.length === 0)
    throw new UsageError(
      "usage/no-texts",
      "no text is given: give -t TEXT, or --texts FILE with a text a line",
    );
  return checkTexts("text", texts);
}

/** @throws {UsageError} `text/empty`, naming the first that is */
export function checkTexts(kind: string, texts: readonly string[]): string[] {
  const empty = texts.findIndex((text) => text.trim() === "");
  if (empty >= 0) throw new UsageError("text/empty", `${kind} ${empty + 1} is empty: give a sentence`);
  return [...texts];
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const contentOf = (option: string, file: string, code: string): Promise<string> =>
  readFile(file, "utf8").catch((error: unknown) => {
    throw new UsageError(code, `${option} ${file}: ${messageOf(error)}`);
  });
