// Objectives as a whole: additional losses, auxiliary heads, batches without a negative, refused settings.
import { floatTensor, layerOf, type Tensor } from "@blip-ts/graph";
import { describe, expect, test, vi } from "vitest";
import { objectiveConfig } from "../../../test/support/objective-config.ts";
import { namedNoise, namedWeight } from "../../../test/support/training-noise.ts";
import { runTraining } from "../../../test/support/training-runs.ts";
import type { CaptionBatch, ImageBatch, PatchBatch, PairBatch } from "./batches.ts";
import { compose } from "./compose.ts";
import { patchNames } from "./patch-names.ts";
import { captionObjective, matchObjective, pretrainObjective } from "./tasks.ts";
import type { LossPart } from "./part.ts";

// Most of these tests create a training session, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const config = objectiveConfig;
const tokens = { padding: 0, decoder: 21, encoder: 22 };
const plain = { dropout: 0, dropPath: 0, tokens };
const contrastive = { queue: 4, samples: 100, rampSteps: 0, seed: 1 };
const context = { step: 0, part: 0, seed: 3, run: () => Promise.reject(new Error("nothing runs before")) };
const images = (size: number): ImageBatch => ({
  ...{ size, imageSize: 8, pixels: namedNoise("pixels", [size, 3, 8, 8]).data },
});
const pairs = (imageIds: readonly number[]): PairBatch => ({
  ...images(imageIds.length),
  ...{ tokens: imageIds.map((_, row) => [1, 5 + row, 2]), imageIds },
});
const number = (value: { readonly data: ArrayLike<number | bigint> } | undefined) => Number(value?.data[0]);

describe("a recipe's own loss", () => {
  const patches = [0, 2, -1, 1];
  const weights = [0.1, 1, 3];
  const batch: PatchBatch & CaptionBatch = {
    ...{ ...images(1), tokens: [[1, 5, 6, 7, 2]], promptLength: 2, patches },
  };
  const objective = compose<PatchBatch>(config, {
    ...{ name: "patches", batch: 1, parts: [{ part: patchNames({ kinds: 3, weights }), weight: 2 }] },
  });

  test("patch-names is torch's weighted mean over the patches that are known", async () => {
    const { graph, nodes } = { graph: objective.graph.graph, nodes: objective.graph.graph.nodes };
    const named = nodes.find(({ scope, kind }) => scope === "patch_names" && kind === "linear")?.output;
    if (!named) throw new Error("there is no head");
    const shown = { ...graph, outputs: [...graph.outputs, { name: "named", value: named }] };
    const { outputs, gradients } = await runTraining(
      { ...objective.graph, graph: shown },
      await objective.inputs(batch, context),
      namedWeight,
    );
    const logits = Array.from(outputs.named?.data ?? [], Number);
    const terms = patches.flatMap((kind, row) => {
      if (kind < 0) return [];
      const own = logits.slice(3 * row, 3 * row + 3);
      const total = Math.log(own.reduce((sum, x) => sum + Math.exp(x), 0));
      return [[(weights[kind] ?? 0) * (total - (own[kind] ?? NaN)), weights[kind] ?? 0] as const];
    });
    const mean =
      terms.reduce((sum, [loss]) => sum + loss, 0) / terms.reduce((sum, [, weight]) => sum + weight, 0);
    expect(number(outputs["loss patch-names"])).toBeCloseTo(mean, 5);
    expect(number(outputs.loss)).toBeCloseTo(2 * mean, 5);
    expect(Math.hypot(...(gradients.get("patch_names.weight") ?? []))).toBeGreaterThan(0.01);
    expect(Math.hypot(...(gradients.get("vision_model.post_layernorm.weight") ?? []))).toBeGreaterThan(0.01);
  });

  test("brings a head that is thrown away, and no other weight is", () => {
    const names = objective.graph.graph.weights.map(({ name }) => name);
    expect(names.filter((name) => objective.isThrownAway(name))).toEqual([
      "patch_names.weight",
      "patch_names.bias",
    ]);
    expect(objective.isThrownAway("patch_names_of_another")).toBe(false);
  });

  test("stands beside a task's, over the same images", async () => {
    const part: LossPart<CaptionBatch> = {
      ...{ name: "length", throwAway: ["length_head"] },
      build: ({ b, imageStates }) => {
        const named = b.linear(b.slice(imageStates, 1, 0, 1), "length_head", 1);
        return b.sum(b.multiply(named, b.input("sign", "float32", [])), [0, 1, 2]);
      },
      inputs: () => ({ sign: floatTensor([], [-1]) }),
    };
    const both = captionObjective(config, { batch: 1, ...plain, more: [{ part, weight: 0.5 }] });
    const { outputs } = await runTraining(both.graph, await both.inputs(batch, context), namedWeight);
    const sum = number(outputs["loss LM"]) + 0.5 * number(outputs["loss length"]);
    expect(number(outputs.loss)).toBeCloseTo(sum, 5);
    expect(both.outputs).toEqual(["loss LM", "loss length"]);
    // The image encoder exists once.
    const convolutions = both.graph.graph.nodes.filter(({ kind }) => kind === "patchConvolution");
    expect(convolutions).toHaveLength(1);
    expect(both.weight?.(batch)).toBe(1);
    expect(captionObjective(config, { batch: 1, ...plain }).weight?.(batch)).toBe(3);
  });
});

describe("batches without negatives", () => {
  const matchOf = (batch: number) => matchObjective(config, { batch, ...contrastive, ...plain });
  const lossOf = async (batch: PairBatch) => {
    const objective = matchOf(batch.size);
    const { outputs, gradients } = await runTraining(
      objective.graph,
      await objective.inputs(batch, context),
      namedWeight,
    );
    return { itm: number(outputs["loss ITM"]), gradients, outputs };
  };

  test("of one pair are refused for matching", () => {
    expect(() => matchOf(1)).toThrow(
      "batch size: expected at least 2, because the negatives of matching come from the same batch, got 1. Raise the batch size.",
    );
  });

  test("whose images are all one have nothing to tell apart: the reference fails there", async () => {
    const { itm, gradients } = await lossOf(pairs([5, 5]));
    expect(itm).toBe(0);
    for (const values of gradients.values()) expect(values.every((x) => Number.isFinite(x))).toBe(true);
    expect([...(gradients.get("itm_head.weight") ?? [1])].every((x) => x === 0)).toBe(true);
  });

  test("in which some have none count those that have", async () => {
    const { itm, gradients } = await lossOf(pairs([5, 6, 5]));
    expect(itm).toBeGreaterThan(0);
    expect(Math.hypot(...(gradients.get("itm_head.weight") ?? []))).toBeGreaterThan(0);
  });

  test("with similarities that are no numbers give no number, and do not fail in the middle", async () => {
    const objective = matchOf(2);
    const broken = (name: string, dims: readonly number[]): Tensor =>
      name === "vision_proj.weight"
        ? floatTensor(
            dims,
            namedWeight(name, dims).data.map(() => NaN),
          )
        : namedWeight(name, dims);
    const inputs = await objective.inputs(pairs([1, 2]), context);
    const { outputs } = await runTraining(objective.graph, inputs, broken);
    expect(number(outputs.loss)).toBeNaN();
  });
});

describe("negatives of pre-training", () => {
  /** The first column whose cumulative weight is above the draw's share, and the distance to the nearest boundary. */
  function drawnBy(weights: readonly number[], draw: number): readonly [number, number] {
    const whole = weights.reduce((sum, x) => sum + x, 0);
    let sum = 0;
    const sums = weights.map((x) => (sum += x / whole));
    const margin = Math.min(...sums.map((x) => Math.abs(x - draw)));
    return [sums.findIndex((x) => x > draw), margin];
  }

  test("come even where all others are far off: every weight has 1e-4 more", async () => {
    const size = 4;
    const pretrain = pretrainObjective(config, { batch: size, ...contrastive, ...plain });
    const temperature = 0.005;
    // The momentum encoders equal the online ones, so their features are on both sides of the similarities.
    const { momentum = {} } = pretrain.graph;
    const weightOf = (name: string, dims: readonly number[]) =>
      name === "temp" ? floatTensor([], [temperature]) : namedWeight(momentum[name] ?? name, dims);
    const inputs = await pretrain.inputs({ ...pairs([1, 2, 3, 4]) }, context);
    let [floorDecides, checked] = [0, 0];
    for (const given of [
      [0.05, 0.35, 0.65, 0.95],
      [0.65, 0.95, 0.35, 0.35],
    ]) {
      const draws = floatTensor([2, size], [...given, ...given]);
      const { outputs } = await runTraining(pretrain.graph, { ...inputs, negative_draws: draws }, weightOf);
      const [seen, told] = ["momentum_image_features", "momentum_text_features"].map((name) =>
        Array.from(outputs[name]?.data ?? [], Number),
      ) as [number[], number[]];
      const of = (features: number[], row: number) => features.slice(4 * row, 4 * row + 4);
      const rows = [...new Array(size).keys()];
      for (const [name, queries, keys] of [
        ["negative_images", told, seen],
        ["negative_texts", seen, told],
      ] as const)
        for (const row of rows) {
          const likely = rows.map((column) => {
            const cosine = of(queries, row).reduce((sum, x, k) => sum + x * (of(keys, column)[k] ?? NaN), 0);
            return Math.exp(cosine / temperature);
          });
          const whole = likely.reduce((sum, x) => sum + x, 0);
          const weightsOf = (floor: number) =>
            likely.map((x, column) => (column === row ? 0 : x / whole + floor));
          const draw = given[row] ?? NaN;
          const [expected, margin] = drawnBy(weightsOf(1e-4), draw);
          if (margin < 1e-3) continue;
          expect(outputs[name]?.data[row], `${name} ${row} at ${draw}`).toBe(expected);
          checked++;
          if (drawnBy(weightsOf(0), draw)[0] !== expected) floorDecides++;
        }
    }
    expect(checked).toBeGreaterThan(12);
    expect(floorDecides).toBeGreaterThan(0);
  });
});

describe("what a trainer is told", () => {
  const objective = pretrainObjective(config, { batch: 2, ...contrastive, ...plain });

  test("which weights are one: all of the text stacks but self-attention", () => {
    const { ties = {} } = objective.graph;
    expect(ties["text_encoder.encoder.layer.0.crossattention.output.LayerNorm.bias"]).toBe(
      "text_decoder.bert.encoder.layer.0.crossattention.output.LayerNorm.bias",
    );
    expect(ties["text_encoder.embeddings.word_embeddings.weight"]).toBe(
      "text_decoder.bert.embeddings.word_embeddings.weight",
    );
    expect(ties["text_decoder.cls.predictions.decoder.weight"]).toBe(
      "text_decoder.bert.embeddings.word_embeddings.weight",
    );
    expect(Object.keys(ties).filter((name) => name.includes(".attention."))).toEqual([]);
    expect(ties["text_encoder.encoder.layer.0.output.dense.weight"]).toBeDefined();
  });

  test("which weights follow which", () => {
    const { momentum = {}, graph } = objective.graph;
    expect(momentum["vision_model_m.post_layernorm.bias"]).toBe("vision_model.post_layernorm.bias");
    expect(momentum["text_encoder_m.embeddings.LayerNorm.bias"]).toBe(
      "text_decoder.bert.embeddings.LayerNorm.bias",
    );
    expect(momentum["text_encoder_m.encoder.layer.0.attention.self.key.bias"]).toBe(
      "text_encoder.encoder.layer.0.attention.self.key.bias",
    );
    const all = graph.weights.map(({ name }) => name).filter((name) => name.includes("_m."));
    expect(Object.keys(momentum).toSorted()).toEqual(all.toSorted());
    expect(objective.bounds).toEqual({ temp: { lowest: 0.001, highest: 0.5 } });
  });

  test("masks follow from the seed", async () => {
    const random = pretrainObjective(config, { batch: 2, ...contrastive, tokens, dropout: 0.25 });
    const masks = async (seed: number) =>
      Object.entries(await random.inputs(pairs([1, 2]), { ...context, seed })).filter(([name]) =>
        name.startsWith("keep "),
      );
    const first = await masks(1);
    expect(await masks(1)).toEqual(first);
    expect(await masks(2)).not.toEqual(first);
    const all = first.flatMap(([, { data }]) => Array.from(data, Number));
    expect(all.length).toBeGreaterThan(800);
    expect(Math.abs(all.reduce((sum, x) => sum + x, 0) / all.length - 0.75)).toBeLessThan(0.05);
    expect(first.map(([name]) => name)).toContain(
      "keep matching text_encoder.encoder.layer.0.crossattention.self",
    );
  });

  test("layers can be computed a second time: what each attends to is made within it", async () => {
    const { graph } = objective.graph;
    const runs = graph.nodes
      .map(({ scope }) => layerOf(scope))
      .filter((layer, at, all) => layer !== all[at - 1] && layer === "text_encoder.encoder.layer.0");
    // Once for the text alone, once for matching.
    expect(runs).toHaveLength(2);
    const inputs = await objective.inputs(pairs([1, 2]), context);
    const [plainly, again] = [
      await runTraining(objective.graph, inputs, namedWeight),
      await runTraining(objective.graph, inputs, namedWeight, { layerOf }),
    ];
    for (const [name, values] of plainly.gradients) {
      const difference = values.map((x, at) => x - (again.gradients.get(name)?.[at] ?? NaN));
      expect(Math.hypot(...difference), name).toBeLessThan(1e-5 * Math.hypot(...values) + 1e-6);
    }
  });

  test("a temperature outside its bounds counts as the bound, and has that gradient", async () => {
    const at = async (temp: number) => {
      const weightOf = (name: string, dims: readonly number[]) =>
        name === "temp" ? floatTensor([], [temp]) : namedWeight(name, dims);
      const match = matchObjective(config, { batch: 2, ...contrastive, ...plain });
      const run = await runTraining(match.graph, await match.inputs(pairs([1, 2]), context), weightOf);
      return [number(run.outputs["loss ITC"]), run.gradients.get("temp")?.[0]];
    };
    expect(await at(0.9)).toEqual(await at(0.5));
  });
});

test("losses of weight 0 are not computed: without contrast and matching no text is encoded twice", () => {
  const options = { batch: 2, ...plain, ...contrastive };
  const all = pretrainObjective(config, options);
  const captions = pretrainObjective(config, { ...options, losses: { itc: 0, itm: 0 } });
  expect(captions.outputs).toEqual(["loss LM"]);
  const names = captions.graph.graph.weights.map(({ name }) => name);
  expect(names.some((name) => name.startsWith("text_decoder."))).toBe(true);
  expect(names.filter((name) => /^text_encoder|_proj|^itm_head|_m\.|^temp$/.test(name))).toEqual([]);
  expect(all.graph.graph.weights.length).toBeGreaterThan(names.length);
});

test.each<[() => unknown, string]>([
  [
    () => captionObjective(config, { batch: 0, ...plain }),
    "batch size: expected a whole number from 1, got 0.",
  ],
  [() => compose(config, { name: "x", batch: 1, parts: [] }), "losses: expected at least one, got 0."],
  [() => patchNames({ kinds: 1 }), "kinds of patches: expected a whole number from 2, got 1."],
  [() => patchNames({ kinds: 3, weights: [1] }), "weights of patches: expected 3 numbers, got 1."],
  [
    () => compose(config, { name: "x", batch: 1, parts: [{ part: patchNames({ kinds: 3 }), weight: -1 }] }),
    "weight of patch-names: expected a number from 0, got -1.",
  ],
  [
    () => compose(config, { name: "x", batch: 1, parts: [{ part: patchNames({ kinds: 3 }), weight: 0 }] }),
    "losses: expected at least one, got 0.",
  ],
])("refuses %#", (make, message) => {
  expect(make).toThrow(message);
});
