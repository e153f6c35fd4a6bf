import { expect, test } from "vitest";
import { layerPathOf } from "./layer-paths.ts";

test.each([
  [
    "vision_model.encoder.layers.11.self_attn.qkv.weight",
    { stack: "vision", layer: 11, rest: "self_attn.qkv.weight" },
  ],
  [
    "text_encoder.encoder.layer.0.crossattention.self0.key.weight",
    { stack: "textEncoder", layer: 0, rest: "crossattention.self0.key.weight" },
  ],
  [
    "text_decoder.bert.encoder.layer.3.output.dense.bias",
    { stack: "textDecoder", layer: 3, rest: "output.dense.bias" },
  ],
  [
    "text_model.encoder.layer.2.crossattention.self.key.bias",
    { stack: "dual", layer: 2, rest: "crossattention.self.key.bias" },
  ],
])("%s stands in a layer", (name, path) => {
  expect(layerPathOf(name)).toEqual(path);
});

test.each([
  "vision_model.post_layernorm.weight",
  "vision_model.encoder.layers.weight",
  "vision_model.encoder.layers.-1.mlp.fc1.weight",
  "vision_model.encoder.layers.0",
  "text_encoder.encoder.layers.0.output.dense.bias",
  "text_decoder.cls.predictions.decoder.weight",
])("%s does not", (name) => {
  expect(layerPathOf(name)).toBeUndefined();
});
