// Metrics for rankings, captions and answers, computed as in the reference implementations.
/** Retrieval: R@k, means, median and mean rank. */
export {
  bestRanks,
  type Bounds,
  type QueryPlaces,
  rankReport,
  type RankReport,
  retrievalMetrics,
  type RetrievalMetrics,
  retrievalReport,
  type RetrievalReport,
} from "./retrieval.ts";
/** Compares captions with reference captions: all metrics at once, and each metric on tokens. */
export { captionMetrics, type CaptionMetrics, type CaptionReport } from "./captions/caption-metrics.ts";
export { longestCaption, tokenizeCaptions, type Tokens } from "./captions/tokenize.ts";
export { bleu, type Bleu, type BleuScores } from "./captions/bleu.ts";
export { type CaptionScores, rougeL } from "./captions/rouge-l.ts";
export { ciderD, type CiderOptions } from "./captions/cider-d.ts";
/** Compares the things that captions name with the things in the images. */
export {
  type CaptionThings,
  namedThings,
  type Thing,
  thingMetrics,
  type ThingMetrics,
  type ThingScores,
} from "./things.ts";
/** Answers to visual questions. */
export { normalizeVqaAnswer, vqaAccuracy, type VqaMetrics, type VqaQuestion } from "./vqa.ts";
/** NLVR2: statements about two images. */
export { type NlvrExample, nlvrMetrics, type NlvrMetrics } from "./nlvr.ts";
/** Separation of matching and non-matching image-text pairs. */
export {
  matchMetrics,
  type MatchMetrics,
  type MatchOptions,
  pairRanking,
  type PairRanking,
  rocAuc,
  winoground,
  type WinogroundMetrics,
  type WinogroundScores,
} from "./match.ts";
