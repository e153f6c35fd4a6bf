import { describe, expect, it } from "vitest";
import { failureOf } from "@blip-ts/testing";
import { storedTensors } from "../../test/support/stored-tensors.ts";
import { detectDialect, toHuggingFaceName, toHuggingFaceNames, VISION_NAMES } from "./names.ts";

describe("detectDialect", () => {
  it("tells the dialects by their vision transformer", () => {
    expect(detectDialect(["temp", "visual_encoder.cls_token"])).toBe("original");
    expect(detectDialect(["vision_model.post_layernorm.weight", "text_decoder.bert.x"])).toBe("huggingface");
  });

  it.each([
    [
      "another family",
      ["transformer.h.0.attn.weight", "lm_head.weight"],
      "2 of another kind: transformer.h.0.attn.weight",
    ],
    ["a vision tower alone", ["vision_model.embeddings.class_embedding"], "1 of another kind"],
    ["no tensors", [], "got none"],
    ["both dialects at once", ["visual_encoder.x", "vision_model.x"], "visual_encoder.* and vision_model.*"],
  ])("refuses %s", async (_, names, says) => {
    const failure = await failureOf(() => detectDialect(names, "m.pth"));
    expect(failure.code).toBe("checkpoint/dialect");
    expect(failure.message).toContain(says);
    expect(failure.message).toContain("m.pth");
  });
});

describe("toHuggingFaceName", () => {
  it.each([
    ["visual_encoder.cls_token", "vision_model.embeddings.class_embedding"],
    ["visual_encoder.patch_embed.proj.bias", "vision_model.embeddings.patch_embedding.bias"],
    ["visual_encoder.blocks.11.attn.qkv.weight", "vision_model.encoder.layers.11.self_attn.qkv.weight"],
    ["visual_encoder.blocks.0.attn.proj.bias", "vision_model.encoder.layers.0.self_attn.projection.bias"],
    ["visual_encoder.norm.weight", "vision_model.post_layernorm.weight"],
    ["text_encoder.encoder.layer.0.crossattention.self0.key.weight", undefined],
    ["text_encoder.encoder.layer.6.crossattention.output.merge_layer.weight", undefined],
    ["text_decoder.cls.predictions.decoder.weight", undefined],
    ["cls_head.2.bias", undefined],
    ["visual_encoder.normal", undefined],
    ["visual_encoder.blocks.x.norm1.weight", undefined],
  ])("names %s", (original, expected) => {
    expect(toHuggingFaceName(original)).toBe(expected ?? original);
  });

  it("gives every row of the table another name on either side", () => {
    expect(new Set(VISION_NAMES.map(([original]) => original)).size).toBe(VISION_NAMES.length);
    expect(new Set(VISION_NAMES.map(([, huggingFace]) => huggingFace)).size).toBe(VISION_NAMES.length);
  });
});

describe("toHuggingFaceNames", () => {
  it("leaves out what training left behind, with the reason, and nothing else", () => {
    const leftovers = [
      "visual_encoder_m.cls_token",
      "text_encoder_m.embeddings.word_embeddings.weight",
      "vision_proj_m.weight",
      "text_proj_m.bias",
      "image_queue",
      "text_queue",
      "idx_queue",
      "queue_ptr",
      "ptr_queue",
      "temp",
      "text_encoder.embeddings.position_ids",
      "text_decoder.bert.embeddings.position_ids",
    ];
    const kept = [
      "visual_encoder.pos_embed",
      "text_decoder.cls.predictions.decoder.bias",
      "temperature",
      "my.image_queue",
    ];
    const { dialect, tensors, ignored } = toHuggingFaceNames({
      tensors: storedTensors([...leftovers, ...kept]),
    });
    expect(dialect).toBe("original");
    expect([...tensors.keys()]).toEqual(["vision_model.embeddings.position_embedding", ...kept.slice(1)]);
    expect(ignored.map(({ name }) => name)).toEqual(leftovers);
    expect(ignored.every(({ reason }) => reason.length > 10)).toBe(true);
  });

  it("gives training its leftovers, momentum copies by the names of what they follow", () => {
    const { leftovers } = toHuggingFaceNames({
      tensors: storedTensors([
        ...["visual_encoder.pos_embed", "visual_encoder_m.pos_embed", "visual_encoder_m.blocks.3.norm1.bias"],
        ...["text_encoder_m.embeddings.LayerNorm.bias", "temp", "queue_ptr"],
      ]),
    });
    expect([...leftovers.keys()]).toEqual([
      "vision_model_m.embeddings.position_embedding",
      "vision_model_m.encoder.layers.3.layer_norm1.bias",
      ...["text_encoder_m.embeddings.LayerNorm.bias", "temp", "queue_ptr"],
    ]);
  });

  it("keeps each tensor's own name, for messages about its file", () => {
    const { tensors } = toHuggingFaceNames({ tensors: storedTensors(["visual_encoder.pos_embed"]) });
    expect(tensors.get("vision_model.embeddings.position_embedding")?.name).toBe("visual_encoder.pos_embed");
  });
});
