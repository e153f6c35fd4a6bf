// Drops sentences of multi-sentence captions. The shorter caption is still true, with less detail.
import { must } from "@blip-ts/base";
import { permutation, type Random } from "./random.ts";

/** Possible sentence ends: a line break, a Chinese or Japanese mark, or a Latin mark before a space. */
const ends = /\n+|[。！？]+|[.!?]+["')\]”’]*(?=\s)/g;
/**
 * A word that is not an abbreviation such as "St.", "U.S." or "vs.": at least three letters, the first in lower
 * case.
 */
const plainWord = /(?:^|[\s"'(“‘])\p{Ll}[\p{L}\p{M}'’-]*[\p{L}\p{M}]{2}$/u;
/** The start of a sentence. */
const beginning = /^\s+["'(“‘]*[\p{Lu}\p{Lo}]/u;
/** The number of characters to look at before and after a mark. Longer words do not end a sentence. */
const longestWord = 40;

function isEnd(text: string, mark: RegExpExecArray): boolean {
  if (!/^[.!?]/.test(mark[0])) return true;
  const before = text.slice(Math.max(0, mark.index - longestWord), mark.index);
  const after = text.slice(mark.index + mark[0].length, mark.index + mark[0].length + longestWord);
  return plainWord.test(before) && beginning.test(after);
}

/** Splits a text into sentences, with their marks. Does not split where the end of a sentence is in doubt. */
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

/** Draws from 1 to n - 1 of n sentences (n >= 2), each number equally likely, and joins them in order. */
export function someOf(sentences: readonly string[], random: Random): string {
  const count = 1 + random.below(sentences.length - 1);
  const chosen = [...permutation(sentences.length, random).subarray(0, count)].sort((a, b) => a - b);
  return chosen.map((index) => must(sentences, index)).join(" ");
}
