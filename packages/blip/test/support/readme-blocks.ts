// The code blocks of README and of the user documents, and the commands and names in them.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { must } from "@blip-ts/base";
import ts from "typescript";

export interface Block {
  /** The text after the opening fence; empty for a command's output. */
  readonly language: string;
  readonly code: string;
  /** The document's line on which the code begins, from 1. */
  readonly line: number;
}

/** A block with its document. */
export interface DocumentBlock extends Block {
  /** "README.md", "docs/verbs.md", ... */
  readonly document: string;
}

/** The code blocks of a Markdown document, in order. */
export function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(
    ({ 1: language = "", 2: code = "", index }) => ({
      language,
      code,
      line: markdown.slice(0, index).split("\n").length + 1,
    }),
  );
}

/** Documents whose blocks all run as printed, given a few images and a model. */
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
 * The part of a document that is run. Each section of docs/browser.md has the steps for one bundler, which
 * pages-from-tarball.slow.test.ts and bundlers.long.test.ts run; here only its beginning is run.
 */
const runPart = (name: string, text: string): string =>
  name === "browser" ? text.slice(0, text.indexOf("\n## ") + 1) : text;

/** The code blocks of README and of the user documents, in order. */
export async function documentBlocks(): Promise<DocumentBlock[]> {
  const root = new URL("../../../../", import.meta.url);
  const paths = documents.map((name) => (name === "README" ? "README.md" : `docs/${name}.md`));
  const texts = await Promise.all(paths.map((path) => readFile(fileURLToPath(new URL(path, root)), "utf8")));
  return paths.flatMap((document, index) =>
    blocksOf(runPart(must(documents, index), must(texts, index))).map((block) => ({ ...block, document })),
  );
}

/** The commands of a shell block: one per line, with continuation lines joined. */
export const commandsOf = (code: string): string[] =>
  code
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line.trim() !== "");

/** The names that a program declares at its top level. */
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
