// The blocks of code of README and of the documents for users, and the commands and names in them.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { must } from "@blip-ts/base";
import ts from "typescript";

export interface Block {
  /** What follows the opening fence; empty for what a command prints. */
  readonly language: string;
  readonly code: string;
  /** The line of the document on which the code begins, from 1. */
  readonly line: number;
}

/** A block, and the document that it stands in. */
export interface DocumentBlock extends Block {
  /** "README.md", "docs/verbs.md", ... */
  readonly document: string;
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

/** Documents all of whose blocks run as they are printed, with no more than a few images and a model. */
const documents = [
  "README",
  "verbs",
  "command-line",
  "serve",
  "weights",
  "browser",
  "from-transformers",
  "recipes",
];

/**
 * What is run of a document. The sections of docs/browser.md are steps for one bundler each:
 * pages-from-tarball.slow.test.ts and bundlers.long.test.ts run those; here its beginning is.
 */
const runPart = (name: string, text: string): string =>
  name === "browser" ? text.slice(0, text.indexOf("\n## ") + 1) : text;

/** The blocks of README and of the documents for users, in order. */
export async function documentBlocks(): Promise<DocumentBlock[]> {
  const root = new URL("../../../../", import.meta.url);
  const paths = documents.map((name) => (name === "README" ? "README.md" : `docs/${name}.md`));
  const texts = await Promise.all(paths.map((path) => readFile(fileURLToPath(new URL(path, root)), "utf8")));
  return paths.flatMap((document, index) =>
    blocksOf(runPart(must(documents, index), must(texts, index))).map((block) => ({ ...block, document })),
  );
}

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
