// What an export says of itself, in words: what each file, tensor and shape letter is. How the files are run is in each
// task's record.
import type { ExportedGraph } from "../../tasks/task.ts";

export const graphMeanings: Readonly<Record<ExportedGraph, string>> = {
  image: "images to states, and for matching and embedding to vectors of the joint space",
  text: "texts alone to states and to vectors of the joint space",
  match: "texts that look at images: does the text match?",
  multimodal: "texts that look at images: their states",
  compare: "statements that look at two images: are they true?",
  question: "questions that look at images: what answers attend to",
  "cross-kv": "what the decoder attends to, made once: keys and values of every layer",
  decode:
    "new tokens over those before: their states, logits of the next tokens, and the cache with the new tokens",
  score: "states to the log-probability of given next tokens, to rank answers",
};

/** By name, caches by the part before the layer's number. */
const tensorMeanings: Readonly<Record<string, string>> = {
  pixel_values: "images as `image` says",
  image_embeds: "all states of the images, the class token's first",
  image_embeds_1: "all states of the second (right) images",
  image_projection: "the class token's state in the joint space",
  image_features: "the same at unit length: dot products with text_features are cosines",
  input_ids: "token ids",
  position_ids: "positions of the tokens: 0, 1, 2, ...",
  attention_mask: "1 for tokens, 0 for padding",
  question_embeds: "all states of the texts",
  text_projection: "the first token's state in the joint space",
  text_features: "the same at unit length",
  itm_score: 'logits of "does not match" and "matches"; softmax gives the probability',
  nlvr_score: 'logits of "false" and "true"; softmax gives the probability',
  encoder_hidden_states: "states that the decoder attends to",
  cross: "keys or values of what a layer attends to, in heads",
  encoder_attention_mask: "attention_mask of the questions: padding is not attended to",
  key_positions: "positions of all tokens, those of the cache first; padding has max_positions",
  row_index: "which sequence of the step before each of these continues",
  past: "the cache of the step before; of length 0 in the first step",
  present: "the cache with the new tokens: past of the next step",
  hidden: "states of the new tokens",
  rows: "which states of hidden are looked at: sequence * T + token",
  logits: "logits of the token after each of them",
  labels: "the tokens whose probability is asked for",
  log_probability: "natural logarithm of their probability",
  mean_log_probability: "mean natural logarithm over the vocabulary, for label smoothing",
};

/** @throws {Error} for a name without a meaning: a mistake of ours */
export function meaningOf(name: string): string {
  const meaning = tensorMeanings[name.replace(/\.\d+\.(?:key|value)$/, "")];
  if (meaning === undefined) throw new Error(`the tensor ${name} of an export is not described`);
  return meaning;
}

export const letterMeanings: Readonly<Record<string, string>> = {
  B: "rows of a batch: images in image.onnx, texts elsewhere",
  I: "images; in the decoder of answers, questions",
  N: "tokens that are looked at: an image's, or a question's",
  T: "tokens of a text; in the decoder, new tokens of each sequence",
  R: "sequences, a multiple of I: each image (or question) in turn has R / I of them",
  F: "sequences of the step before",
  P: "tokens in the cache",
  Q: "states that are looked at",
};
