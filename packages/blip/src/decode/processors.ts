// Processes the scores of the next token before the choice, in transformers' order (generation/logits_process.py):
// repetition penalty, no repeated n-gram, minimum length; then, for sampling, temperature, top-k, top-p.
import { missed, must } from "@blip-ts/base";
import type { SequenceOptions } from "./options.ts";

/** log(sum(exp(x))), in double precision. */
function logSumExp(logits: Float32Array): number {
  let highest = -Infinity;
  for (const logit of logits) if (logit > highest) highest = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - highest);
  return highest + Math.log(sum);
}

/** log(softmax(x)) in float32, with double-precision sums. */
export function logSoftmax(logits: Float32Array): Float32Array {
  const shift = logSumExp(logits);
  const shifted = new Float32Array(logits.length);
  for (let token = 0; token < logits.length; token++)
    shifted[token] = (logits[token] ?? missed("logit")) - shift;
  return shifted;
}

/** log(softmax(x)) of one token. */
export const logProbability = (logits: Float32Array, token: number): number =>
  Math.fround(must(logits, token, "logit") - logSumExp(logits));

/** Makes repeated tokens less likely: divides positive scores and multiplies negative scores by the penalty. */
function penalizeRepetition(scores: Float32Array, tokens: readonly number[], penalty: number): void {
  for (const token of new Set(tokens)) {
    const score = scores[token];
    if (score !== undefined) scores[token] = score < 0 ? score * penalty : score / penalty;
  }
}

/** Forbids tokens that would repeat a sequence of `size` tokens. */
function forbidRepeatedRuns(scores: Float32Array, tokens: readonly number[], size: number): void {
  if (tokens.length + 1 < size) return;
  const open = tokens.slice(tokens.length - (size - 1));
  for (let start = 0; start + size <= tokens.length; start++) {
    const last = tokens[start + size - 1];
    if (last !== undefined && open.every((token, index) => token === tokens[start + index]))
      scores[last] = -Infinity;
  }
}

/**
 * Applies penalties to the scores of the next token. Returns a copy, or the given array if no penalty applies.
 * @param scores [V]: raw logits (greedy search, sampling) or log-probabilities (beam search)
 */
export function processScores(
  scores: Float32Array,
  tokens: readonly number[],
  { repetitionPenalty, noRepeatNgram, minLength, sepId }: SequenceOptions,
): Float32Array {
  const short = tokens.length < minLength;
  if (repetitionPenalty === 1 && noRepeatNgram <= 0 && !short) return scores;
  const processed = scores.slice();
  if (repetitionPenalty !== 1) penalizeRepetition(processed, tokens, repetitionPenalty);
  if (noRepeatNgram > 0) forbidRepeatedRuns(processed, tokens, noRepeatNgram);
  if (short) processed[sepId] = -Infinity;
  return processed;
}

/** A token with its probability. */
export interface Candidate {
  readonly token: number;
  readonly probability: number;
}

/**
 * Returns the tokens to sample from, likeliest first. Equally likely tokens are in the order of their ids.
 * @param scores [V], with penalties applied
 */
export function candidates(
  scores: Float32Array,
  { temperature, topK, topP }: Pick<SequenceOptions, "temperature" | "topK" | "topP">,
): Candidate[] {
  const warmed = temperature === 1 ? scores : scores.map((score) => score / temperature);
  let remaining = Array.from(warmed, (score, token) => ({ token, score })).filter(
    ({ score }) => score > -Infinity,
  );
  remaining.sort((a, b) => b.score - a.score || a.token - b.token);
  if (topK > 0) {
    // As in the reference implementation, keep all tokens that are as likely as the k-th token.
    const least = must(remaining, Math.min(topK, remaining.length) - 1, "token that may follow").score;
    remaining = remaining.filter(({ score }) => score >= least);
  }
  const probabilities = softmax(remaining.map(({ score }) => score));
  let count = remaining.length;
  if (topP < 1) {
    // Keep a token if the probabilities of likelier tokens add up to less than p. Always keep the first token.
    let before = 0;
    count = 0;
    for (const probability of probabilities) {
      if (count > 0 && before >= topP) break;
      before += probability;
      count++;
    }
  }
  const shares = softmax(remaining.slice(0, count).map(({ score }) => score));
  return shares.map((probability, index) => ({ token: must(remaining, index).token, probability }));
}

function softmax(scores: readonly number[]): number[] {
  const highest = must(scores, 0, "token that may follow");
  const powers = scores.map((score) => Math.exp(score - highest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}
