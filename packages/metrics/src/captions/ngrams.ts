// N-grams of a caption, and what all caption metrics ask of their arguments.
import { nothingIn, notOneFor } from "../errors.ts";
import { splitWords } from "../python-text.ts";
import type { Tokens } from "./tokenize.ts";

/** An n-gram's words with a separator that no word contains. */
export type Ngram = string;

/**
 * The words as pycocoevalcap's BLEU and CIDEr split them: at all white space, so that a token such as "5 1/2",
 * held together by U+00A0, is two.
 */
export function wordsOf(tokens: Tokens): string[] {
  return splitWords(tokens.join(" "));
}

/** How often each n-gram of exactly `n` words occurs. */
export function countNgrams(words: readonly string[], n: number): Map<Ngram, number> {
  const counts = new Map<Ngram, number>();
  for (let start = 0; start + n <= words.length; start++) {
    const ngram = words.slice(start, start + n).join(" ");
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
  }
  return counts;
}

/** @throws {UsageError} `usage/bad-option` if there is no caption, or a caption without reference */
export function expectReferences(
  captions: readonly unknown[],
  references: readonly (readonly unknown[])[],
): void {
  if (captions.length === 0) throw nothingIn("captions", "caption");
  if (references.length !== captions.length)
    throw notOneFor("references", captions.length, "captions", references.length);
  for (const [index, list] of references.entries())
    if (list.length === 0) throw nothingIn(`references[${index}]`, "reference");
}
