// The vision transformer (models/vit.py; transformers `BlipVisionModel`): pre-norm ViT, one final LayerNorm on all
// tokens, no pooler.
import { GraphError, type GraphBuilder, type Value } from "@blip-ts/graph";
import { imageTokens, type VisionConfig } from "./config.ts";
import { interpolatePositions } from "./interpolate-positions.ts";
import type { Regularizer } from "./regularize.ts";

/** Self-attention, softmax(q k^T / sqrt(K)) v, with one Linear D -> 3D: rows 0..D-1 are q, then k, then v. */
function selfAttention(b: GraphBuilder, x: Value, { hiddenSize: D, heads }: VisionConfig): Value {
  const qkv = b.linear(x, "qkv", 3 * D); // [B, N, 3 D]
  const [q, k, v] = [b.slice(qkv, 2, 0, D), b.slice(qkv, 2, D, 2 * D), b.slice(qkv, 2, 2 * D, 3 * D)];
  return b.linear(b.attention(q, k, v, heads, 1 / Math.sqrt(D / heads)), "projection", D);
}

/** Regularizes a residual branch. The scope of `b` is the branch. */
type Branch = (b: GraphBuilder, x: Value) => Value;

/** x += attention(LN1 x); x += mlp(LN2 x) */
function block(b: GraphBuilder, x: Value, config: VisionConfig, keep: Branch): Value {
  const { hiddenSize, intermediateSize, layerNormEps } = config;
  const [self, mlp] = [b.at("self_attn"), b.at("mlp")];
  const attended = selfAttention(self, b.layerNorm(x, "layer_norm1", layerNormEps), config);
  const residual = b.add(x, keep(self, attended)); // [B, N, D]
  const inner = mlp.gelu(
    mlp.linear(b.layerNorm(residual, "layer_norm2", layerNormEps), "fc1", intermediateSize),
  );
  return b.add(residual, keep(mlp, mlp.linear(inner, "fc2", hiddenSize)));
}

/** Embeds patches and the class token, and adds their positions: [B, 3, S, S'] -> [B, N, D]. */
function embeddings(b: GraphBuilder, pixels: Value, config: VisionConfig): Value {
  const { hiddenSize: D, patchSize, imageSize } = config;
  const [B, , height, width] = b.dims(pixels, "B C S S");
  if (typeof height !== "number" || typeof width !== "number")
    throw new GraphError("vision: the image's sides must be numbers");
  const grid = b.patchConvolution(pixels, "patch_embedding", patchSize, D); // [B, D, S/p, S'/p]
  const [rows, columns] = [Math.floor(height / patchSize), Math.floor(width / patchSize)];
  const patches = b.transpose(b.reshape(grid, [B, D, rows * columns]), [0, 2, 1]); // [B, N-1, D]
  const classToken = b.expand(b.weight("class_embedding", [1, 1, D]), [B, 1, D]); // [B, 1, D]
  const table = b.weight("position_embedding", [1, imageTokens(config), D]);
  const side = Math.floor(imageSize / patchSize);
  const positions =
    rows === side && columns === side ? table : interpolatePositions(b, table, side, rows, columns);
  return b.add(b.concat([classToken, patches], 1), positions);
}

/**
 * Computes all token states after the final LayerNorm: pixel_values [B, 3, S, S'] -> [B, N, D]. Index 0 is the class
 * token, the global feature; texts attend to all N states. If the image's sides differ from the configuration, the
 * position embeddings are interpolated.
 * @param regularize stochastic depth, for training
 */
export function visionModel(
  b: GraphBuilder,
  pixels: Value,
  config: VisionConfig,
  regularize?: Regularizer,
): Value {
  let x = embeddings(b.at("embeddings"), pixels, config);
  for (let layer = 0; layer < config.layers; layer++) {
    const depth = layer / Math.max(1, config.layers - 1);
    const keep: Branch = (at, branch) => regularize?.dropPath(at, branch, depth) ?? branch;
    x = block(b.at(`encoder.layers.${layer}`), x, config, keep);
  }
  return b.layerNorm(x, "post_layernorm", config.layerNormEps);
}
