// The descriptions of files, tensors and shape letters in an export. Each task's record describes how to run the files.
import type { ExportedGraph } from "../../tasks/task.ts";

export const graphMeanings: Readonly<Record<ExportedGraph, string>> = {
  image: "images to states, and for matching and embedding also to vectors in the joint space",
  text: "texts alone to states and to vectors in the joint space",
  match: "texts that attend to images: does the text match?",
  multimodal: "texts that attend to images: their states",
  compare: "statements that attend to two images: are they true?",
  question: "questions that attend to images: the states that answers attend to",
  "cross-kv": "keys and values of every layer for what the decoder attends to, computed once",
  decode:
    "new tokens after earlier ones: their states, logits of the next tokens, and the cache with the new tokens",
  score: "states to the log-probability of given next tokens, to rank answers",
};

/** Descriptions by name; for caches, by the part before the layer's number. */
const tensorMeanings: Readonly<Record<string, string>> = {
  pixel_values: "images, prepared as in `image`",
  image_embeds: "all states of the images, the class token's first",
  image_embeds_1: "all states of the second (right) images",
  image_projection: "the class token's state in the joint space",
  image_features: "image_projection at unit length: dot products with text_features are cosines",
  input_ids: "token ids",
  position_ids: "positions of the tokens: 0, 1, 2, ...",
  attention_mask: "1 for tokens, 0 for padding",
  question_embeds: "all states of the texts",
  text_projection: "the first token's state in the joint space",
  text_features: "text_projection at unit length",
  itm_score: 'logits of "does not match" and "matches"; softmax gives the probability',
  nlvr_score: 'logits of "false" and "true"; softmax gives the probability',
  encoder_hidden_states: "states that the decoder attends to",
  cross: "keys or values, in heads, that a layer attends to",
  encoder_attention_mask: "attention_mask of the questions, to ignore their padding",
  key_positions: "positions of all tokens, those of the cache first; padding has max_positions",
  row_index: "for each sequence, the sequence of the previous step that it continues",
  past: "the cache of the previous step; of length 0 in the first step",
  present: "the cache with the new tokens: past for the next step",
  hidden: "states of the new tokens",
  rows: "the selected states of hidden: sequence * T + token",
  logits: "logits of the token after each of them",
  labels: "the tokens to score",
  log_probability: "natural logarithm of their probability",
  mean_log_probability: "mean natural logarithm over the vocabulary, for label smoothing",
};

/** @throws {Error} for a name without a description, which is a defect of this package */
export function meaningOf(name: string): string {
  const meaning = tensorMeanings[name.replace(/\.\d+\.(?:key|value)$/, "")];
  if (meaning === undefined) throw new Error(`the tensor ${name} of an export is not described`);
  return meaning;
}

export const letterMeanings: Readonly<Record<string, string>> = {
  B: "rows of a batch: images in image.onnx, texts elsewhere",
  I: "images; in the decoder of answers, questions",
  N: "tokens that are attended to: an image's, or a question's",
  T: "tokens of a text; in the decoder, new tokens of each sequence",
  R: "sequences, a multiple of I: each image (or question) in turn has R / I of them",
  F: "sequences of the previous step",
  P: "tokens in the cache",
  Q: "selected states",
};
