// Metrics for how well scores separate matching image-text pairs from non-matching pairs.
import { must } from "@blip-ts/base";
import { badNumber, nothingIn, notOneFor, oneClass } from "./errors.ts";
import { expectFinite, mean } from "./numbers.ts";

/** The classification metrics of matching pairs at a threshold. */
export interface MatchMetrics {
  /** The share of pairs on the correct side of the threshold, 0 to 1. */
  readonly accuracy: number;
  /** The share of matching pairs among the pairs at or above the threshold; 0 if no pair reaches the threshold. */
  readonly precision: number;
  /** The share of matching pairs that are at or above the threshold; 0 if no pair matches. */
  readonly recall: number;
  /** 2 precision recall / (precision + recall); 0 if both are 0. */
  readonly f1: number;
}

/** Options of the match metrics. */
export interface MatchOptions {
  /** The least score at which a pair counts as a match. Default: 0.5, for ITM's probability. */
  readonly threshold?: number;
}

function expectPairs(scores: ArrayLike<number>, labels: readonly boolean[]): void {
  if (scores.length === 0) throw nothingIn("scores", "pair");
  if (labels.length !== scores.length) throw notOneFor("labels", scores.length, "scores", labels.length);
  expectFinite("scores", scores);
}

const ratio = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);

/**
 * Computes the classification metrics. With TP, FP, FN, TN counted at score >= threshold: accuracy = (TP + TN) / all,
 * precision = TP / (TP + FP), recall = TP / (TP + FN), F1 = 2 TP / (2 TP + FP + FN). All range from 0 to 1. 0 / 0 is 0,
 * as with scikit-learn's `zero_division=0`.
 * @param scores the score of each pair; higher means a likelier match @param labels whether each pair matches
 * @throws {UsageError} `usage/bad-option` if there is no pair, the lengths differ, or a score or threshold is not
 * finite
 * @source scikit-learn accuracy_score, precision_score, recall_score, f1_score
 */
export function matchMetrics(
  scores: ArrayLike<number>,
  labels: readonly boolean[],
  options: MatchOptions = {},
): MatchMetrics {
  expectPairs(scores, labels);
  const { threshold = 0.5 } = options;
  if (!Number.isFinite(threshold)) throw badNumber("threshold", "a finite number", threshold);
  let [truePositive, falsePositive, falseNegative] = [0, 0, 0];
  for (const [index, label] of labels.entries()) {
    const match = must(scores, index) >= threshold;
    if (match && label) truePositive++;
    else if (match) falsePositive++;
    else if (label) falseNegative++;
  }
  return {
    accuracy: 1 - (falsePositive + falseNegative) / labels.length,
    precision: ratio(truePositive, truePositive + falsePositive),
    recall: ratio(truePositive, truePositive + falseNegative),
    f1: ratio(2 * truePositive, 2 * truePositive + falsePositive + falseNegative),
  };
}

/**
 * Computes the area under the ROC curve: AUC = P(score of a true pair > score of a false pair) + P(equal) / 2, 0 to 1.
 * Uses mid-ranks (Mann-Whitney): AUC = (R - P (P + 1) / 2) / (P N), where R is the sum of the ranks of the true pairs.
 * @param scores the score of each pair; higher means a likelier match @param labels whether each pair matches
 * @throws {UsageError} `usage/bad-option` if there is no pair, the lengths differ, a score is not finite, or all labels
 * are equal
 * @source scikit-learn roc_auc_score
 */
export function rocAuc(scores: ArrayLike<number>, labels: readonly boolean[]): number {
  expectPairs(scores, labels);
  const pairs = labels
    .map((label, index) => ({ label, score: must(scores, index) }))
    .sort((a, b) => a.score - b.score);
  const positives = labels.filter(Boolean).length;
  if (positives === 0 || positives === labels.length) throw oneClass(positives > 0);
  let rankSum = 0;
  for (let start = 0; start < pairs.length;) {
    let end = start;
    let trueOnes = 0;
    while (end < pairs.length && pairs[end]?.score === pairs[start]?.score) {
      if (pairs[end]?.label === true) trueOnes++;
      end++;
    }
    rankSum += (trueOnes * (start + 1 + end)) / 2;
    start = end;
  }
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * (labels.length - positives));
}

/** How often the true text scores higher than the false text. */
export interface PairRanking {
  /** The share of pairs in which the true text scores higher than the false text, 0 to 1. */
  readonly accuracy: number;
  /** The share of pairs with equal scores, which count as wrong, 0 to 1. */
  readonly ties: number;
}

/**
 * Computes the share of correctly ranked pairs = |{i : right_i > wrong_i}| / n, 0 to 1. A pair is the true text and the
 * false text of an image (FOIL, ARO, SugarCrepe and similar). A tie counts as wrong; `ties` is the share of ties.
 * @param right scores of the true texts @param wrong scores of the false texts, in the same order
 * @throws {UsageError} `usage/bad-option` if there is no pair, the lengths differ, or a score is not finite
 */
export function pairRanking(right: ArrayLike<number>, wrong: ArrayLike<number>): PairRanking {
  if (right.length === 0) throw nothingIn("right", "pair");
  if (wrong.length !== right.length) throw notOneFor("wrong", right.length, "true texts", wrong.length);
  expectFinite("right", right);
  expectFinite("wrong", wrong);
  let [above, equal] = [0, 0];
  for (let index = 0; index < right.length; index++) {
    const [one, other] = [must(right, index), must(wrong, index)];
    if (one > other) above++;
    else if (one === other) equal++;
  }
  return { accuracy: above / right.length, ties: equal / right.length };
}

/** The scores of two texts with two images: `scores[text][image]`. Text 0 belongs to image 0, text 1 to image 1. */
export type WinogroundScores = readonly [readonly [number, number], readonly [number, number]];

/** Winoground's scores, each the share of correct items, 0 to 1 (arXiv 2204.03162). */
export interface WinogroundMetrics {
  /** The share of items in which each image scores higher with its own text, 0 to 1; by chance 1/4. */
  readonly text: number;
  /** The share of items in which each text scores higher with its own image, 0 to 1; by chance 1/4. */
  readonly image: number;
  /** The share of items in which both conditions hold, 0 to 1; by chance 1/6. */
  readonly group: number;
}

/**
 * Computes Winoground's three scores. With s(t, i): text = s(0,0) > s(1,0) and s(1,1) > s(0,1); image = s(0,0) > s(0,1)
 * and s(1,1) > s(1,0); group = both. Each is the mean over the items, 0 to 1. A tie counts as wrong.
 * @param items the scores of each item, `[text][image]`
 * @throws {UsageError} `usage/bad-option` if there is no item, or a score is not finite
 * @source Thrush et al. 2022, arXiv 2204.03162, section 4.1; facebook/winoground
 */
export function winoground(items: readonly WinogroundScores[]): WinogroundMetrics {
  if (items.length === 0) throw nothingIn("items", "item");
  const verdicts = items.map(([first, second], index) => {
    expectFinite(`items[${index}][0]`, first);
    expectFinite(`items[${index}][1]`, second);
    const text = first[0] > second[0] && second[1] > first[1];
    const image = first[0] > first[1] && second[1] > second[0];
    return { text, image };
  });
  return {
    text: mean(verdicts.map(({ text }) => Number(text))),
    image: mean(verdicts.map(({ image }) => Number(image))),
    group: mean(verdicts.map(({ text, image }) => Number(text && image))),
  };
}
