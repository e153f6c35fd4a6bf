// The architecture of a BLIP checkpoint: the numbers that determine its graphs. The numbers come from config.json, the
// tensors' shapes, or both (transformers `BlipConfig`).

/** Vision transformer (ViT) sizes. */
export interface VisionConfig {
  /** D, the width of a token. */
  readonly hiddenSize: number;
  /** The number of layers. */
  readonly layers: number;
  /** H, the number of attention heads. */
  readonly heads: number;
  /** M, the width within the feed-forward network. */
  readonly intermediateSize: number;
  /** S, the side of the square input in pixels. */
  readonly imageSize: number;
  /** The side of a patch in pixels. */
  readonly patchSize: number;
  /** The epsilon of the layer normalizations: 1e-5 in transformers, 1e-6 in the original. */
  readonly layerNormEps: number;
}

/** MED text transformer sizes (BERT with cross-attention). */
export interface TextConfig {
  /** D, the width of the states. */
  readonly hiddenSize: number;
  /** The number of layers. */
  readonly layers: number;
  /** The number of attention heads, which divides the width. */
  readonly heads: number;
  /** The width within the feed-forward network. */
  readonly intermediateSize: number;
  /** V, the size of the vocabulary. */
  readonly vocabSize: number;
  /** The length of the position table. */
  readonly maxPositions: number;
  /** The epsilon of the layer normalizations. */
  readonly layerNormEps: number;
  /**
   * NLVR2: the first layer that merges its two cross-attentions with a Linear (6 of 12). Lower layers average the two
   * cross-attentions.
   */
  readonly firstMergeLayer?: number | undefined;
}

/** The sizes of a network. */
export interface BlipConfig {
  /** The image encoder's sizes. */
  readonly vision: VisionConfig;
  /** The text model's sizes. */
  readonly text: TextConfig;
  /** E, the width of the joint embedding of images and texts. */
  readonly jointEmbedding: number;
}

/** Returns N: the class token plus the number of patches of a square image of side `imageSize`. */
export function imageTokens({ imageSize, patchSize }: VisionConfig): number {
  return 1 + Math.floor(imageSize / patchSize) ** 2;
}
