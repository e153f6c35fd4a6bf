// NLVR2 (models/blip_nlvr.py): classifies whether a statement about two images is true. transformers has no class for
// it.
import { imageGraph, multimodalGraph } from "../model/encoders.ts";
import { firstToken, imageStep, textInputs } from "./export-steps.ts";
import { crossAttentionGraphs } from "./graphs.ts";
import type { NetworkTaskSpec } from "./task.ts";

export const compare: NetworkTaskSpec<"compare"> = {
  runs: "compare",
  needs: { parts: ["vision", "textEncoder", "nlvr"] },
  graphs: ({ config }) => [
    { role: "image", graph: imageGraph(config) },
    ...crossAttentionGraphs(config, "nlvr"),
  ],
  imageHead: () => undefined,
  exported: ({ config }, size) => ({
    image: imageGraph(config, { height: size, width: size }),
    compare: multimodalGraph(config, "nlvr"),
  }),
  exportSteps: (model) => [
    `${imageStep(model)} Run it for both the left and the right images.`,
    `compare.onnx: ${textInputs}; image_embeds are the left images', image_embeds_1 the right ones' -> nlvr_score. ${firstToken(model)}`,
  ],
  saved: () => ({ architecture: "BlipForNLVR", modules: ["vision_model", "text_encoder", "cls_head"] }),
  noClass: () => "transformers has no class for NLVR2",
  // 40 words per statement, without a limit of tokens (data/nlvr_dataset.py).
  text: { words: 40, tokens: undefined, cleanUp: "pre_caption" },
  // Only the original's conventions exist for NLVR2.
  startsWithEnc: () => true,
  lengths: undefined,
  memory: () => ({ crossAttention: "folded", decodes: undefined }),
};
