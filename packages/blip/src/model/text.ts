// The multimodal text transformer, MED (models/med.py; transformers `BlipTextModel`): BERT, post-norm, whose layers
// cross-attend to an image where one is given.
import {
  divideDims,
  floatTensor,
  multiplyDims,
  sameDim,
  type GraphBuilder,
  type Value,
} from "@blip-ts/graph";
import type { TextConfig } from "./config.ts";

/** The lowest float32: what the references add to the score of a masked position. */
const masked = -3.4028234663852886e38;

/** A 2-D padding mask [B, T] of ones and zeros as a bias of scores [B, 1, T, T]; it hides keys from every query. */
function paddingBias(b: GraphBuilder, mask: Value): Value {
  const [B = 0, T = 0] = b.dims(mask, "B T");
  const hidden = b.subtract(b.scalar(1), b.cast(mask, "float32"));
  const bias = b.multiply(hidden, b.constant(floatTensor([], [masked])));
  return b.expand(b.reshape(bias, [B, 1, 1, T]), [B, 1, T, T]);
}

/** Words and positions [B, T, D]; no token types. */
function embeddings(b: GraphBuilder, ids: Value, positions: Value, config: TextConfig): Value {
  const { vocabSize, maxPositions, hiddenSize, layerNormEps } = config;
  const words = b.embedding(ids, "word_embeddings", vocabSize, hiddenSize);
  const places = b.embedding(positions, "position_embeddings", maxPositions, hiddenSize);
  return b.layerNorm(b.add(words, places), "LayerNorm", layerNormEps);
}

/** LN(dense(x) + residual) */
function residualOutput(b: GraphBuilder, x: Value, residual: Value, config: TextConfig): Value {
  return b.layerNorm(
    b.add(b.linear(x, "dense", config.hiddenSize), residual),
    "LayerNorm",
    config.layerNormEps,
  );
}

/** Attention of x to memory (itself, or an image), then dense and LayerNorm with x. */
function attention(b: GraphBuilder, x: Value, memory: Value, config: TextConfig, bias?: Value): Value {
  const { hiddenSize: D, heads } = config;
  const self = b.at("self");
  const query = perMemory(b, self.linear(x, "query", D), memory);
  const [key, value] = [self.linear(memory, "key", D), self.linear(memory, "value", D)];
  const context = self.attention(query, key, value, heads, (D / heads) ** -0.5, bias);
  return residualOutput(b.at("output"), b.reshape(context, x.shape), x, config);
}

/**
 * Texts of one image as one long sequence: [B, T, D] -> [I, B*T/I, D] for a memory of I images, text b belonging to
 * image floor(b * I / B). Queries do not see each other, so this is exact, and each image's keys and values are made
 * once for all its texts. Where the memory is as long as the batch, nothing changes.
 */
function perMemory(b: GraphBuilder, query: Value, memory: Value): Value {
  const [B = 0, T = 0, D = 0] = b.dims(query, "B T D");
  const [I = 0] = b.dims(memory, "I N D");
  return sameDim(I, B) ? query : b.reshape(query, [I, divideDims(multiplyDims(B, T), I), D]);
}

function layer(b: GraphBuilder, x: Value, config: TextConfig, bias: Value, image: Value | undefined): Value {
  let state = attention(b.at("attention"), x, x, config, bias);
  if (image) state = attention(b.at("crossattention"), state, image, config);
  const inner = b.gelu(b.at("intermediate").linear(state, "dense", config.intermediateSize));
  return residualOutput(b.at("output"), inner, state, config);
}

/** What a text stack reads. */
export interface TextInputs {
  /** Token ids [B, T], int64. */
  readonly ids: Value;
  /** Positions of the tokens [T], int64: 0, 1, 2, ... */
  readonly positions: Value;
  /** 1 for tokens and 0 for padding [B, T], int64. */
  readonly mask: Value;
  /** Image states [I, N, D'] to cross-attend to; without them the text stands alone (mode `text`). */
  readonly image?: Value;
}

/** All text states after the last layer: [B, T, D]. */
export function textModel(
  b: GraphBuilder,
  { ids, positions, mask, image }: TextInputs,
  config: TextConfig,
): Value {
  const bias = paddingBias(b, mask);
  let x = embeddings(b.at("embeddings"), ids, positions, config);
  for (let index = 0; index < config.layers; index++)
    x = layer(b.at(`encoder.layer.${index}`), x, config, bias, image);
  return x;
}
