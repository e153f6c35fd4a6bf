// 8-bit networks, whose products would round NaN to some number: damaged weights are detected at any place.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { arrayOf } from "@blip-ts/testing";
import { damage, DamagedModels, plainImage } from "../../test/support/damaged.ts";
import { plainModel } from "../../test/support/plain-model.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import { Answerer } from "../verbs/ask.ts";
import { Captioner } from "../verbs/caption.ts";
import { Comparer } from "../verbs/compare.ts";
import { Embedder } from "../verbs/embed.ts";
import { Matcher } from "../verbs/match.ts";
import { quantize } from "../tools/quantize.ts";
import { Retriever } from "../verbs/retrieve.ts";

const models = new DamagedModels();
beforeAll(() => models.begin());
afterAll(() => models.end());

const code = "model/not-finite";
const [black, white] = [plainImage(0), plainImage(255)];

const quiet = { onWarning: () => undefined };
const int8 = { ...quiet, dtype: "int8" as const };

type Rows = readonly (object | { readonly error: { readonly message: string } })[];
const verbs: Readonly<
  Record<string, { readonly of: string; readonly run: (model: string) => Promise<Rows> }>
> = {
  match: {
    of: "match",
    async run(model) {
      await using one = await Matcher.load(nodePlatform, model, int8);
      return await arrayOf(one.match([black, white], ["a cat"]));
    },
  },
  caption: {
    of: "caption",
    async run(model) {
      await using one = await Captioner.load(nodePlatform, model, int8);
      return await arrayOf(one.caption([black, white]));
    },
  },
  ask: {
    of: "vqa",
    async run(model) {
      await using one = await Answerer.load(nodePlatform, model, int8);
      return await arrayOf(one.ask([black, white], ["is there a cat"], { answers: ["cat"] }));
    },
  },
  embed: {
    of: "match",
    async run(model) {
      await using one = await Embedder.load(nodePlatform, model, int8);
      return [...(await arrayOf(one.embedImages([black]))), ...(await arrayOf(one.embedTexts(["a cat"])))];
    },
  },
  retrieve: {
    of: "match",
    async run(model) {
      await using one = await Retriever.load(nodePlatform, model, int8);
      const byText = await arrayOf(one.byText([black], ["a cat"]));
      return [...byText, ...(await arrayOf(one.byImage([black], ["a cat"])))];
    },
  },
  compare: {
    of: "nlvr-original",
    async run(model) {
      await using one = await Comparer.load(nodePlatform, model, int8);
      return await arrayOf(one.compare([black, white], ["a cat"]));
    },
  },
};

describe("8 bits", () => {
  /**
   * All kinds of weights except tables: matrices, biases and norms, in the image's, the text's and the cross-attention
   * layers.
   */
  test.each([
    "vision_model.encoder.layers.1.self_attn.qkv.weight",
    "vision_model.encoder.layers.0.mlp.fc1.bias",
    "vision_model.encoder.layers.2.layer_norm1.weight",
    "vision_model.embeddings.position_embedding",
    "text_encoder.encoder.layer.0.attention.self.key.weight",
    "text_encoder.encoder.layer.1.intermediate.dense.weight",
    "text_encoder.encoder.layer.2.crossattention.self.value.weight",
    "text_encoder.embeddings.position_embeddings.weight",
  ])("do not round NaN to a number: %s", async (tensor) => {
    for (const value of [NaN, Infinity]) {
      const model = await models.without("match", { [tensor]: { value, row: 0 } });
      await using one = await Matcher.load(nodePlatform, model, int8);
      for (const row of await arrayOf(one.match([black, white], ["a cat", "a dog"])))
        expect(row).toMatchObject({ error: { code } });
    }
  });

  test.each(Object.keys(verbs))("whose kept numbers were damaged are made again: %s", async (verb) => {
    const { of = "", run } = verbs[verb] ?? {};
    if (!run) throw new Error(verb);
    // A copy has kept weights of its own, the most recent ones.
    const model = await models.without(of, {});
    const folder = join(models.root, "home", "blip-ts", "weights");
    const before = await readdir(folder, { recursive: true }).catch((): string[] => []);
    const whole = await run(model);
    expect(whole.some((row) => "error" in row)).toBe(false);
    const made = (await readdir(folder, { recursive: true })).filter(
      (name) => name.endsWith(".safetensors") && !before.includes(name),
    );
    expect(made).toHaveLength(1);
    await damage(join(folder, made[0] ?? ""), {
      "vision_model.encoder.layers.1.mlp.fc1.weight.scale": { value: NaN, row: 3 },
      ...(of !== "caption" && {
        "text_encoder.encoder.layer.1.intermediate.dense.weight.scale": { value: Infinity, row: 3 },
      }),
    });
    expect(await run(model)).toEqual(whole);
  });

  test("of weights that are in memory, as in a page, likewise", async () => {
    const inMemory: typeof nodePlatform = {
      ...nodePlatform,
      async openModel(source, options) {
        const files = plainModel(await nodePlatform.openModel(source, options));
        if (files.weights.kind !== "single") throw new Error("one file is expected");
        const { source: file } = files.weights;
        const { name, size } = file;
        const read = (offset: number, length: number) => file.read(offset, length);
        return { ...files, weights: { kind: "single", source: { name, size, read } } };
      },
    };
    const bias = "vision_model.encoder.layers.0.mlp.fc1.bias";
    for (const [tensors, fails] of [
      [{}, false],
      [{ [bias]: { value: NaN, row: 0 } }, true],
    ] as const) {
      await using one = await Matcher.load(inMemory, await models.without("match", tensors), int8);
      const [row] = await arrayOf(one.match([black], ["a cat"]));
      expect(row && "error" in row).toBe(fails);
    }
  });

  test("of a folder, likewise", async () => {
    const folder = models.place();
    await quantize(nodePlatform, models.tiny("match"), folder, { dtype: "int8", ...quiet });
    await damage(join(folder, "model.safetensors"), {
      "text_encoder.encoder.layer.0.attention.self.query.weight.scale": { value: NaN, row: 0 },
    });
    await using one = await Matcher.load(nodePlatform, folder, quiet);
    const [row] = await arrayOf(one.match([black], ["a cat"]));
    expect(row).toMatchObject({ image: black, error: { code } });
  });
});
