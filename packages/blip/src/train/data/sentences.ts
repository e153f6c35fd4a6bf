// Drops sentences of multi-sentence captions. The shorter caption says less, and is as true as the whole.
import { must } from "@blip-ts/base";
import { permutation, type Random } from "./random.ts";

/** Where a sentence may end: a line break, a Chinese or Japanese mark, or a Latin mark before a space. */
const ends = /\n+|[。！？]+|[.!?]+["')\]”’]*(?=\s)/g;
/**
 * A word that is no abbreviation of a name or a title ("St.", "U.S.", "vs."): at least three letters, the first in
 * lower case.
 */
const plainWord = /(?:^|[\s"'(“‘])\p{Ll}[\p{L}\p{M}'’-]*[\p{L}\p{M}]{2}$/u;
/** The start of a sentence. */
const beginning = /^\s+["'(“‘]*[\p{Lu}\p{Lo}]/u;
/** Longer words do not end a sentence. */
const longestWord = 40;

function isEnd(text: string, mark: RegExpExecArray): boolean {
  if (!/^[.!?]/.test(mark[0])) return true;
  const before = text.slice(Math.max(0, mark.index - longestWord), mark.index);
  const after = text.slice(mark.index + mark[0].length, mark.index + mark[0].length + longestWord);
  return plainWord.test(before) && beginning.test(after);
}

/** The sentences of a text, with their marks. If an end is doubtful, the sentence continues. */
export function sentencesOf(text: string): string[] {
  const sentences: string[] = [];
  let from = 0;
  for (const mark of text.matchAll(ends)) {
    if (!isEnd(text, mark)) continue;
    const to = mark.index + mark[0].length;
    sentences.push(text.slice(from, to).trim());
    from = to;
  }
  return [...sentences, text.slice(from).trim()].filter((sentence) => sentence !== "");
}

/** Some of at least two sentences, in order: from one to all but one, each number equally likely. */
export function someOf(sentences: readonly string[], random: Random): string {
  const count = 1 + random.below(sentences.length - 1);
  const chosen = [...permutation(sentences.length, random).subarray(0, count)].sort((a, b) => a - b);
  return chosen.map((index) => must(sentences, index)).join(" ");
}
