// The multimodal text transformer, MED (models/med.py, models/nlvr_encoder.py; transformers `BlipTextModel`): BERT,
// post-norm. Arguments select encoder or decoder, cross-attention to zero, one or two images, and a cache.
import { atLeast, must } from "@blip-ts/base";
import {
  divideDims,
  floatTensor,
  GraphError,
  multiplyDims,
  sameDim,
  type GraphBuilder,
  type Shape,
  type Value,
} from "@blip-ts/graph";
import type { TextConfig } from "./config.ts";
import { attentionWithDropout, splitHeads, type Regularizer } from "./regularize.ts";

/** The lowest float32, which the references add to the score of a masked position. */
const masked = -3.4028234663852886e38;

/** Keys and values of an attention layer, split into heads: [B, H, N, K] each. */
export interface KeysAndValues {
  readonly key: Value;
  readonly value: Value;
}

/** The source of a cross-attention. */
export type CrossAttentionSource =
  | {
      /** States [I, N, D'], whose keys and values are computed here, or precomputed keys and values. */
      readonly of: Value | KeysAndValues;
      /** [I, N], int64: 1 for states and 0 for padding; by default there is no padding. */
      readonly mask?: Value | undefined;
    }
  /**
   * States [I, N, D'] that are attended to directly, without a mask: the key and value weights move to the query's
   * side.
   */
  | { readonly folded: Value };

/** Tokens to look up, or the word states from `embedText` [B, T, D]. */
export type Words =
  | {
      /** Token ids [B, T], int64. */
      readonly ids: Value;
      /** Positions of the tokens [T] or [B, T], int64: 0, 1, 2, ... */
      readonly positions: Value;
    }
  | { readonly embedded: Value };

/** The inputs of a text stack. */
export type TextInputs = Words & TextOptions;

interface TextOptions {
  /**
   * The bias that is added to the scores of self-attention [B, 1, T, S]. S counts the keys: first the past keys, then
   * the T new keys.
   */
  readonly bias: Value;
  /** The sources of a layer's cross-attention: none (mode `text`), one, or two for NLVR2. */
  readonly crossAttendTo?: (layer: number) => readonly CrossAttentionSource[];
  /** The self-attention keys and values of earlier tokens, by layer. */
  readonly past?: (layer: number) => KeysAndValues;
  /** Computes only each text's first state in the last layer. */
  readonly firstOnly?: boolean | undefined;
  /** Dropout, for training. */
  readonly regularize?: Regularizer | undefined;
}

/** The sizes of a text model, and its dropout. */
interface Stack extends TextConfig {
  readonly regularize?: Regularizer | undefined;
}

const dropped = (b: GraphBuilder, x: Value, { regularize }: Stack): Value => regularize?.dropout(b, x) ?? x;

export interface TextOutputs {
  /** All states after the last layer [B, T, D]; with `firstOnly`, the first state of each text [B, 1, D]. */
  readonly states: Value;
  /** With a past: the keys and values of all tokens, by layer. New tokens come last. */
  readonly present: readonly KeysAndValues[];
}

/** Creates a bias that masks scores. @param hidden 1 for masked scores, 0 for other scores */
const hide = (b: GraphBuilder, hidden: Value): Value =>
  b.multiply(hidden, b.constant(floatTensor([], [masked])));

/**
 * Converts a padding mask [B, N] of ones and zeros to a bias of scores [B, 1, rows, N]. No query attends to padding.
 */
export function paddingBias(b: GraphBuilder, mask: Value, rows = must(mask.shape, 1)): Value {
  const [B, N] = b.dims(mask, "B N");
  const bias = hide(b, b.subtract(b.scalar(1), b.cast(mask, "float32")));
  return b.expand(b.reshape(bias, [B, 1, 1, N]), [B, 1, rows, N]);
}

/**
 * Creates the bias of a decoder [B, 1, T, S]: a token attends to keys at positions up to its own.
 * @param queries positions of the tokens [B, T]
 * @param keys positions of all keys [B, S]; the position of padding is greater than every token's position
 */
export function causalBias(b: GraphBuilder, queries: Value, keys: Value): Value {
  const [B, T] = b.dims(queries, "B T");
  const [, S] = b.dims(keys, "B S");
  const query = b.reshape(b.cast(queries, "float32"), [B, 1, T, 1]);
  const key = b.reshape(b.cast(keys, "float32"), [B, 1, 1, S]);
  // min(1, max(0, key - query)) is 0 or 1, because positions are whole numbers.
  const later = b.relu(b.subtract(key, query));
  return hide(b, b.subtract(b.scalar(1), b.relu(b.subtract(b.scalar(1), later))));
}

/** Embeds ids [B, T] and positions [T] or [B, T] -> [B, T, D], without token types. @param stack the text model */
export function embedText(stack: GraphBuilder, ids: Value, positions: Value, config: TextConfig): Value {
  const b = stack.at("embeddings");
  const { vocabSize, maxPositions, hiddenSize, layerNormEps } = config;
  const words = b.embedding(ids, "word_embeddings", vocabSize, hiddenSize);
  const places = b.embedding(positions, "position_embeddings", maxPositions, hiddenSize);
  return b.layerNorm(b.add(words, places), "LayerNorm", layerNormEps);
}

/** Projects states [B, N, D'] to keys and values: [B, N, D] each. */
function project(b: GraphBuilder, states: Value, { hiddenSize: D }: TextConfig): KeysAndValues {
  return { key: b.linear(states, "key", D), value: b.linear(states, "value", D) };
}

function projectToHeads(b: GraphBuilder, states: Value, config: TextConfig): KeysAndValues {
  const { key, value } = project(b, states, config);
  return { key: splitHeads(b, key, config.heads), value: splitHeads(b, value, config.heads) };
}

/**
 * Joins the texts of an image into one long sequence: [B, T, D] -> [I, B*T/I, D] for the states of I images. Text b
 * belongs to image floor(b * I / B). Queries do not attend to each other, so this is exact, and each image's keys
 * and values are computed once for all its texts. With as many images as texts, nothing changes.
 */
function perImage(b: GraphBuilder, query: Value, attended: Value): Value {
  const [B, T, D] = b.dims(query, "B T D");
  const [I] = atLeast(attended.shape, 1);
  return sameDim(I, B) ? query : b.reshape(query, [I, divideDims(multiplyDims(B, T), I), D]);
}

/** Computes softmax(q k^T / sqrt(K) + bias) v with the query of x: [B, T, D]. The scope of `b` is a layer's `self`. */
function attend(
  b: GraphBuilder,
  x: Value,
  source: KeysAndValues,
  config: Stack,
  biasOf: (rows: Value["shape"][number]) => Value | undefined,
): Value {
  const { hiddenSize: D, heads, regularize } = config;
  const query = perImage(b, b.linear(x, "query", D), source.key); // [I, R, D], R = B*T/I rows per image
  const bias = biasOf(must(query.shape, 1));
  const scale = 1 / Math.sqrt(D / heads);
  const context = regularize
    ? attentionWithDropout(b, [query, source.key, source.value], { heads, scale, bias }, regularize)
    : b.attention(query, source.key, source.value, heads, scale, bias); // [I, R, D]
  return b.reshape(context, x.shape);
}

/**
 * Computes the attention of x to states [I, N, D'] without computing keys and values, for few tokens over many images:
 * q (W_k s + b_k) = (q W_k) s + q b_k, and softmax ignores the last term. sum p (W_v s + b_v) = W_v (sum p s) + b_v,
 * because the weights p sum to 1. All heads of all texts of an image are the rows of two products with its states.
 */
function attendFolded(
  b: GraphBuilder,
  x: Value,
  states: Value,
  { hiddenSize: D, heads: H }: TextConfig,
): Value {
  const K = D / H;
  const query = perImage(b, b.multiply(b.linear(x, "query", D), b.scalar(1 / Math.sqrt(K))), states); // [I, R, D]
  const [I, R] = b.dims(query, "I R D");
  const [, , width] = b.dims(states, "I N D"); // D', of the states
  if (typeof width !== "number") throw new GraphError("folded: the width of the states must be a number");
  const rows = multiplyDims(I, R);
  /** Rows h*K to (h+1)*K of a weight [D, D'] belong to head h: [H, K, D']. */
  const headsOf = (name: string) => b.reshape(b.at(name).weight("weight", [D, width]), [H, K, width]);
  const swap = (value: Value, shape: Shape) => b.transpose(b.reshape(value, shape), [1, 0, 2, 3]);

  const folded = b.matmul(b.transpose(b.reshape(query, [rows, H, K]), [1, 0, 2]), headsOf("key")); // [H, I*R, D']
  const queries = b.reshape(swap(folded, [H, I, R, width]), [I, multiplyDims(H, R), width]); // [I, H*R, D']
  const weights = b.softmax(b.matmul(queries, b.transpose(states, [0, 2, 1]))); // [I, H*R, N]
  const sums = b.reshape(swap(b.matmul(weights, states), [I, H, R, width]), [H, rows, width]); // [H, I*R, D']
  const context = b.matmul(sums, b.transpose(headsOf("value"), [0, 2, 1])); // [H, I*R, K]
  const joined = b.reshape(b.transpose(context, [1, 0, 2]), x.shape); // [B, T, D]
  return b.add(joined, b.at("value").weight("bias", [D]));
}

/** LN(dense(context) + x), for self-attention and for the feed-forward layer. The scope of `b` is their `output`. */
function residualOutput(b: GraphBuilder, context: Value, x: Value, config: Stack): Value {
  const { hiddenSize, layerNormEps } = config;
  const dense = dropped(b, b.linear(context, "dense", hiddenSize), config);
  return b.layerNorm(b.add(dense, x), "LayerNorm", layerNormEps);
}

function selfAttention(
  b: GraphBuilder,
  x: Value,
  {
    bias,
    past,
    firstOnly,
  }: { readonly bias: Value; readonly past: KeysAndValues | undefined; readonly firstOnly: boolean },
  config: Stack,
): { readonly state: Value; readonly present: KeysAndValues | undefined } {
  const self = b.at("self");
  let present: KeysAndValues | undefined;
  if (past) {
    const made = projectToHeads(self, x, config); // [B, H, T, K] each
    present = {
      key: self.concat([past.key, made.key], 2), // [B, H, P+T, K], P tokens before
      value: self.concat([past.value, made.value], 2),
    };
  }
  const queries = firstOnly ? b.slice(x, 1, 0, 1) : x; // [B, T or 1, D]
  const queryBias = firstOnly ? b.slice(bias, 2, 0, 1) : bias; // [B, 1, 1 or T, S]
  const context = attend(self, queries, present ?? project(self, x, config), config, () => queryBias);
  return { state: residualOutput(b.at("output"), context, queries, config), present };
}

/** Computes the context of x from a source in any form: [B, T, D]. */
function attendTo(b: GraphBuilder, x: Value, source: CrossAttentionSource, config: Stack): Value {
  if ("folded" in source) return attendFolded(b, x, source.folded, config);
  const { of, mask } = source;
  const keysAndValues = "key" in of ? of : project(b, of, config);
  return attend(b, x, keysAndValues, config, (rows) => mask && paddingBias(b, mask, rows));
}

/**
 * Attends to the layer's sources, then applies dense and LayerNorm with x. NLVR2 attends to two images in parallel
 * (`self0`, `self1`, `dense0`, `dense1`). Lower layers average the two results; upper layers apply a `merge_layer`.
 */
function crossAttention(
  b: GraphBuilder,
  x: Value,
  sources: readonly CrossAttentionSource[],
  config: Stack,
  layer: number,
): Value {
  const { hiddenSize: D, layerNormEps, firstMergeLayer = Infinity } = config;
  const output = b.at("output");
  const attended = sources.map((source, index) => {
    const name = sources.length === 1 ? "" : String(index);
    const context = attendTo(b.at(`self${name}`), x, source, config); // [B, T, D]
    return output.linear(context, `dense${name}`, D);
  });
  const [first, second] = attended;
  if (!first) return x;
  const merged = !second
    ? first
    : layer >= firstMergeLayer
      ? output.linear(output.concat([first, second], 2), "merge_layer", D)
      : output.multiply(output.add(first, second), output.scalar(0.5));
  return output.layerNorm(output.add(dropped(output, merged, config), x), "LayerNorm", layerNormEps);
}

/** The whole text model, from ids to states. */
export function textModel(b: GraphBuilder, inputs: TextInputs, sizes: TextConfig): TextOutputs {
  const { bias, crossAttendTo = () => [], past, regularize } = inputs;
  const config: Stack = { ...sizes, regularize };
  const firstOnlyAt = inputs.firstOnly === true ? config.layers - 1 : undefined;
  const present: KeysAndValues[] = [];
  const words = "embedded" in inputs ? inputs.embedded : embedText(b, inputs.ids, inputs.positions, config);
  let x = dropped(b.at("embeddings"), words, config);
  for (let index = 0; index < config.layers; index++) {
    const layer = b.at(`encoder.layer.${index}`);
    const attended = selfAttention(
      layer.at("attention"),
      x,
      { bias, past: past?.(index), firstOnly: index === firstOnlyAt },
      config,
    );
    if (attended.present) present.push(attended.present);
    const crossed = crossAttention(
      layer.at("crossattention"),
      attended.state,
      crossAttendTo(index),
      config,
      index,
    );
    const inner = layer.gelu(layer.at("intermediate").linear(crossed, "dense", config.intermediateSize));
    x = residualOutput(layer.at("output"), inner, crossed, config);
  }
  return { states: x, present };
}

/** Computes every layer's cross-attention keys and values of states [I, N, D'], for repeated use. */
export function crossKeysAndValues(b: GraphBuilder, states: Value, config: TextConfig): KeysAndValues[] {
  return Array.from({ length: config.layers }, (_, layer) =>
    projectToHeads(b.at(`encoder.layer.${layer}.crossattention.self`), states, config),
  );
}

/**
 * Computes one layer's keys and values of states [I, N, D'], once per image (or question). Each row then selects the
 * keys and values of its image, so that the number of products equals the number of images, not of rows.
 * @param choose [I, N, D] -> [B, N, D], selects the keys or values for each row
 */
export function layerKeysAndValues(
  stack: GraphBuilder,
  states: Value,
  layer: number,
  config: TextConfig,
  choose: (b: GraphBuilder, of: Value) => Value,
): KeysAndValues {
  const b = stack.at(`encoder.layer.${layer}.crossattention.self`);
  const { key, value } = project(b, states, config);
  return { key: choose(b, key), value: choose(b, value) };
}
