// Chooses the cheapest form of cross-attention to images by the shape of the work. No other code makes this choice.
import type { BlipConfig } from "../model/config.ts";
import type { CrossAttentionForm, MultimodalHead } from "../model/encoders.ts";

/**
 * The cost of a multiply-add for keys and values relative to one of the folded products. It includes their separate run
 * and the split of its outputs into heads. Measured at base size on one core: 577 states to keys and values 69 GFLOP/s,
 * the folded products 86.
 */
const keysAndValuesCost = 1.25;

/**
 * The number of text tokens per image from which its keys and values are worth computing, for N states per image.
 * Multiply-adds per layer: keys and values cost 2 N D D' once and then 2 N D per token. In the folded form, the weights
 * cost 2 D D' and the states 2 H N D' per token. At base size (N 577) the threshold is 78 tokens, about 7 texts.
 */
export function tokensWorthCaching({ text, vision }: BlipConfig, N: number): number {
  const { hiddenSize: D, heads: H } = text;
  const width = vision.hiddenSize;
  const perToken = D * width + H * N * width - N * D;
  return perToken <= 0 ? Infinity : Math.ceil((keysAndValuesCost * N * D * width) / perToken);
}

/** The shape of the work: the mean number of text tokens per image, and N, the states of an image. */
export interface CrossAttentionShape {
  readonly tokens: number;
  readonly states: number;
}

/**
 * The cheapest form for a shape. NLVR2 attends to two images, whose keys and values are computed in the call and not
 * kept.
 */
export function chooseForm(
  config: BlipConfig,
  head: MultimodalHead,
  { tokens, states }: CrossAttentionShape,
): CrossAttentionForm {
  if (tokens < tokensWorthCaching(config, states)) return "folded";
  return head === "nlvr" ? "plain" : "cached";
}

/** Describes for users when a graph of this form runs. */
export function whenChosen(config: BlipConfig, form: CrossAttentionForm, N: number): string {
  const tokens = tokensWorthCaching(config, N);
  switch (form) {
    case "folded":
      return `for fewer than ${tokens} text tokens per image: cross-attention reads the image's states directly`;
    case "cached":
      return `for ${tokens} text tokens or more per image: its keys and values are computed once and kept`;
    case "plain":
      return `for ${tokens} text tokens or more per pair of images: keys and values are computed in the call`;
  }
}
