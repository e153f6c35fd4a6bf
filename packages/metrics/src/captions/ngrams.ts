// The n-grams of a caption, and the argument checks of all caption metrics.
import { nothingIn, notOneFor } from "../errors.ts";
import { splitWords } from "../python-text.ts";
import type { Tokens } from "./tokenize.ts";

/** An n-gram's words, joined by a separator that no word contains. */
export type Ngram = string;

/**
 * Splits into words as pycocoevalcap's BLEU and CIDEr do: at all white space. A token with U+00A0, such as "5 1/2",
 * becomes two words.
 */
export function wordsOf(tokens: Tokens): string[] {
  return splitWords(tokens.join(" "));
}

/** The count of each n-gram with exactly `n` words. */
export function countNgrams(words: readonly string[], n: number): Map<Ngram, number> {
  const counts = new Map<Ngram, number>();
  for (let start = 0; start + n <= words.length; start++) {
    const ngram = words.slice(start, start + n).join(" ");
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
  }
  return counts;
}

/** @throws {UsageError} `usage/bad-option` if there is no caption, or one without a reference */
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
