// README's blocks of code, and the commands and names in them.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import ts from "typescript";

export interface Block {
  /** What follows the opening fence; empty for what a command prints. */
  readonly language: string;
  readonly code: string;
  /** The line of README on which the code begins, from 1. */
  readonly line: number;
}

/** The blocks of a document of Markdown, in order. */
export function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(
    ({ 1: language = "", 2: code = "", index }) => ({
      language,
      code,
      line: markdown.slice(0, index).split("\n").length + 1,
    }),
  );
}

export const readme = async (): Promise<Block[]> =>
  blocksOf(await readFile(fileURLToPath(new URL("../../../../README.md", import.meta.url)), "utf8"));

/** The commands of a shell's block: a line each, with the lines that it goes on over. */
export const commandsOf = (code: string): string[] =>
  code
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line.trim() !== "");

/** The names that a program declares outside of all functions. */
export function namesOf(code: string): string[] {
  const names: string[] = [];
  const add = (name: ts.BindingName): void => {
    if (ts.isIdentifier(name)) names.push(name.text);
    else for (const element of name.elements) if (ts.isBindingElement(element)) add(element.name);
  };
  for (const statement of ts.createSourceFile("a.ts", code, ts.ScriptTarget.Latest).statements)
    if (ts.isVariableStatement(statement))
      for (const { name } of statement.declarationList.declarations) add(name);
  return names;
}
