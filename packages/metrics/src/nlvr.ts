// Accuracy and consistency on NLVR2 (lil-lab/nlvr, nlvr2/eval/metrics.py; Suhr et al. 2019, arXiv 1811.00491).
import { badIdentifier, nothingIn } from "./errors.ts";
import { mean } from "./numbers.ts";

/** A judgement of a sentence about two images. */
export interface NlvrExample {
  /** The model's judgement. */
  readonly prediction: boolean;
  /** The correct judgement. */
  readonly label: boolean;
  /** The statement. */
  readonly sentence: string;
  /** NLVR2's "split-set-pair-sentence", such as "dev-850-2-1". */
  readonly identifier?: string;
}

/** Accuracy and consistency on NLVR2. */
export interface NlvrMetrics {
  /** The share of correct predictions, 0 to 1. */
  readonly accuracy: number;
  /** The share of sentences with only correct predictions, 0 to 1. */
  readonly consistency: number;
  /** The number of sentences. */
  readonly sentences: number;
}

/** Returns the key that all image pairs of a sentence share. */
function sentenceOf(example: NlvrExample, index: number): string {
  const { identifier } = example;
  if (identifier === undefined) return `sentence ${example.sentence}`;
  const parts = identifier.split("-");
  if (parts.length < 4) throw badIdentifier(`examples[${index}].identifier`, identifier);
  return `identifier ${parts.map((part, index) => (index === 2 ? "" : part)).join("-")}`;
}

/**
 * Computes NLVR2's metrics. Accuracy = |correct predictions| / |examples|. Consistency = |sentences whose image pairs
 * are all judged correctly| / |sentences|. Examples share a sentence if their identifiers are equal except for the pair
 * (the third part), or, without identifiers, if their sentences are equal. Both range from 0 to 1.
 * @throws {UsageError} `usage/bad-option` if there is no example, or an identifier has fewer than four parts
 * @source lil-lab/nlvr, nlvr2/eval/metrics.py
 */
export function nlvrMetrics(examples: readonly NlvrExample[]): NlvrMetrics {
  if (examples.length === 0) throw nothingIn("examples", "example");
  const right = examples.map(({ prediction, label }) => prediction === label);
  const consistent = new Map<string, boolean>();
  for (const [index, example] of examples.entries()) {
    const sentence = sentenceOf(example, index);
    consistent.set(sentence, (consistent.get(sentence) ?? true) && right[index] === true);
  }
  return {
    accuracy: mean(right.map(Number)),
    consistency: mean([...consistent.values()].map(Number)),
    sentences: consistent.size,
  };
}
