// Captions of several sentences, of which some are left out: what is left says less, and is as true as the whole.
import { must } from "@blip-ts/base";
import { permutation, type Random } from "./random.ts";

/** Where a sentence may end: a line, a mark of Chinese or Japanese, or a Latin mark before a space. */
const ends = /\n+|[。！？]+|[.!?]+["')\]”’]*(?=\s)/g;
/** A word that no abbreviation of a name or a title is ("St.", "U.S.", "vs."): three letters, of which the first is small. */
const plainWord = /(?:^|[\s"'(“‘])\p{Ll}[\p{L}\p{M}'’-]*[\p{L}\p{M}]{2}$/u;
/** How a sentence begins. */
const beginning = /^\s+["'(“‘]*[\p{Lu}\p{Lo}]/u;
/** Longer words end no sentence. */
const longestWord = 40;

function isEnd(text: string, mark: RegExpExecArray): boolean {
  if (!/^[.!?]/.test(mark[0])) return true;
  const before = text.slice(Math.max(0, mark.index - longestWord), mark.index);
  const after = text.slice(mark.index + mark[0].length, mark.index + mark[0].length + longestWord);
  return plainWord.test(before) && beginning.test(after);
}

/** The sentences of a text, with their marks. Where it is not plain that one ends, it goes on. */
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

/** Some of at least two sentences, in their order: from one to all but one, each number as likely. */
export function someOf(sentences: readonly string[], random: Random): string {
  const count = 1 + random.below(sentences.length - 1);
  const chosen = [...permutation(sentences.length, random).subarray(0, count)].sort((a, b) => a - b);
  return chosen.map((index) => must(sentences, index)).join(" ");
}
