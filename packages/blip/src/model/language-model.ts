// The decoder in training: predicts each token of given texts from the true tokens before it, all in one run (teacher
// forcing; models/blip.py `BLIP_Decoder.forward`, models/blip_vqa.py `BLIP_VQA.forward`). There is no cache, because
// nothing is generated.
import { GraphBuilder, type Graph, type Value } from "@blip-ts/graph";
import type { BlipConfig } from "./config.ts";
import { languageModelHead, scope } from "./decoder.ts";
import type { Regularizer } from "./regularize.ts";
import { causalBias, textModel, type CrossAttentionSource } from "./text.ts";

/**
 * The tie between the LM head and the word table (transformers `tie_weights`), in the form for `tieWeights`: maps the
 * alias to the canonical name.
 */
export const languageModelTies: Readonly<Record<string, string>> = {
  "text_decoder.cls.predictions.decoder.weight": `${scope}.embeddings.word_embeddings.weight`,
};

export interface LanguageModelOptions {
  /** D', the width of the attended states: of the image encoder, or in question answering of the text encoder. */
  readonly width: number;
  /** Whether the attended states have padding. Adds an input encoder_attention_mask [I, N], 0 for padding. */
  readonly encoderMask?: boolean;
  /** The share of each target that is spread over the vocabulary; BLIP uses 0.1. */
  readonly smoothing?: number;
}

/** The decoder's inputs for texts, by their graph names, and the targets of its loss. */
export interface LanguageModelInputs {
  /** [B, T], int64 each. */
  readonly ids: Value;
  readonly positions: Value;
  readonly keys: Value;
  readonly labels: Value;
  readonly crossAttendTo: (layer: number) => readonly CrossAttentionSource[];
  readonly regularize?: Regularizer | undefined;
}

/** Computes -log p of each next token [B, T], with label smoothing. Tokens with weight 0 have arbitrary values. */
export function tokenLosses(
  b: GraphBuilder,
  { ids, positions, keys, labels, crossAttendTo, regularize }: LanguageModelInputs,
  config: Pick<BlipConfig, "text">,
  smoothing: number,
): Value {
  const bias = causalBias(b, positions, keys);
  const { states } = textModel(b.at(scope), { ids, positions, bias, crossAttendTo, regularize }, config.text);
  return b.crossEntropy(languageModelHead(b, states, config), labels, smoothing);
}

/**
 * - input_ids [B, T], position_ids [B, T] and key_positions [B, T], as in the decoder's graph
 * - encoder_hidden_states [I, N, D'], where B is a multiple of I
 * - labels [B, T]: the next token after each token; an arbitrary token after the last token
 * - label_weights [B, T]: the weight of each token's loss; 0 for prompts and padding
 *
 * -> token_loss [B, T] without weights, and loss []: the weighted sum, which the caller divides by its count
 */
export function languageModelGraph(config: BlipConfig, options: LanguageModelOptions): Graph {
  const { width, encoderMask = false, smoothing = 0 } = options;
  const b = GraphBuilder.create("language-model");
  const ids = b.input("input_ids", "int64", ["B", "T"]);
  const positions = b.input("position_ids", "int64", ["B", "T"]);
  const keys = b.input("key_positions", "int64", ["B", "T"]);
  const states = b.input("encoder_hidden_states", "float32", ["I", "N", width]);
  const mask = encoderMask ? b.input("encoder_attention_mask", "int64", ["I", "N"]) : undefined;
  const labels = b.input("labels", "int64", ["B", "T"]);
  const weights = b.input("label_weights", "float32", ["B", "T"]);
  const sources: readonly CrossAttentionSource[] = [{ of: states, mask }];
  const inputs = { ids, positions, keys, labels, crossAttendTo: () => sources };
  const losses = tokenLosses(b, inputs, config, smoothing);
  b.output("token_loss", losses);
  b.output("loss", b.sum(b.multiply(losses, weights), [0, 1]));
  return b.build();
}
