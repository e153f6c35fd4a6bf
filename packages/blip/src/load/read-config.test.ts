// A network's heads, epsilons and sizes, from config.json, the tensors and the options.
import { describe, expect, test } from "vitest";
import type { Compat } from "../platform.ts";
import { decideTextHeads, readConfig } from "./read-config.ts";

const vision = {
  hiddenSize: 768,
  layers: 12,
  intermediateSize: 3072,
  patchSize: 16,
  positions: 577,
  imageSize: 384,
};
const text = { hiddenSize: 768, layers: 12, intermediateSize: 3072, vocabSize: 30524, maxPositions: 512 };
const base = { vision, text, jointEmbedding: 256 };
const small = {
  vision: { ...vision, hiddenSize: 160 },
  text: { ...text, hiddenSize: 160 },
  jointEmbedding: 128,
};

describe("text heads", () => {
  test.each<[string, number, number | undefined, "config" | number | undefined, boolean, number, boolean]>([
    ["8 in the seed's config: 12, with a warning", 768, 8, undefined, true, 12, true],
    [
      "none in the config (transformers takes 8): 12, with a warning",
      768,
      undefined,
      undefined,
      true,
      12,
      true,
    ],
    ["12 in the config", 768, 12, undefined, true, 12, false],
    ["no config at all", 768, undefined, undefined, false, 12, false],
    ["transformers' own answer when asked", 768, 8, "config", true, 8, false],
    ["transformers' default when asked and not said", 768, undefined, "config", true, 8, false],
    ["a number, as it is", 768, 8, 6, true, 6, false],
    ["another width follows its config", 160, 5, undefined, true, 5, false],
  ])("%s", (_what, width, said, option, hasConfig, heads, warns) => {
    const decided = decideTextHeads("config.json", width, said, option, hasConfig);
    expect(decided.heads).toBe(heads);
    expect(decided.warning?.code).toBe(warns ? "model/text-heads" : undefined);
    if (warns)
      expect(decided.warning?.message).toMatch(/trained with 12 attention heads.*textHeads: "config"/);
  });
});

describe("readConfig", () => {
  test("takes Salesforce's shapes without a config, base and large", () => {
    expect(readConfig("m", base, undefined, { compat: "hf" }).config).toMatchObject({
      vision: { heads: 12, layerNormEps: 1e-5 },
      text: { heads: 12, layerNormEps: 1e-12 },
    });
    const large = { ...base, vision: { ...vision, hiddenSize: 1024, layers: 24 } };
    expect(readConfig("m", large, undefined, { compat: "hf" }).config.vision.heads).toBe(16);
  });

  test("asks for a config or heads where other shapes have none", () => {
    expect(() => readConfig("m", small, undefined, { compat: "hf" })).toThrow(
      /config\.json beside it, or set textHeads/,
    );
    const { config } = readConfig("m", small, undefined, { compat: "hf", textHeads: 5 });
    expect([config.vision.heads, config.text.heads]).toEqual([5, 5]);
  });

  test("takes the original's epsilon for all modes but hf where the text is 768 wide, else the config's", () => {
    const json = {
      vision_config: { layer_norm_eps: 1e-5, num_attention_heads: 5 },
      text_config: { num_attention_heads: 5 },
    };
    const eps = (architecture: typeof base, compat: Compat) =>
      readConfig("m", architecture, architecture === base ? {} : json, { compat }).config.vision.layerNormEps;
    const modes = ["hf", "blip", "lavis", "demo"] as const;
    expect(modes.map((compat) => eps(base, compat))).toEqual([1e-5, 1e-6, 1e-6, 1e-6]);
    expect([eps(small, "blip"), eps(small, "demo")]).toEqual([1e-5, 1e-5]);
  });

  test.each<[string, object, RegExp]>([
    [
      "a size that the tensors deny",
      { vision_config: { hidden_size: 512 } },
      /vision_config\.hidden_size: expected 768, as in the tensors' shapes, got 512/,
    ],
    [
      "another activation",
      { text_config: { hidden_act: "relu" } },
      /text_config\.hidden_act: expected "gelu".*, got "relu"/,
    ],
    [
      "heads that do not divide the width",
      { vision_config: { num_attention_heads: 7 } },
      /7 attention heads do not divide/,
    ],
    [
      "a number that is none",
      { text_config: { num_attention_heads: "12" } },
      /text_config\.num_attention_heads: expected a whole number from 1 to 65536, got "12"/,
    ],
  ])("refuses %s", (_what, json, message) => {
    expect(() => readConfig("config.json", base, json, { compat: "hf" })).toThrow(message);
  });
});
