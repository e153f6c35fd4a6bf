// How captions and answers are generated unless told: each reference's own numbers (the contract's `--compat` table).
import { specOf } from "../tasks/index.ts";
import { transformersDefaults, type GenerationOptions, type ResolvedOptions } from "../decode/options.ts";
import type { Compat } from "../platform.ts";
import { badConfig } from "../load/errors.ts";

/** Tasks that generate. */
export type GenerationTask = "caption" | "ask";

/** BLIP samples from the 50 likeliest tokens within 0.9, with a repetition penalty that no argument changes. */
const blipSampling = { topP: 0.9, topK: 50, repetitionPenalty: 1.1 };

/** transformers' names in generation_config.json. */
const names: Readonly<Record<string, keyof GenerationOptions>> = {
  num_beams: "beams",
  max_length: "maxLength",
  max_new_tokens: "maxNewTokens",
  min_length: "minLength",
  repetition_penalty: "repetitionPenalty",
  no_repeat_ngram_size: "noRepeatNgram",
  do_sample: "sample",
  temperature: "temperature",
  top_k: "topK",
  top_p: "topP",
  num_return_sequences: "numReturn",
  length_penalty: "lengthPenalty",
  early_stopping: "earlyStopping",
};

/**
 * What generation_config.json says, by our names; what it says besides is not about how tokens are chosen.
 * @throws {ModelError} `model/bad-config` where a value is neither a number nor true nor false
 */
export function readGenerationConfig(json: unknown, name: string): GenerationOptions {
  if (json === undefined) return {};
  if (typeof json !== "object" || json === null) throw badConfig(name, "expected an object");
  const given: Record<string, number | boolean> = {};
  for (const [key, value] of Object.entries(json)) {
    const option = names[key];
    if (option === undefined || value === null) continue;
    if (typeof value !== "number" && typeof value !== "boolean")
      throw badConfig(name, `${key}: expected a number or true or false, found ${JSON.stringify(value)}`);
    given[option] = value;
  }
  // transformers lets max_new_tokens win where both are said.
  if (given.maxNewTokens !== undefined) given.maxLength = Infinity;
  return given;
}

/**
 * The defaults of a call.
 * @param config generation_config.json's, which `hf` reads
 */
export function generationDefaults(
  task: GenerationTask,
  compat: Compat,
  options: GenerationOptions,
  config: GenerationOptions,
): ResolvedOptions {
  if (compat === "hf") return { ...transformersDefaults, ...config } as ResolvedOptions;
  const { lengths } = specOf(task);
  if (!lengths) throw new Error(`${task} generates nothing`);
  const [maxLength, minLength] = lengths[compat];
  return {
    ...transformersDefaults,
    ...(options.sample === true ? blipSampling : {}),
    maxLength,
    minLength,
    beams: options.sample === true ? 1 : 3,
    beamScoring: "transformers-4.15",
  };
}
