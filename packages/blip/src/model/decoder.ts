// The text decoder as graphs (models/blip.py `BLIP_Decoder`, models/blip_vqa.py; transformers `BlipTextLMHeadModel`):
// cross-attention keys and values, computed once; a step for new tokens, with the LM head; scores of given tokens.
import { addDims, GraphBuilder, multiplyDims, namedDim, type Graph, type Value } from "@blip-ts/graph";
import type { BlipConfig } from "./config.ts";
import { causalBias, crossKeysAndValues, textModel } from "./text.ts";
import { pair, outputPairs, inputPairs, at } from "./kv-cache.ts";

/** The scope of the decoder's weights. */
export const scope = "text_decoder.bert";

/** The scope of layers with cross-attention: the layers of the decoder, or of the text encoder. */
export type CrossAttentionScope = typeof scope | "text_encoder";

/**
 * encoder_hidden_states [I, N, D'] -> cross.L.key and cross.L.value [I, H, N, K] of every layer L: the keys and values
 * of the layers at `of`, computed once per image (or question).
 * @param width D': the image's width, or in question answering the text's
 */
export function crossKeysAndValuesGraph(
  config: BlipConfig,
  width: number,
  of: CrossAttentionScope = scope,
): Graph {
  const b = GraphBuilder.create(of === scope ? "cross-kv" : "text-cross-kv");
  const states = b.input("encoder_hidden_states", "float32", ["I", "N", width]);
  outputPairs(b, "cross", crossKeysAndValues(b.at(of), states, config.text));
  return b.build();
}

/**
 * Selects rows of cross-attention keys and values: image_index [I] of cross.L.* [I', H, N, K] -> selected.cross.L.* [I,
 * H, N, K].
 */
export function selectGraph(config: BlipConfig): Graph {
  const b = GraphBuilder.create("select");
  const index = b.input("image_index", "int64", ["J"]);
  const cached = inputPairs(b, "cross", "I", "N", config.text);
  cached.forEach((keysAndValues, layer) => {
    const [key, value] = pair("cross", layer);
    b.output(`selected.${key}`, b.gather(keysAndValues.key, index));
    b.output(`selected.${value}`, b.gather(keysAndValues.value, index));
  });
  return b.build();
}

/**
 * Computes T new tokens of R sequences with P earlier tokens. The first step has P = 0 and the whole prompt. Later
 * steps have T = 1.
 * - input_ids, position_ids [R, T]
 * - key_positions [R, P+T]: positions of all tokens; the position of padding is greater than every token's position
 * - row_index [R]: for each sequence, the index of the earlier sequence (of R') that it continues (beams move)
 * - past.L.key, past.L.value [R', H, P, K]; cross.L.key, cross.L.value [I, H, N, K], where R is a multiple of I
 * - with `encoderMask`, encoder_attention_mask [I, N]: 1 for states, 0 for padding
 * - rows [Q]: the indices of the states that the LM head reads, among R*T numbered row by row
 *
 * -> hidden [R, T, D], logits [Q, V] and present.L.key, present.L.value [R, H, P+T, K]
 */
export function decodeGraph(config: BlipConfig, { encoderMask }: { readonly encoderMask: boolean }): Graph {
  const b = GraphBuilder.create("decode");
  const ids = b.input("input_ids", "int64", ["R", "T"]);
  const positions = b.input("position_ids", "int64", ["R", "T"]);
  const keys = b.input("key_positions", "int64", ["R", addDims(namedDim("P"), namedDim("T"))]);
  const index = b.input("row_index", "int64", ["R"]);
  const past = inputPairs(b, "past", "F", "P", config.text).map(({ key, value }) => ({
    key: b.gather(key, index),
    value: b.gather(value, index),
  }));
  const cached = inputPairs(b, "cross", "I", "N", config.text);
  const mask = encoderMask ? b.input("encoder_attention_mask", "int64", ["I", "N"]) : undefined;
  const { states, present } = textModel(
    b.at(scope),
    {
      ids,
      positions,
      bias: causalBias(b, positions, keys),
      crossAttendTo: (layer) => [{ of: at(cached, layer), mask }],
      past: (layer) => at(past, layer),
    },
    config.text,
  );
  b.output("hidden", states);
  b.output("logits", logitsOf(b, states, config));
  outputPairs(b, "present", present);
  return b.build();
}

/** The LM head: selects tokens of hidden [R, T, D], numbered row by row, by the input rows [Q] -> logits [Q, V]. */
function logitsOf(b: GraphBuilder, hidden: Value, { text }: BlipConfig): Value {
  const { hiddenSize: D } = text;
  const rows = b.input("rows", "int64", ["Q"]);
  const [R, T] = b.dims(hidden, "R T D");
  const flat = b.reshape(hidden, [multiplyDims(R, T), D]);
  return languageModelHead(b, b.gather(flat, rows), { text });
}

/** The LM head: the decoder's states [..., D] -> logits [..., V]. */
export function languageModelHead(b: GraphBuilder, states: Value, { text }: Pick<BlipConfig, "text">): Value {
  const { hiddenSize: D, vocabSize: V, layerNormEps } = text;
  const head = b.at("text_decoder.cls.predictions");
  const transform = head.at("transform");
  const inner = head.gelu(transform.linear(states, "dense", D));
  const x = transform.layerNorm(inner, "LayerNorm", layerNormEps);
  return head.op("linear", [x, head.weight("decoder.weight", [V, D]), head.weight("bias", [V])], {});
}

/**
 * Scores given tokens: hidden [R, T, D], rows [Q] and labels [Q] -> log_probability [Q] of each label, and
 * mean_log_probability [Q] over the vocabulary, for label smoothing.
 */
export function scoreGraph(config: BlipConfig): Graph {
  const b = GraphBuilder.create("score");
  const hidden = b.input("hidden", "float32", ["R", "T", config.text.hiddenSize]);
  const logProbabilities = b.logSoftmax(logitsOf(b, hidden, config));
  const labels = b.input("labels", "int64", ["Q"]);
  b.output("log_probability", b.takeAlongLast(logProbabilities, labels));
  b.output("mean_log_probability", b.mean(logProbabilities));
  return b.build();
}
