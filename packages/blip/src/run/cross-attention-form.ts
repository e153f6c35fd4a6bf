// Which form of looking at images is the cheapest, by the shape of the work: the one place that decides.
import type { BlipConfig } from "../model/config.ts";
import type { CrossAttentionForm, MultimodalHead } from "../model/encoders.ts";

/**
 * What a multiply-add of the keys and values costs beside one of the folded products: their own run, and its outputs put
 * into heads. Measured at base size on one core: 577 states to keys and values 69 GFLOP/s, the folded products 86.
 */
const keysAndValuesCost = 1.25;

/**
 * From how many text tokens of one image on its keys and values are worth making, N states an image. For each layer, in
 * multiply-adds: keys and values cost 2 N D D' once and then 2 N D a token; folded, the weights cost a token 2 D D' and
 * the states 2 H N D'. At base size (N 577) it is 78 tokens, some 7 texts.
 */
export function tokensWorthCaching({ text, vision }: BlipConfig, N: number): number {
  const { hiddenSize: D, heads: H } = text;
  const width = vision.hiddenSize;
  const perToken = D * width + H * N * width - N * D;
  return perToken <= 0 ? Infinity : Math.ceil((keysAndValuesCost * N * D * width) / perToken);
}

/** The work: text tokens that look at each image, in the mean, and N, the states of an image. */
export interface CrossAttentionShape {
  readonly tokens: number;
  readonly states: number;
}

/** The cheapest form for a shape. NLVR2 looks at two images, whose keys and values are not kept: it makes them in the call. */
export function chooseForm(
  config: BlipConfig,
  head: MultimodalHead,
  { tokens, states }: CrossAttentionShape,
): CrossAttentionForm {
  if (tokens < tokensWorthCaching(config, states)) return "folded";
  return head === "nlvr" ? "plain" : "cached";
}

/** When a graph of this form runs, for people. */
export function whenChosen(config: BlipConfig, form: CrossAttentionForm, N: number): string {
  const tokens = tokensWorthCaching(config, N);
  switch (form) {
    case "folded":
      return `where fewer than ${tokens} text tokens look at an image: its states are read as they are`;
    case "cached":
      return `where ${tokens} text tokens or more look at an image: its keys and values are made once and kept`;
    case "plain":
      return `where ${tokens} text tokens or more look at a pair of images: keys and values are made in the call`;
  }
}
