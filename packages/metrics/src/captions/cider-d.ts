// CIDEr-D (Vedantam et al. 2015, arXiv 1411.5726, section 6), computed as in pycocoevalcap's cider_scorer.py.
import { must } from "@blip-ts/base";
import { badNumber } from "../errors.ts";
import { mean } from "../numbers.ts";
import { countNgrams, expectReferences, type Ngram, wordsOf } from "./ngrams.ts";
import type { CaptionScores } from "./rouge-l.ts";
import type { Tokens } from "./tokenize.ts";

/** Options of CIDEr-D. */
export interface CiderOptions {
  /** The width of the Gaussian penalty on a difference in length, in words. Default: 6. */
  readonly sigma?: number;
}

/** A caption's TF-IDF weights for one order n, and the norm of that vector. */
interface Weighted {
  readonly weights: ReadonlyMap<Ngram, number>;
  readonly norm: number;
}

interface Caption {
  readonly orders: readonly Weighted[];
  /** The length in words. */
  readonly length: number;
}

const ngramOrders = [1, 2, 3, 4] as const;

/** The number of images whose references contain each n-gram. */
function documentFrequencies(references: readonly (readonly (readonly string[])[])[]): Map<Ngram, number> {
  const frequencies = new Map<Ngram, number>();
  for (const ofImage of references) {
    const seen = new Set(
      ofImage.flatMap((words) => ngramOrders.flatMap((n) => [...countNgrams(words, n).keys()])),
    );
    for (const ngram of seen) frequencies.set(ngram, (frequencies.get(ngram) ?? 0) + 1);
  }
  return frequencies;
}

function weigh(words: readonly string[], frequencies: ReadonlyMap<Ngram, number>, images: number): Caption {
  const orders = ngramOrders.map((n) => {
    const weights = new Map<Ngram, number>();
    let squares = 0;
    for (const [ngram, count] of countNgrams(words, n)) {
      const weight = count * (Math.log(images) - Math.log(Math.max(1, frequencies.get(ngram) ?? 0)));
      weights.set(ngram, weight);
      squares += weight ** 2;
    }
    return { weights, norm: Math.sqrt(squares) };
  });
  return { orders, length: words.length };
}

/** The mean over n of the clipped cosine, times the penalty for a difference in length. */
function similarity(caption: Caption, reference: Caption, sigma: number): number {
  const penalty = Math.exp(-((caption.length - reference.length) ** 2) / (2 * sigma ** 2));
  const cosines = caption.orders.map(({ weights, norm }, index) => {
    const other = reference.orders[index];
    if (other === undefined || norm === 0 || other.norm === 0) return 0;
    let product = 0;
    for (const [ngram, weight] of weights) {
      const its = other.weights.get(ngram) ?? 0;
      product += Math.min(weight, its) * its;
    }
    return product / (norm * other.norm);
  });
  return mean(cosines) * penalty;
}

/**
 * CIDEr-D = 10 / m sum_j exp(-(l(c) - l(s_j))^2 / (2 sigma^2)) mean_n (min(g_n(c), g_n(s_j)) . g_n(s_j)) / (|g_n(c)|
 * |g_n(s_j)|), over m references s_j and n = 1 to 4. g_n are TF-IDF weights of n-grams, with IDF = ln(images) -
 * ln(max(1, images whose references have the n-gram)). The range is 0 to 10; the score is the mean over captions
 * (papers print it times 100). pycocoevalcap and the papers that use it call this metric "CIDEr". It depends on the
 * whole set of images; for a single image it is 0.
 * @param captions tokens of each image's caption @param references tokens of each image's references
 * @throws {UsageError} `usage/bad-option` if there is no caption, one without a reference, or if sigma is not positive
 * @source pycocoevalcap 1.2 cider/cider_scorer.py
 */
export function ciderD(
  captions: readonly Tokens[],
  references: readonly (readonly Tokens[])[],
  options: CiderOptions = {},
): CaptionScores {
  expectReferences(captions, references);
  const { sigma = 6 } = options;
  if (!(sigma > 0)) throw badNumber("sigma", "a number above 0", sigma);
  const words = references.map((ofImage) => ofImage.map(wordsOf));
  const frequencies = documentFrequencies(words);
  const weighed = (tokens: readonly string[]) => weigh(tokens, frequencies, captions.length);
  const each = captions.map((tokens, index) => {
    const caption = weighed(wordsOf(tokens));
    const others = must(words, index).map(weighed);
    return 10 * mean(others.map((reference) => similarity(caption, reference, sigma)));
  });
  return { score: mean(each), each };
}
