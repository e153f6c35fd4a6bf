// What an export says of itself, in words: what each file, tensor and shape letter is, and how the files are run one
// after another.
import type { PreparedModel } from "../../load/load-model.ts";
import type { NetworkTask } from "../../load/task-graphs.ts";

/** Names of the exported files, without `.onnx`. */
export type ExportedGraph =
  "image" | "text" | "match" | "multimodal" | "compare" | "question" | "memory" | "decode" | "score";

export const graphMeanings: Readonly<Record<ExportedGraph, string>> = {
  image: "pictures to states, and for matching and embedding to vectors of the joint space",
  text: "texts alone to states and to vectors of the joint space",
  match: "texts that look at pictures: does the text match?",
  multimodal: "texts that look at pictures: their states",
  compare: "statements that look at two pictures: are they true?",
  question: "questions that look at pictures: what answers attend to",
  memory: "what the decoder attends to, made once: keys and values of every layer",
  decode:
    "new tokens over those before: their states, logits of the next tokens, and the cache with the new tokens",
  score: "states to the log-probability of given next tokens, to rank answers",
};

/** By name, caches by the part before the layer's number. */
const tensorMeanings: Readonly<Record<string, string>> = {
  pixel_values: "pictures as `picture` says",
  image_embeds: "all states of the pictures, the class token's first",
  image_embeds_1: "all states of the second (right) pictures",
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
  memory: "keys or values of what a layer attends to, in heads",
  memory_mask: "attention_mask of the questions: padding is not attended to",
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
  B: "rows of a batch: pictures in image.onnx, texts elsewhere",
  I: "pictures; in the decoder of answers, questions",
  N: "tokens that are looked at: a picture's, or a question's",
  T: "tokens of a text; in the decoder, new tokens of each sequence",
  R: "sequences, a multiple of I: each picture (or question) in turn has R / I of them",
  F: "sequences of the step before",
  P: "tokens in the cache",
  Q: "states that are looked at",
};

/** How the files are run, step by step. */
export function stepsOf(
  task: NetworkTask,
  { tokens, config, compat, opened, types }: PreparedModel,
): string[] {
  const ids = "input_ids are [CLS] text [SEP], padded with `tokens.pad`; position_ids are 0 to T - 1";
  const first =
    tokens.enc === undefined
      ? "The first token stays [CLS]."
      : `The first token of every text is replaced by [ENC], ${tokens.enc}.`;
  const alone =
    types.dtype === "int8"
      ? " Run one picture at a time: a run rounds with one scale, which is to be the picture's own. In this and every other " +
        "file, products of 8 bits overflow on x86 processors without VNNI unless ONNX Runtime's session is given the " +
        "configuration entry session.x64quantprecision 1; on those with VNNI or AMX the entry costs time and changes nothing else."
      : "";
  const picture = `image.onnx: pixel_values -> image_embeds. One run serves every text about the same pictures.${alone}`;
  const sharing =
    "B texts look at I pictures, B a multiple of I: the first B / I texts belong to the first picture, and so on.";
  const { heads, hiddenSize, maxPositions, layers } = config.text;
  const words = (begin: string, memory: string) => [
    memory,
    `decode.onnx, first step: input_ids [R, T] are the sequences so far, which begin with [DEC], ${tokens.dec}${begin}; ` +
      `position_ids and key_positions are 0 to T - 1 in each row, row_index is 0 to R - 1, past.* of the ${layers} layers ` +
      `have the shape [R, ${heads}, 0, ${hiddenSize / heads}], memory.* are those of memory.onnx.`,
    "rows = (r + 1) * T - 1 for each sequence r: logits are those of what follows it. Greedy: the largest is the next token.",
    "decode.onnx, every other step: input_ids [R, 1] are the chosen tokens, position_ids [R, 1] their positions, " +
      "key_positions [R, P + 1] are 0 to P, row_index says which sequence each one continues, past.* are the last step's present.*.",
    `A sequence is over at [SEP], ${tokens.sep}, or at ${maxPositions} tokens.`,
    `Beginnings of several lengths are padded on the left: position 0, and ${maxPositions} in key_positions, which hides them.`,
  ];
  switch (task) {
    case "match":
      return [
        picture,
        `text.onnx: ${ids} -> text_features; image_features . text_features is the cosine.`,
        `match.onnx: the same inputs with image_embeds -> itm_score. ${first} ${sharing}`,
      ];
    case "embed":
      return [
        picture,
        `text.onnx: ${ids} -> text_features. The first token stays [CLS].`,
        ...(opened.architecture.parts.has("visionProj")
          ? [`multimodal.onnx: the same inputs with image_embeds -> question_embeds. ${first} ${sharing}`]
          : []),
      ];
    case "compare":
      return [
        `${picture} The left and the right pictures are both run.`,
        `compare.onnx: ${ids}; image_embeds are the left pictures', image_embeds_1 the right ones' -> nlvr_score. ${first}`,
      ];
    case "caption":
      return [
        picture,
        ...words(
          compat === "hf"
            ? ", and go on with a prompt where there is one"
            : ' and go on with the prompt, "a picture of" unless another is wished, without [CLS] and [SEP]',
          "memory.onnx: encoder_hidden_states = image_embeds -> memory.*",
        ),
      ];
    case "ask":
      return [
        picture,
        `question.onnx: ${ids}; image_embeds -> question_embeds. ${first} ${sharing}`,
        ...words(
          "",
          "memory.onnx: encoder_hidden_states = question_embeds -> memory.*; decode.onnx reads memory_mask = attention_mask.",
        ),
        "To rank given answers: decode.onnx reads [DEC] and an answer without its last token at once; score.onnx: hidden, rows and " +
          "labels, the token after each -> log_probability.",
      ];
  }
}
