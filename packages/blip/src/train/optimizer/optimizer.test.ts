// Learning rates as in BLIP's utils.py, groups, and refused settings.
import { describe, expect, test } from "vitest";
import { decayOfMatrices, frozenParts, groupOf } from "./groups.ts";
import { createOptimizer, type OptimizerOptions } from "./optimizer.ts";
import { learningRate, type Schedule } from "./schedule.ts";

describe("the learning rate", () => {
  // configs/caption_coco.yaml: 1e-5 -> 0 in 5 epochs, here of 100 steps each.
  const caption: Schedule = { kind: "cosine", lr: 1e-5, min: 0, epochs: 5 };
  test.each([
    [0, 1e-5],
    [99, 1e-5],
    [100, 9.045084971874738e-6],
    [250, 6.545084971874738e-6],
    [499, 9.549150281252633e-7],
    [500, 0],
    [900, 0],
  ])("of captioning at step %d is %d", (step, expected) => {
    expect(learningRate(caption, step, 100)).toBeCloseTo(expected, 15);
  });

  // configs/pretrain.yaml: 3e-4 -> 1e-6, with a warm-up of 3,000 steps from 1e-6, then times 0.9 per epoch.
  const pretraining: Schedule = {
    ...{ kind: "step", lr: 3e-4, min: 1e-6, rate: 0.9 },
    warmUp: { steps: 3000, from: 1e-6 },
  };
  test.each([
    [0, 1e-6],
    [1500, 1.505e-4],
    [3000, 3e-4],
    [5999, 3e-4],
    [6000, 2.7e-4],
    [18000, 2.187e-4],
    [6000 * 80, 1e-6],
  ])("of pre-training at step %d is %d", (step, expected) => {
    expect(learningRate(pretraining, step, 6000)).toBeCloseTo(expected, 12);
  });

  test("rises also where epochs are shorter than the warm-up, and never above the schedule", () => {
    const rates = [0, 1, 2, 3, 4].map((step) =>
      learningRate({ ...pretraining, warmUp: { steps: 4, from: 0 } }, step, 1),
    );
    expect(rates).toEqual([0, 7.5e-5, 1.5e-4, Math.min(2.25e-4, 3e-4 * 0.9 ** 3), 3e-4 * 0.9 ** 4]);
  });

  test("may change with each step, and may stay", () => {
    const each: Schedule = { ...caption, per: "step" };
    expect(learningRate(each, 50, 100)).toBeCloseTo(9.755282581475769e-6, 15);
    expect(learningRate({ kind: "constant", lr: 2 }, 12345, 7)).toBe(2);
  });
});

const base: OptimizerOptions = { schedule: { kind: "constant", lr: 1e-3 } };

test("defaults are BLIP's: decay 0.05 of everything, no clipping, torch's betas", () => {
  const { momentum, update } = createOptimizer(base, 10);
  expect(momentum).toBe(0.995);
  expect(update(4, "gradient")).toEqual({
    ...{ beta1: 0.9, beta2: 0.999, eps: 1e-8, clip: undefined, from: "gradient", step: 5 },
    groups: [{ lr: 1e-3, decay: 0.05 }],
  });
});

test("a weight belongs to the first group that takes it, or to the rest", () => {
  const groups = [...decayOfMatrices, { matches: () => true, lrScale: 0.1 }];
  const bias = { name: "itm_head.bias", dims: [2] };
  const matrix = { name: "itm_head.weight", dims: [2, 8] };
  expect([groupOf(bias, groups), groupOf(matrix, groups), groupOf(matrix, decayOfMatrices)]).toEqual([
    0, 1, 1,
  ]);
  expect(createOptimizer({ ...base, groups }, 1).update(0, "sum").groups).toEqual([
    { lr: 1e-3, decay: 0 },
    { lr: 1e-4, decay: 0.05 },
    { lr: 1e-3, decay: 0.05 },
  ]);
});

describe("frozen parts", () => {
  const names = {
    patch: "vision_model.embeddings.patch_embedding.weight",
    image: "vision_model.encoder.layers.3.mlp.fc1.weight",
    projection: "vision_proj.weight",
    cross: "text_encoder.encoder.layer.2.crossattention.self.key.weight",
    decoderCross: "text_decoder.bert.encoder.layer.11.crossattention.output.dense.bias",
    self: "text_decoder.bert.encoder.layer.0.attention.self.query.weight",
    head: "itm_head.weight",
  };
  const frozenOf = (part: (weight: { name: string; dims: number[] }) => boolean) =>
    Object.entries(names).flatMap(([key, name]) => (part({ name, dims: [1] }) ? [key] : []));
  test("are the image encoder without its projection, or all but cross-attention", () => {
    expect(frozenOf(frozenParts.imageEncoder)).toEqual(["patch", "image"]);
    expect(frozenOf(frozenParts.allButCrossAttention)).toEqual([
      "patch",
      "image",
      "projection",
      "self",
      "head",
    ]);
  });
});

describe("settings are refused", () => {
  test.each<[string, Partial<OptimizerOptions>]>([
    ["betas[0]", { betas: [1, 0.999] }],
    ["betas[1]", { betas: [0.9, -0.1] }],
    ["eps", { eps: 0 }],
    ["decay", { decay: -1 }],
    ["decay", { decay: NaN }],
    ["momentum", { momentum: 1.1 }],
    ["clip", { clip: 0 }],
  ])("%s of %j", (name, options) => {
    expect(() => createOptimizer({ ...base, ...options }, 1)).toThrow(`optimizer, ${name}: expected`);
  });
  test.each<[string, Schedule]>([
    ["lr", { kind: "constant", lr: Infinity }],
    ["lr", { kind: "constant", lr: -1 }],
    ["min", { kind: "cosine", lr: 1, min: -1, epochs: 1 }],
    ["epochs", { kind: "cosine", lr: 1, min: 0, epochs: 0 }],
    ["rate", { kind: "step", lr: 1, min: 0, rate: 0 }],
    ["warmUp.steps", { kind: "constant", lr: 1, warmUp: { steps: 1.5, from: 0 } }],
    ["warmUp.from", { kind: "constant", lr: 1, warmUp: { steps: 1, from: -1 } }],
  ])("%s of %j", (name, schedule) => {
    expect(() => createOptimizer({ schedule }, 1)).toThrow(`schedule, ${name}: expected`);
  });
  test("an epoch without steps", () => {
    expect(() => createOptimizer(base, 0)).toThrow("stepsPerEpoch: expected");
  });
});
