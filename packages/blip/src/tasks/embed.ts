// Features of images and texts (models/blip.py `BLIP_Base`; transformers `BlipModel`, with a separate text model).
import { imageGraph, multimodalGraph, textGraph } from "../model/encoders.ts";
import { firstToken, imageStep, sharingImages, textInputs } from "./export-steps.ts";
import { crossAttentionGraphs, isDual } from "./graphs.ts";
import { captionLimits, retrievalClass } from "./match.ts";
import type { Architecture } from "../weights/architecture.ts";
import type { ImageHead, NetworkTaskSpec } from "./task.ts";

const headOf = (architecture: Architecture): ImageHead => (isDual(architecture) ? "dual" : "contrastive");

export const embed: NetworkTaskSpec<"embed"> = {
  runs: "embed",
  needs: { parts: ["vision", "textEncoder", "visionProj", "textProj"], or: ["vision", "dual"] },
  graphs: ({ config, architecture }) => {
    const head = headOf(architecture);
    return [
      { role: "image", graph: imageGraph(config, { head }) },
      { role: "text", graph: textGraph(config, head) },
      ...(head === "dual" ? [] : crossAttentionGraphs(config)),
    ];
  },
  imageHead: headOf,
  exported: ({ config, architecture }, size) => {
    const head = headOf(architecture);
    return {
      image: imageGraph(config, { height: size, width: size, head }),
      text: textGraph(config, head),
      ...(head === "contrastive" && { multimodal: multimodalGraph(config) }),
    };
  },
  exportSteps: (model) => [
    imageStep(model),
    `text.onnx: ${textInputs} -> text_features. The first token stays [CLS].`,
    ...(headOf(model.architecture) === "contrastive"
      ? [
          `multimodal.onnx: the same inputs with image_embeds -> question_embeds. ${firstToken(model)} ${sharingImages}`,
        ]
      : []),
  ],
  // Without BlipModel's own projections, the file is a matching model, so it is saved as the matching class.
  saved: (architecture) =>
    isDual(architecture)
      ? {
          architecture: "BlipModel",
          modules: ["vision_model", "text_model", "visual_projection", "text_projection", "logit_scale"],
        }
      : retrievalClass,
  noClass: () => undefined,
  text: captionLimits,
  startsWithEnc: (compat, architecture) => compat !== "hf" && !isDual(architecture),
  lengths: undefined,
  memory: (architecture) => ({
    crossAttention: isDual(architecture) ? undefined : "cached",
    decodes: undefined,
  }),
};
