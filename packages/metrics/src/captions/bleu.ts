// BLEU-1 to BLEU-4 (Papineni et al. 2002), computed as in pycocoevalcap's bleu_scorer.py.
import { atLeast, must } from "@blip-ts/base";
import { countNgrams, expectReferences, wordsOf } from "./ngrams.ts";
import type { Tokens } from "./tokenize.ts";

/** BLEU-1, BLEU-2, BLEU-3, BLEU-4, each 0 to 1. */
export type BleuScores = readonly [number, number, number, number];

/** BLEU of all captions together and of each one (Papineni et al., 2002; pycocoevalcap). */
export interface Bleu {
  /** The score over all captions: counts are summed before they are divided. */
  readonly score: BleuScores;
  /** The scores of each caption. */
  readonly each: readonly BleuScores[];
}

/** The reference's guards against 0 / 0. Without a match, BLEU is tiny instead of 0. */
const [small, tiny] = [1e-9, 1e-15];

interface Counts {
  readonly length: number;
  readonly referenceLength: number;
  /** For n = 1 to 4: the caption's n-grams, and those that occur in a reference (clipped). */
  readonly guessed: readonly number[];
  readonly correct: readonly number[];
}

const orders = [1, 2, 3, 4] as const;

function countCaption(caption: Tokens, references: readonly Tokens[]): Counts {
  const words = wordsOf(caption);
  const others = references.map(wordsOf);
  const distance = (length: number) => Math.abs(length - words.length);
  const referenceLength = others
    .map(({ length }) => length)
    .reduce((a, b) => (distance(b) < distance(a) || (distance(b) === distance(a) && b < a) ? b : a));
  const correct = orders.map((n) => {
    const counts = others.map((reference) => countNgrams(reference, n));
    let matches = 0;
    for (const [ngram, count] of countNgrams(words, n))
      matches += Math.min(count, Math.max(...counts.map((ofReference) => ofReference.get(ngram) ?? 0)));
    return matches;
  });
  const guessed = orders.map((n) => Math.max(0, words.length - n + 1));
  return { length: words.length, referenceLength, guessed, correct };
}

function scoreOf({ length, referenceLength, guessed, correct }: Counts): BleuScores {
  const ratio = (length + tiny) / (referenceLength + small);
  const penalty = ratio < 1 ? Math.exp(1 - 1 / ratio) : 1;
  let product = 1;
  const [b1, b2, b3, b4] = atLeast(
    orders.map((n, index) => {
      product *= (must(correct, index) + tiny) / (must(guessed, index) + small);
      return product ** (1 / n) * penalty;
    }),
    4,
  );
  return [b1, b2, b3, b4];
}

/**
 * BLEU-N = BP (p_1 ... p_N)^(1/N), from 0 to 1, with p_n = (matched n-grams + 1e-15) / (n-grams of the captions +
 * 1e-9). Matches are clipped to the highest count in one reference. BP = min(1, exp(1 - r / c)), where c is the
 * captions' length in words and r that of the references closest in length (the shorter on a tie).
 * @param captions tokens of each image's caption @param references tokens of each image's references
 * @throws {UsageError} `usage/bad-option` if there is no caption, or one without a reference
 * @source pycocoevalcap 1.2 bleu/bleu_scorer.py, option "closest"
 */
export function bleu(captions: readonly Tokens[], references: readonly (readonly Tokens[])[]): Bleu {
  expectReferences(captions, references);
  const counts = captions.map((caption, index) => countCaption(caption, must(references, index)));
  const total = counts.reduce((a, b) => ({
    length: a.length + b.length,
    referenceLength: a.referenceLength + b.referenceLength,
    guessed: a.guessed.map((count, index) => count + must(b.guessed, index)),
    correct: a.correct.map((count, index) => count + must(b.correct, index)),
  }));
  return { score: scoreOf(total), each: counts.map(scoreOf) };
}
