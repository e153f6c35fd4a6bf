// Visual question answering (models/blip_vqa.py; transformers `BlipForQuestionAnswering`).
import { imageGraph, multimodalGraph } from "../model/encoders.ts";
import { scoreGraph } from "../model/decoder.ts";
import { decoderSteps, firstToken, imageStep, sharingImages, textInputs } from "./export-steps.ts";
import { crossAttentionGraphs, decoderGraphs, decoderTaskGraphs } from "./graphs.ts";
import type { NetworkTaskSpec } from "./task.ts";

export const ask: NetworkTaskSpec<"ask"> = {
  runs: "ask",
  needs: { parts: ["vision", "textEncoder", "textDecoder", "lmHead"], decoderAttendsTo: "question" },
  graphs: (model) => [
    { role: "image", graph: imageGraph(model.config) },
    ...crossAttentionGraphs(model.config),
    ...decoderTaskGraphs(model),
  ],
  imageHead: () => undefined,
  exported: (model, size) => ({
    image: imageGraph(model.config, { height: size, width: size }),
    question: multimodalGraph(model.config),
    ...decoderGraphs(model),
    score: scoreGraph(model.config),
  }),
  exportSteps: (model) => [
    imageStep(model),
    `question.onnx: ${textInputs}; image_embeds -> question_embeds. ${firstToken(model)} ${sharingImages}`,
    ...decoderSteps(
      model,
      "",
      "cross-kv.onnx: encoder_hidden_states = question_embeds -> cross.*; decode.onnx reads encoder_attention_mask = attention_mask.",
    ),
    "To rank given answers: decode.onnx reads [DEC] and an answer without its last token at once; score.onnx: hidden, rows and " +
      "labels, the token after each -> log_probability.",
  ],
  saved: () => ({
    architecture: "BlipForQuestionAnswering",
    modules: ["vision_model", "text_encoder", "text_decoder"],
  }),
  noClass: ({ vision, text }) =>
    vision.hiddenSize === text.hiddenSize
      ? undefined
      : "transformers' BlipForQuestionAnswering requires that answers attend to states as wide as the image's",
  // 50 words and 35 tokens per question (data/vqa_dataset.py, models/blip_vqa.py).
  text: { words: 50, tokens: 35, cleanUp: "pre_question" },
  startsWithEnc: (compat) => compat !== "hf",
  lengths: { blip: [10, 1], lavis: [10, 1], demo: [10, 1] },
  memory: () => ({ crossAttention: "cached", decodes: "question" }),
};
