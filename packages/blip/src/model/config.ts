// The architecture of a BLIP checkpoint: the numbers that decide its graph. Read from config.json, derived from the
// tensors' shapes, or both (transformers `BlipConfig`).

/** Vision transformer (ViT) sizes. */
export interface VisionConfig {
  /** D, the width of a token. */
  readonly hiddenSize: number;
  /** Layers. */
  readonly layers: number;
  /** H */
  readonly heads: number;
  /** M */
  readonly intermediateSize: number;
  /** S, the side of the square input in pixels. */
  readonly imageSize: number;
  /** Side of a patch in pixels. */
  readonly patchSize: number;
  /** transformers says 1e-5, the original 1e-6. */
  readonly layerNormEps: number;
}

/** MED text transformer sizes (BERT with cross-attention). */
export interface TextConfig {
  /** D, the width of the states. */
  readonly hiddenSize: number;
  /** Layers. */
  readonly layers: number;
  /** Attention heads; they divide the width. */
  readonly heads: number;
  /** Width within the feed-forward network. */
  readonly intermediateSize: number;
  /** V */
  readonly vocabSize: number;
  /** The length of the position table. */
  readonly maxPositions: number;
  /** Epsilon of the layer normalizations. */
  readonly layerNormEps: number;
  /** NLVR2: the first layer whose two cross-attentions are merged by a Linear (6 of 12); below it, by their mean. */
  readonly firstMergeLayer?: number | undefined;
}

/** The sizes of a network. */
export interface BlipConfig {
  /** The image encoder's. */
  readonly vision: VisionConfig;
  /** The text model's. */
  readonly text: TextConfig;
  /** E, the joint embedding of images and texts. */
  readonly jointEmbedding: number;
}

/** N: the class token and the patches of a square image of side `imageSize`. */
export function imageTokens({ imageSize, patchSize }: VisionConfig): number {
  return 1 + Math.floor(imageSize / patchSize) ** 2;
}
