// The weights that a run begins with, and the sizes and values that follow from its model.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { must } from "@blip-ts/base";
import { memorySource, readSafetensors, type MadeTensor } from "@blip-ts/checkpoint";
import { sizeOf } from "@blip-ts/graph";
import { describe, expect, test } from "vitest";
import { objectiveConfig } from "../../../test/support/objective-config.ts";
import { fixture } from "../../../test/support/goldens.ts";
import { storedTensors } from "../../../test/support/stored-tensors.ts";
import { nodePlatform } from "../../platform/node/node-platform.ts";
import { matchObjective } from "../objectives/tasks.ts";
import { openBase, weightsToBegin, withoutMomentum } from "./begin.ts";
import { imageSizeWarnings, recipeFor } from "./reference.ts";
import { resolveSettings } from "./settings.ts";
import { filesInMemory } from "./validation.ts";

const config = objectiveConfig;

describe("weights to begin with", () => {
  const tokens = { padding: 0, decoder: 21, encoder: 22 };
  const options = { batch: 2, queue: 4, samples: 100, rampSteps: 0, seed: 1, tokens };
  const { graph: training } = matchObjective(config, options);
  const all = storedTensors(
    Object.fromEntries(training.graph.weights.map(({ name, shape }) => [name, shape])),
  );
  const followers = Object.keys(training.momentum ?? {});
  const begin = (tensors: typeof all, init = false) => weightsToBegin(training, tensors, { init, seed: 1 });

  test("are the model's own, with its temperature and its momentum encoders", () => {
    const { weights, begun } = begin(all);
    expect(begun).toEqual([]);
    expect(followers.length).toBeGreaterThan(10);
    for (const name of ["temp", ...followers]) expect(weights.get(name)).toBe(all.get(name));
  });

  test("momentum encoders are the model's only as a whole, and of the right shapes", () => {
    const [first, second] = [must(followers, 0), must(followers, 1)];
    const lacking = new Map([...all].filter(([name]) => name !== first));
    const other = new Map([...all, ...storedTensors({ [second]: [1, 1, 1] })]);
    for (const tensors of [lacking, other, new Map(withoutMomentum(all, training))]) {
      const { weights, begun } = begin(tensors);
      expect(followers.filter((name) => weights.has(name))).toEqual([]);
      expect(begun).toEqual([]);
    }
  });

  test("the list of new weights names the temperature", () => {
    expect(begin(new Map([...all].filter(([name]) => name !== "temp"))).begun).toEqual(["temp (0.07)"]);
    const { weights, begun } = begin(all, true);
    expect(begun).toContain("temp (0.07)");
    expect(weights.size).toBeGreaterThan(10);
    expect([...weights.values()].some((tensor) => [...all.values()].includes(tensor))).toBe(false);
  });
});

test("a model of BLIP's width is trained with the epsilon with which its result is run", async () => {
  // The tiny captioner with a text width of 768; its config.json says 1e-5, as transformers' do.
  const folder = fixture("tiny/caption");
  const bytes = new Uint8Array(await readFile(join(folder, "model.safetensors")));
  const { tensors } = await readSafetensors(memorySource("m", bytes));
  const wide = ({ shape: small }: { readonly shape: readonly number[] }): MadeTensor => {
    const shape = small.map((size) => (size === 32 ? 768 : size));
    const byteLength = 4 * sizeOf(shape);
    return {
      ...{ dtype: "float32", shape, byteLength },
      async *bytes() {
        yield await Promise.resolve(new Uint8Array(byteLength));
      },
    };
  };
  const json = await readFile(join(folder, "config.json"), "utf8");
  const files = filesInMemory("wide", {
    texts: new Map([
      ["config.json", json.replaceAll('"hidden_size": 32', '"hidden_size": 768')],
      ["vocab.txt", await readFile(join(folder, "vocab.txt"), "utf8")],
    ]),
    weights: new Map([...tensors].map(([name, tensor]) => [name, wide(tensor)])),
  });
  const platform = { ...nodePlatform, openModel: () => Promise.resolve(files) };
  const settings = resolveSettings("caption", { model: "wide", out: "run" }, {}, false);
  const base = await openBase(platform, settings, "caption", undefined);
  expect(base.opened.dialect).toBe("huggingface");
  expect(base.config.text.hiddenSize).toBe(768);
  expect(base.config.vision.layerNormEps).toBe(1e-6);
});

describe("what BLIP's runs take from the model's size", () => {
  const sized = (hiddenSize: number, imageSize = 384) => ({
    vision: { ...config.vision, hiddenSize, imageSize },
  });

  test("the large image encoder has a drop path of 0.1, unless another one is given", () => {
    const dropPathOf = (width: number, given: { dropPath?: number } = {}) =>
      resolveSettings("match", { model: "m", out: "run" }, recipeFor(sized(width), given), false).dropPath;
    expect(dropPathOf(768)).toBe(0);
    expect(dropPathOf(1024)).toBe(0.1);
    expect(dropPathOf(1024, { dropPath: 0 })).toBe(0);
    const options = { model: "m", out: "run", dropPath: 0.3 };
    expect(resolveSettings("match", options, recipeFor(sized(1024), {}), false).dropPath).toBe(0.3);
  });

  test("images of another size than BLIP's give a warning, unless a size or a recipe is chosen", () => {
    const said = (
      task: "vqa" | "pretrain",
      model: Parameters<typeof imageSizeWarnings>[0],
      recipe: Parameters<typeof imageSizeWarnings>[2] = {},
      imageSize: number | null = null,
    ) => imageSizeWarnings(model, { task, imageSize }, recipe).map(({ message }) => message);
    expect(said("vqa", sized(768, 224))).toEqual([
      "images: expected 480 pixels, with which BLIP trains vqa, got the model's own 224. " +
        "Set imageSize: 480 for BLIP's size, or imageSize: 224 to keep the model's.",
    ]);
    expect(said("vqa", sized(1024))).toHaveLength(1);
    expect(said("vqa", sized(768, 480))).toEqual([]);
    expect(said("pretrain", sized(768, 224))).toEqual([]);
    expect(said("vqa", sized(768), {}, 384)).toEqual([]);
    expect(said("vqa", sized(768), { base: "few" })).toEqual([]);
    // No model of BLIP's.
    expect(said("vqa", sized(160, 64))).toEqual([]);
  });
});
