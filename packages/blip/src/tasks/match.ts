// Image-text matching (models/blip_itm.py, blip_retrieval.py): ITM logits and the cosine of the joint embedding.
import { imageGraph, multimodalGraph, textGraph } from "../model/encoders.ts";
import { firstToken, imageStep, sharingImages, textInputs } from "./export-steps.ts";
import { crossAttentionGraphs } from "./graphs.ts";
import type { Needs, NetworkTaskSpec, SavedClass, TextLimits } from "./task.ts";

/** The parts that matching requires; retrieval and pre-training also require them. */
export const matchingParts = [
  "vision",
  "textEncoder",
  "visionProj",
  "textProj",
  "itmHead",
] as const satisfies Needs["parts"];

/** The class of matching, which also computes features. */
export const retrievalClass: SavedClass = {
  architecture: "BlipForImageTextRetrieval",
  modules: ["vision_model", "text_encoder", "vision_proj", "text_proj", "itm_head"],
};

/** 30 words and 35 tokens per caption (configs/retrieval_*.yaml, models/blip_retrieval.py). */
export const captionLimits: TextLimits = { words: 30, tokens: 35, cleanUp: "pre_caption" };

export const match: NetworkTaskSpec<"match"> = {
  runs: "match",
  needs: { parts: matchingParts },
  graphs: ({ config }) => [
    { role: "image", graph: imageGraph(config, { head: "contrastive" }) },
    { role: "text", graph: textGraph(config, "contrastive") },
    ...crossAttentionGraphs(config, "itm"),
  ],
  imageHead: () => "contrastive",
  exported: ({ config }, size) => ({
    image: imageGraph(config, { height: size, width: size, head: "contrastive" }),
    text: textGraph(config, "contrastive"),
    match: multimodalGraph(config, "itm"),
  }),
  exportSteps: (model) => [
    imageStep(model),
    `text.onnx: ${textInputs} -> text_features; image_features . text_features is the cosine.`,
    `match.onnx: the same inputs with image_embeds -> itm_score. ${firstToken(model)} ${sharingImages}`,
  ],
  saved: () => retrievalClass,
  noClass: () => undefined,
  text: captionLimits,
  // models/blip_itm.py, which the demo calls, keeps [CLS], as transformers does. All of BLIP's scripts use [ENC].
  startsWithEnc: (compat) => compat === "blip" || compat === "lavis",
  lengths: undefined,
  memory: () => ({ crossAttention: "cached", decodes: undefined }),
};
