// All caption metrics of raw text, as in pycocoevalcap's COCOEvalCap.
import { must } from "@blip-ts/base";
import { bleu, type BleuScores } from "./bleu.ts";
import { ciderD } from "./cider-d.ts";
import { expectReferences } from "./ngrams.ts";
import { rougeL } from "./rouge-l.ts";
import { tokenizeCaptions } from "./tokenize.ts";

/** Metrics of captions against references, computed as in pycocoevalcap. */
export interface CaptionMetrics {
  /** BLEU-1, 0 to 1 (papers print it times 100). */
  readonly bleu1: number;
  /** BLEU-2, 0 to 1. */
  readonly bleu2: number;
  /** BLEU-3, 0 to 1. */
  readonly bleu3: number;
  /** BLEU-4, 0 to 1. */
  readonly bleu4: number;
  /** ROUGE-L, 0 to 1 (papers print it times 100). */
  readonly rougeL: number;
  /** CIDEr-D, 0 to 10 (papers print it times 100). */
  readonly ciderD: number;
}

/** The metrics of all captions together and of each one. */
export interface CaptionReport extends CaptionMetrics {
  /** The metrics of each caption. */
  readonly each: readonly CaptionMetrics[];
}

/**
 * BLEU-1 to 4, ROUGE-L and CIDEr-D of captions, tokenized as in pycocoevalcap. METEOR and SPICE are not included:
 * METEOR 1.5 needs 61 MB of paraphrases and WordNet's synonyms, SPICE needs Stanford's parser.
 * @param captions one caption per image @param references the references of each image (five in COCO)
 * @throws {UsageError} `usage/bad-option` if there is no caption, one without a reference, or one of over 5,000
 * characters
 * @source pycocoevalcap 1.2 eval.py
 */
export function captionMetrics(
  captions: readonly string[],
  references: readonly (readonly string[])[],
): CaptionReport {
  expectReferences(captions, references);
  const tokens = tokenizeCaptions(captions);
  const flat = tokenizeCaptions(references.flat());
  let next = 0;
  const grouped = references.map(({ length }) => flat.slice(next, (next += length)));
  const [blue, rouge, cider] = [bleu(tokens, grouped), rougeL(tokens, grouped), ciderD(tokens, grouped)];
  const named = ([bleu1, bleu2, bleu3, bleu4]: BleuScores, rougeScore: number, ciderScore: number) => ({
    ...{ bleu1, bleu2, bleu3, bleu4 },
    rougeL: rougeScore,
    ciderD: ciderScore,
  });
  const each = blue.each.map((bleu, index) => named(bleu, must(rouge.each, index), must(cider.each, index)));
  return { ...named(blue.score, rouge.score, cider.score), each };
}
