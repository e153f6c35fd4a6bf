// Captions (models/blip.py `BLIP_Decoder`; transformers `BlipForConditionalGeneration`).
import { imageGraph } from "../model/encoders.ts";
import { decoderSteps, imageStep } from "./export-steps.ts";
import { decoderGraphs, decoderTaskGraphs } from "./graphs.ts";
import { captionLimits } from "./match.ts";
import type { NetworkTaskSpec } from "./task.ts";

export const caption: NetworkTaskSpec<"caption"> = {
  runs: "caption",
  needs: { parts: ["vision", "textDecoder", "lmHead"], decoderAttendsTo: "image" },
  graphs: (model) => [{ role: "image", graph: imageGraph(model.config) }, ...decoderTaskGraphs(model)],
  imageHead: () => undefined,
  exported: (model, size) => ({
    image: imageGraph(model.config, { height: size, width: size }),
    ...decoderGraphs(model),
  }),
  exportSteps: (model) => [
    imageStep(model),
    ...decoderSteps(
      model,
      model.compat === "hf"
        ? ", followed by a prompt if there is one"
        : ', followed by the prompt ("a picture of" by default) without [CLS] and [SEP]',
      "cross-kv.onnx: encoder_hidden_states = image_embeds -> cross.*",
    ),
  ],
  saved: () => ({ architecture: "BlipForConditionalGeneration", modules: ["vision_model", "text_decoder"] }),
  noClass: () => undefined,
  text: captionLimits,
  startsWithEnc: () => false,
  // models/blip.py and configs/caption_coco.yaml; LAVIS blip_caption.py; demo.ipynb.
  lengths: { blip: [20, 5], lavis: [30, 10], demo: [20, 5] },
  memory: () => ({ crossAttention: undefined, decodes: "image" }),
};
