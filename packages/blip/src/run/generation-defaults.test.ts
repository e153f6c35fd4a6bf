// The defaults of generation, by convention (the contract's `--compat` table), and transformers'
// generation_config.json.
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { floatTensor } from "@blip-ts/graph";
import { must } from "@blip-ts/base";
import { fixture, goldenJson, goldenTensors } from "../../test/support/goldens.ts";
import { resolveOptions, type GenerationOptions } from "../decode/options.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import type { Compat } from "../platform.ts";
import { ConditionalGeneration } from "../classes/conditional-generation.ts";
import type { ModelOptions } from "../load/model-options.ts";
import { generationDefaults, readGenerationConfig, type GenerationTask } from "./generation-defaults.ts";

const resolved = (
  task: GenerationTask,
  compat: Compat,
  options: GenerationOptions = {},
  config: GenerationOptions = {},
) => resolveOptions(options, generationDefaults(task, compat, options, config));

describe("defaults", () => {
  const [old, recent] = ["transformers-4.15", "transformers-5.23"] as const;
  const greedy = { beams: 1, maxLength: Infinity, maxNewTokens: 20, minLength: 0, beamScoring: recent };

  test.each<[GenerationTask, Compat, Partial<ReturnType<typeof resolved>>]>([
    ["caption", "hf", greedy],
    ["caption", "blip", { beams: 3, maxLength: 20, minLength: 5, beamScoring: old }],
    ["caption", "lavis", { beams: 3, maxLength: 30, minLength: 10, beamScoring: old }],
    ["caption", "demo", { beams: 3, maxLength: 20, minLength: 5, beamScoring: old }],
    ["ask", "hf", greedy],
    ["ask", "blip", { beams: 3, maxLength: 10, minLength: 1, beamScoring: old }],
    ["ask", "lavis", { beams: 3, maxLength: 10, minLength: 1, beamScoring: old }],
    ["ask", "demo", { beams: 3, maxLength: 10, minLength: 1, beamScoring: old }],
  ])("%s under %s", (task, compat, expected) => {
    expect(resolved(task, compat)).toMatchObject({
      ...{ repetitionPenalty: 1, noRepeatNgram: 0, lengthPenalty: 1, earlyStopping: false, sample: false },
      ...expected,
    });
  });

  test.each<Compat>(["blip", "lavis", "demo"])(
    "%s samples one sequence from 50 tokens within 0.9, penalised",
    (compat) => {
      const drawn = { beams: 1, topP: 0.9, topK: 50, repetitionPenalty: 1.1, temperature: 1 };
      expect(resolved("caption", compat, { sample: true })).toMatchObject(drawn);
    },
  );

  test("hf samples from 50 tokens, without a penalty", () => {
    const drawn = { topP: 1, topK: 50, repetitionPenalty: 1 };
    expect(resolved("caption", "hf", { sample: true })).toMatchObject(drawn);
  });

  test("an explicit option wins over the mode, in every mode", () => {
    const own = { beams: 2, maxLength: 9, minLength: 3, beamScoring: recent, repetitionPenalty: 1.5 };
    for (const compat of ["hf", "blip", "lavis", "demo"] as const)
      expect(resolved("caption", compat, own, { beams: 5, maxLength: 11 })).toMatchObject(own);
    expect(resolved("caption", "blip", { maxNewTokens: 4 })).toMatchObject({
      ...{ maxLength: Infinity, maxNewTokens: 4 },
    });
  });
});

describe("generation_config.json", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "blip-generation-config-"));
    await cp(fixture("tiny/caption"), folder, { recursive: true });
    const said = { num_beams: 2, max_length: 7, eos_token_id: 2, transformers_version: "4.26.0" };
    await writeFile(join(folder, "generation_config.json"), JSON.stringify(said));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const optionsUnder = async (load: ModelOptions, options: GenerationOptions = {}) => {
    await using model = await ConditionalGeneration.load(nodePlatform, folder, {
      ...{ onWarning: () => undefined, ...load },
    });
    return model.generator.options([[125]], options)[0];
  };

  test("beside a model is read in no mode by default", async () => {
    expect(await optionsUnder({ compat: "hf" })).toMatchObject({ beams: 1, maxLength: 21 });
    expect(await optionsUnder({ compat: "blip" })).toMatchObject({ beams: 3, maxLength: 20 });
  });

  test.each<Compat>(["hf", "blip", "lavis"])(
    "wins over %s if it is asked for, and an option over it",
    async (compat) => {
      const own = { compat, generationConfig: "model" } as const;
      expect(await optionsUnder(own)).toMatchObject({ beams: 2, maxLength: 7 });
      expect(await optionsUnder(own, { beams: 1 })).toMatchObject({ beams: 1, maxLength: 7 });
      const given = { compat, generationConfig: { do_sample: true, top_k: 7, max_new_tokens: 3 } };
      expect(await optionsUnder(given)).toMatchObject({ beams: 1, sample: true, topK: 7, maxLength: 4 });
    },
  );

  test("that is asked for and is not there, or is none, is rejected", async () => {
    const load = (generationConfig: unknown) =>
      ConditionalGeneration.load(nodePlatform, fixture("tiny/caption"), { generationConfig } as ModelOptions);
    await expect(load("model")).rejects.toMatchObject({ code: "model/no-generation-config" });
    await expect(load("other")).rejects.toMatchObject({ code: "usage/bad-option" });
    await expect(load({ num_beams: 9 })).rejects.toMatchObject({ code: "model/bad-config" });
  });

  test("says options by transformers' names; new tokens win over the length", () => {
    const json = {
      max_length: 20,
      max_new_tokens: 5,
      do_sample: true,
      top_k: 0,
      pad_token_id: 0,
      top_p: null,
    };
    expect(readGenerationConfig(json, "here")).toEqual({
      ...{ maxLength: Infinity, maxNewTokens: 5, sample: true, topK: 0 },
    });
    expect(readGenerationConfig(undefined, "here")).toEqual({});
  });

  test.each<[string, unknown]>([
    ["a word for a number", { num_beams: "three" }],
    ["no object", 7],
  ])("of %s is refused", (_what, json) => {
    expect(() => readGenerationConfig(json, "here")).toThrow(
      expect.objectContaining({ code: "model/bad-config" }),
    );
  });
});

interface Golden {
  readonly cases: readonly {
    readonly config: Readonly<Record<string, unknown>>;
    readonly beside: readonly number[][];
    readonly passed: readonly number[][];
  }[];
}

describe("a generation config's tokens are transformers' (oracle/hf/generation_config_goldens.py)", async () => {
  const { cases } = await goldenJson<Golden>("generation-config");
  const pixels = await (await goldenTensors("caption")).floats("pixel_values");
  const [, ...dims] = pixels.dims;
  const length = dims.reduce((a, b) => a * b, 1);
  const images = [0, 1].map((row) =>
    floatTensor([1, ...dims], pixels.data.slice(row * length, (row + 1) * length)),
  );

  async function tokens(source: string, generationConfig?: ModelOptions["generationConfig"]) {
    await using model = await ConditionalGeneration.load(nodePlatform, source, {
      ...{ compat: "hf", generationConfig, onWarning: () => undefined },
    });
    const rows: (readonly number[])[] = [];
    for (const pixelValues of images)
      rows.push(must(must(await model.generate({ pixelValues }), 0), 0).tokens);
    return rows;
  }

  test.each(cases)("$config", async ({ config, beside, passed }) => {
    const folder = await mkdtemp(join(tmpdir(), "blip-generation-tokens-"));
    try {
      await cp(fixture("tiny/caption"), folder, { recursive: true });
      await writeFile(join(folder, "generation_config.json"), JSON.stringify(config));
      expect(await tokens(folder)).toEqual(beside);
      expect(await tokens(folder, "model")).toEqual(passed);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
