// All caption metrics of raw text, as pycocoevalcap's COCOEvalCap runs them.
import { must } from "@blip-ts/base";
import { bleu, type BleuScores } from "./bleu.ts";
import { ciderD } from "./cider-d.ts";
import { expectReferences } from "./ngrams.ts";
import { rougeL } from "./rouge-l.ts";
import { tokenizeCaptions } from "./tokenize.ts";

/** Metrics of captions beside references, as pycocoevalcap counts them. */
export interface CaptionMetrics {
  /** BLEU-1 to BLEU-4, 0 to 1 (papers print them times 100). */
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

/** The metrics with each caption's own. */
export interface CaptionReport extends CaptionMetrics {
  /** The same of each caption. */
  readonly each: readonly CaptionMetrics[];
}

/**
 * BLEU-1 to 4, ROUGE-L and CIDEr-D of captions, tokenized as pycocoevalcap does it. METEOR and SPICE are not among
 * them: METEOR 1.5 rests on 61 MB of paraphrases and WordNet's synonyms, SPICE on Stanford's parser.
 * @param captions a caption for each image @param references for each image its references (five in COCO)
 * @throws {UsageError} `usage/bad-option` if there is no caption, one without a reference, or one of over 5,000 characters
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
