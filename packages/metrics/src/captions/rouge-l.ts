// ROUGE-L (Lin 2004), computed as in pycocoevalcap's rouge.py.
import { last, missed, must } from "@blip-ts/base";
import { mean } from "../numbers.ts";
import { expectReferences } from "./ngrams.ts";
import type { Tokens } from "./tokenize.ts";

/** A metric's mean over all captions, and its value for each. */
export interface CaptionScores {
  /** The mean of all captions' scores. */
  readonly score: number;
  /** The score of each caption. */
  readonly each: readonly number[];
}

/** The weight of recall relative to precision. */
const beta = 1.2;

/** The length of the longest common subsequence. */
function commonLength(a: Tokens, b: Tokens): number {
  let previous: number[] = Array.from({ length: b.length + 1 }, () => 0);
  for (const one of a) {
    const next = [0];
    for (const [index, other] of b.entries()) {
      const skipped = Math.max(previous[index + 1] ?? missed("word"), next[index] ?? missed("word"));
      next.push(one === other ? (previous[index] ?? missed("word")) + 1 : skipped);
    }
    previous = next;
  }
  return last(previous);
}

/** The reference splits "" at spaces, which gives one empty token. */
const orEmpty = (tokens: Tokens): Tokens => (tokens.length === 0 ? [""] : tokens);

/**
 * ROUGE-L = (1 + b^2) P R / (R + b^2 P) with b = 1.2, from 0 to 1. P is the greatest LCS(reference, caption) /
 * |caption| over the references, and R the greatest LCS(reference, caption) / |reference|, each maximized separately.
 * The score is the mean over captions.
 * @param captions tokens of each image's caption @param references tokens of each image's references
 * @throws {UsageError} `usage/bad-option` if there is no caption, or one without a reference
 * @source pycocoevalcap 1.2 rouge/rouge.py
 */
export function rougeL(
  captions: readonly Tokens[],
  references: readonly (readonly Tokens[])[],
): CaptionScores {
  expectReferences(captions, references);
  const each = captions.map((caption, index) => {
    const words = orEmpty(caption);
    let [precision, recall] = [0, 0];
    for (const reference of must(references, index)) {
      const others = orEmpty(reference);
      const common = commonLength(others, words);
      precision = Math.max(precision, common / words.length);
      recall = Math.max(recall, common / others.length);
    }
    if (precision === 0 || recall === 0) return 0;
    return ((1 + beta ** 2) * precision * recall) / (recall + beta ** 2 * precision);
  });
  return { score: mean(each), each };
}
