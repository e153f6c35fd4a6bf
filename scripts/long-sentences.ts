// Prints the longest sentences of README.md and docs/. None may have more than 40 words.
//
//   npx tsx scripts/long-sentences.ts [WORDS]
import { readdir, readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

export interface Sentence {
  readonly document: string;
  readonly words: number;
  readonly text: string;
}

/** Largest number of words in a sentence. */
export const mostWords = 40;

/** The sentences of a document's paragraphs, list items and table cells, without its code. */
export function sentencesOf(document: string, markdown: string): readonly Sentence[] {
  const prose = markdown
    .replaceAll(/^```.*?^```$/gms, "")
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replaceAll(/`[^`]*`/g, "code")
    .replaceAll(/^#+ .*$/gm, "");
  const blocks = prose.split(/\n\s*\n|\n(?=\s*(?:[-*|>]|\d+\.)\s)|\||<br>/);
  return blocks
    .flatMap((block) => block.replaceAll(/\s+/g, " ").split(/(?<=[.!?])\s+|(?<=:)\s+(?=[A-Z])/))
    .map((text) => text.trim())
    .map((text) => ({ document, text, words: text.split(/\s+/).filter((word) => /\w/.test(word)).length }));
}

/** README.md and all Markdown files in docs/. */
async function userDocuments(): Promise<readonly string[]> {
  const names = await readdir(new URL("../docs/", import.meta.url));
  return ["README.md", ...names.filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`)];
}

/** The sentences with more than `most` words, longest first. */
export async function longSentences(most: number): Promise<readonly Sentence[]> {
  const read = (path: string) => readFile(new URL(`../${path}`, import.meta.url), "utf8");
  const all = await Promise.all(
    (await userDocuments()).map(async (path) => sentencesOf(path, await read(path))),
  );
  return all
    .flat()
    .filter(({ words }) => words > most)
    .sort((a, b) => b.words - a.words);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const most = Number(process.argv[2] ?? mostWords);
  const list = await longSentences(most);
  for (const { document, words, text } of list) process.stdout.write(`${words}  ${document}: ${text}\n`);
  process.stdout.write(`${list.length} sentences of more than ${most} words\n`);
}
