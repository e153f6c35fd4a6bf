import { describe, expect, it } from "vitest";
import { failureOf } from "@blip-ts/testing";
import { storedTensors } from "../../test/support/stored-tensors.ts";
import { deriveArchitecture } from "./architecture.ts";
import { tasksOf } from "../tasks/tasks-of.ts";

type Shapes = Record<string, readonly number[]>;

const vision = (width: number): Shapes => ({
  "vision_model.embeddings.class_embedding": [1, 1, width],
  "vision_model.embeddings.position_embedding": [1, 577, width],
  "vision_model.embeddings.patch_embedding.weight": [width, 3, 16, 16],
  "vision_model.encoder.layers.0.mlp.fc1.weight": [4 * width, width],
  "vision_model.encoder.layers.1.mlp.fc1.weight": [4 * width, width],
});

const text = (prefix: string, memory: number, self = "self"): Shapes => ({
  [`${prefix}.embeddings.word_embeddings.weight`]: [30524, 768],
  [`${prefix}.embeddings.position_embeddings.weight`]: [512, 768],
  [`${prefix}.encoder.layer.0.crossattention.${self}.key.weight`]: [768, memory],
  [`${prefix}.encoder.layer.0.intermediate.dense.weight`]: [3072, 768],
});

const lmHead: Shapes = { "text_decoder.cls.predictions.transform.dense.weight": [768, 768] };
const projections = (width: number): Shapes => ({
  "vision_proj.weight": [256, width],
  "text_proj.weight": [256, 768],
});
const itmHead: Shapes = { "itm_head.weight": [2, 768] };

const match = { ...vision(768), ...text("text_encoder", 768), ...projections(768), ...itmHead };
const decoder = (memory: number) => ({ ...text("text_decoder.bert", memory), ...lmHead });
const caption = { ...vision(768), ...decoder(768) };
const ask = { ...vision(768), ...text("text_encoder", 768), ...decoder(768) };
const askLarge = { ...vision(1024), ...text("text_encoder", 1024), ...decoder(768) };
const pretrain = { ...match, ...decoder(768) };
const compare = { ...vision(768), ...text("text_encoder", 768, "self0"), "cls_head.0.weight": [768, 768] };
const features = { ...vision(768), ...text("text_encoder", 768) };

const derive = (shapes: Shapes) => deriveArchitecture(storedTensors(shapes));

describe("deriveArchitecture", () => {
  it("reads all sizes off the shapes", () => {
    const { vision: image, text: words, jointEmbedding } = derive(match);
    expect(image).toEqual({
      hiddenSize: 768,
      layers: 2,
      intermediateSize: 3072,
      patchSize: 16,
      positions: 577,
      imageSize: 384,
    });
    expect(words).toEqual({
      hiddenSize: 768,
      layers: 1,
      intermediateSize: 3072,
      vocabSize: 30524,
      maxPositions: 512,
      encoderWidth: 768,
    });
    expect(jointEmbedding).toBe(256);
  });

  it("rejects more layers than any model of the family has, before a graph is made of them", async () => {
    const layers = (count: number) =>
      Object.fromEntries(
        Array.from({ length: count }, (_, layer) => [
          `vision_model.encoder.layers.${layer}.mlp.fc1.weight`,
          [3072, 768],
        ]),
      );
    expect(derive({ ...match, ...layers(64) }).vision?.layers).toBe(64);
    const failure = await failureOf(() => derive({ ...match, ...layers(65) }));
    expect(failure).toMatchObject({ code: "checkpoint/limit" });
    expect(failure.message).toContain("vision_model.encoder.layers.: expected at most 64 layers, got 65");
  });

  it("takes the text sizes from the decoder where there is no encoder", () => {
    const { text: words, decoder: of } = derive(caption);
    expect(words).toEqual(of);
    expect(words?.vocabSize).toBe(30524);
  });

  it("takes the text sizes of the deprecated BlipModel, which has no task", () => {
    const architecture = derive({ ...vision(768), ...text("text_model", 768) });
    expect(architecture.text?.hiddenSize).toBe(768);
    expect(tasksOf(architecture).tasks).toEqual([]);
  });

  it.each<[string, Shapes, "image" | "question" | undefined]>([
    ["match", match, undefined],
    ["caption", caption, "image"],
    ["ask", ask, "question"],
    ["ask with ViT-L", askLarge, "question"],
    ["pretrain", pretrain, "image"],
    [
      "pretrain with ViT-L",
      { ...vision(1024), ...text("text_encoder", 1024), ...projections(1024), ...itmHead, ...decoder(1024) },
      "image",
    ],
  ])("tells what the decoder of %s attends to", (_, shapes, memory) => {
    expect(derive(shapes).decoderAttendsTo).toBe(memory);
  });

  const without = (name: string) => Object.fromEntries(Object.entries(match).filter(([key]) => key !== name));

  it.each<[string, Shapes, string]>([
    [
      "a gap in the layers",
      { ...match, "vision_model.encoder.layers.3.norm": [1] },
      "layer 2 is not among them",
    ],
    [
      "a layer of 10^30",
      { ...match, "text_encoder.encoder.layer.1000000000000000000000000000000.x": [1] },
      "layer 1 is not",
    ],
    ["layers from 1 on", { ...match, "vision_model.encoder.layers.01.x": [1] }, "layer 2 is not"],
    [
      "no layers",
      {
        ...vision(768),
        "text_decoder.bert.embeddings.word_embeddings.weight": [9, 8],
        "text_decoder.bert.embeddings.position_embeddings.weight": [9, 8],
      },
      "no layers",
    ],
    [
      "positions that are no square",
      { ...match, "vision_model.embeddings.position_embedding": [1, 578, 768] },
      "578 image positions",
    ],
    [
      "no positions",
      { ...match, "vision_model.embeddings.position_embedding": [1, 0, 768] },
      "0 image positions",
    ],
    [
      "patches that are no squares",
      { ...match, "vision_model.embeddings.patch_embedding.weight": [768, 3, 16, 14] },
      "16 x 14",
    ],
    [
      "a table of another rank",
      { ...match, "text_encoder.embeddings.word_embeddings.weight": [9] },
      "expected 2 dimensions",
    ],
    [
      "projections that cannot be compared",
      { ...match, "text_proj.weight": [128, 768] },
      "256 numbers, texts to 128",
    ],
    [
      "a file without position embeddings",
      without("vision_model.embeddings.position_embedding"),
      "is missing",
    ],
  ])("refuses %s", async (_, shapes, says) => {
    const failure = await failureOf(() => derive(shapes));
    expect(failure.code).toBe("checkpoint/architecture");
    expect(failure.message).toContain(says);
  });
});

describe("tasksOf", () => {
  it.each<[string, Shapes, string[]]>([
    ["matching and retrieval", match, ["match", "embed", "retrieve"]],
    ["captioning", caption, ["caption"]],
    ["question answering", ask, ["ask"]],
    ["question answering with ViT-L", askLarge, ["ask"]],
    ["NLVR2", compare, ["compare"]],
    ["pre-training", pretrain, ["match", "caption", "embed", "retrieve", "pretrain"]],
    ["feature extraction without heads", features, []],
  ])("knows the tasks of a file for %s", (_, shapes, tasks) => {
    expect(tasksOf(derive(shapes)).tasks).toEqual(tasks);
  });

  it("says what the others lack", () => {
    const { missing } = tasksOf(derive(features));
    expect(missing.get("match")).toEqual(["vision_proj", "text_proj", "itm_head"]);
    expect(missing.get("compare")).toEqual(["cls_head"]);
    expect(tasksOf(derive(ask)).missing.get("caption")).toEqual(["a decoder that attends to the image"]);
    expect(tasksOf(derive(pretrain)).missing.get("ask")).toEqual(["a decoder that attends to the question"]);
  });
});
