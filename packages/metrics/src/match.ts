// How well scores tell right pairs of image and text from wrong ones.
import { must } from "@blip-ts/base";
import { badNumber, nothingIn, notOneFor, oneClass } from "./errors.ts";
import { expectFinite, mean } from "./numbers.ts";

/** How well probabilities tell pairs that match from those that do not. */
export interface MatchMetrics {
  /** Share of pairs on the right side of the threshold, 0 to 1. */
  readonly accuracy: number;
  /** Share of true pairs among those at or above the threshold; 0 if there are none. */
  readonly precision: number;
  /** Share of the true pairs that are at or above the threshold; 0 if no pair is true. */
  readonly recall: number;
  /** 2 precision recall / (precision + recall); 0 if both are 0. */
  readonly f1: number;
}

/** How matching is scored. */
export interface MatchOptions {
  /** A pair is taken for a match if its score is at least this. Default 0.5, on the probability of ITM. */
  readonly threshold?: number;
}

function expectPairs(scores: ArrayLike<number>, labels: readonly boolean[]): void {
  if (scores.length === 0) throw nothingIn("scores", "pair");
  if (labels.length !== scores.length) throw notOneFor("labels", scores.length, "scores", labels.length);
  expectFinite("scores", scores);
}

const ratio = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);

/**
 * With TP, FP, FN, TN counted at score >= threshold: accuracy = (TP + TN) / all, precision = TP / (TP + FP),
 * recall = TP / (TP + FN), F1 = 2 TP / (2 TP + FP + FN). Shares, 0 to 1; 0 / 0 is 0, as scikit-learn's
 * `zero_division=0`.
 * @param scores of pairs, higher is likelier a match @param labels whether each pair is one
 * @throws {UsageError} `usage/bad-option` if there is no pair, the lengths differ, or a score or threshold is not finite
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
 * The area under the ROC curve: AUC = P(score of a true pair > score of a false one) + P(equal) / 2, 0 to 1.
 * Computed from mid-ranks (Mann-Whitney): AUC = (R - P (P + 1) / 2) / (P N), with R the sum of the true pairs' ranks.
 * @param scores of pairs, higher is likelier a match @param labels whether each pair is one
 * @throws {UsageError} `usage/bad-option` if there is no pair, the lengths differ, a score is not finite, or all labels are alike
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

/** How often the true text scores higher than the false one. */
export interface PairRanking {
  /** Share of pairs in which the true text scores higher than the false one, 0 to 1. */
  readonly accuracy: number;
  /** Share of pairs in which both score the same, which counts as wrong, 0 to 1. */
  readonly ties: number;
}

/**
 * Share ranked right = |{i : right_i > wrong_i}| / n, 0 to 1: each image's true text against its false one (FOIL,
 * ARO, SugarCrepe and the like). A tie is wrong; `ties` says how many there are.
 * @param right scores of the true texts @param wrong scores of the false ones, in the same order
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

/** Scores of two texts with two images: `scores[text][image]`; text 0 belongs to image 0, text 1 to image 1. */
export type WinogroundScores = readonly [readonly [number, number], readonly [number, number]];

/** Winoground's scores, each the share of examples that are right, 0 to 1 (arXiv 2204.03162). */
export interface WinogroundMetrics {
  /** Share of items in which each image scores higher with its own text, 0 to 1; by chance 1/4. */
  readonly text: number;
  /** Share of items in which each text scores higher with its own image, 0 to 1; by chance 1/4. */
  readonly image: number;
  /** Share of items in which both hold, 0 to 1; by chance 1/6. */
  readonly group: number;
}

/**
 * Winoground's three scores. With s(t, i): text = s(0,0) > s(1,0) and s(1,1) > s(0,1); image = s(0,0) > s(0,1) and
 * s(1,1) > s(1,0); group = both. Each is the mean over the items, 0 to 1. A tie is wrong.
 * @param items scores of each item, `[text][image]`
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
