// Chooses the cheapest form of cross-attention to images from the numbers of tokens and states. Only this file chooses.
import type { BlipConfig } from "../model/config.ts";
import type { CrossAttentionForm, MultimodalHead } from "../model/encoders.ts";

/**
 * The cost of a multiply-add for keys and values, relative to a multiply-add of the folded products. It includes the
 * separate run for keys and values, and the split of its outputs into heads. Measured at base size on one core with 577
 * states: 69 GFLOP/s for keys and values, 86 for the folded products.
 */
const keysAndValuesCost = 1.25;

/**
 * The least number of text tokens per image for which computing keys and values is cheaper, for N states per image.
 * Multiply-adds per layer: keys and values cost 2 N D D' once and then 2 N D per token. In the folded form, the weights
 * cost 2 D D' and the states 2 H N D' per token. At base size (N 577) the threshold is 78 tokens, about 7 texts.
 */
export function tokensWorthCaching({ text, vision }: BlipConfig, N: number): number {
  const { hiddenSize: D, heads: H } = text;
  const width = vision.hiddenSize;
  const perToken = D * width + H * N * width - N * D;
  return perToken <= 0 ? Infinity : Math.ceil((keysAndValuesCost * N * D * width) / perToken);
}

/** The mean number of text tokens per image, and N, the number of states per image. */
export interface CrossAttentionShape {
  readonly tokens: number;
  readonly states: number;
}

/**
 * Chooses the cheapest form for a shape. NLVR2 attends to two images. Their keys and values are computed in the call
 * and not cached.
 */
export function chooseForm(
  config: BlipConfig,
  head: MultimodalHead,
  { tokens, states }: CrossAttentionShape,
): CrossAttentionForm {
  if (tokens < tokensWorthCaching(config, states)) return "folded";
  return head === "nlvr" ? "plain" : "cached";
}

/** Describes for users when this form is used. */
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
