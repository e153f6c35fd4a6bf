// Default options for generating captions and answers, as in each reference implementation (the contract's `--compat`
// table).
import { specOf } from "../tasks/index.ts";
import {
  maxBeams,
  transformersDefaults,
  type GenerationOptions,
  type ResolvedOptions,
} from "../decode/options.ts";
import type { Compat } from "../platform.ts";
import { badGenerationConfig } from "../load/errors.ts";
import { schema } from "@blip-ts/base";

/** Tasks that generate text. */
export type GenerationTask = "caption" | "ask";

/** BLIP's sampling: the 50 likeliest tokens, within a total probability of 0.9, with a repetition penalty. */
const blipSampling = { topP: 0.9, topK: 50, repetitionPenalty: 1.1 };

const { maybe, whole, real, flag, fields } = schema;

/** The most tokens that a file may request: eight times BLIP's positions, which limit every sequence anyway. */
const maxTokens = 4_096;
/** The most sequences per image that a file may request; callers may request more. */
const maxReturned = 32;
const maxVocabulary = 10_000_000;
const aboveZero = (most: number) => real(Number.MIN_VALUE, most, `a number above 0, of at most ${most}`);

/** The fields of generation_config.json that affect the choice of tokens, and their limits. */
const generationSchema = fields({
  num_beams: maybe(whole(1, maxBeams)),
  max_length: maybe(whole(1, maxTokens)),
  max_new_tokens: maybe(whole(1, maxTokens)),
  min_length: maybe(whole(0, maxTokens)),
  repetition_penalty: maybe(aboveZero(100)),
  no_repeat_ngram_size: maybe(whole(0, maxTokens)),
  do_sample: maybe(flag()),
  temperature: maybe(aboveZero(1_000)),
  top_k: maybe(whole(0, maxVocabulary)),
  top_p: maybe(real(0, 1)),
  num_return_sequences: maybe(whole(1, maxReturned)),
  length_penalty: maybe(real(-1_000, 1_000)),
  early_stopping: maybe(flag()),
});

/** This package's names of the fields in generation_config.json. */
const names: Readonly<Record<keyof schema.Output<typeof generationSchema>, keyof GenerationOptions>> = {
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
 * Reads generation_config.json under this package's names; ignores fields that do not affect the choice of tokens.
 * @throws {ModelError} `model/bad-config` if a value has another type, or exceeds the limit for files
 */
export function readGenerationConfig(json: unknown, name: string): GenerationOptions {
  if (json === undefined) return {};
  const { value, mismatch } = schema.checked(generationSchema, json);
  if (mismatch) throw badGenerationConfig(name, schema.mismatchText(mismatch));
  const given: Record<string, number | boolean> = {};
  for (const [key, option] of Object.entries(names)) {
    const said = value[key as keyof typeof value];
    if (said !== undefined && said !== null) given[option] = said;
  }
  // In transformers, max_new_tokens takes precedence if both are given.
  if (given.maxNewTokens !== undefined) given.maxLength = Infinity;
  return given;
}

/** The defaults of BLIP's own scripts and demo, and of LAVIS. */
function blipDefaults(
  task: GenerationTask,
  compat: Exclude<Compat, "hf">,
  sample: boolean | undefined,
): ResolvedOptions {
  const { lengths } = specOf(task);
  if (!lengths) throw new Error(`${task} generates nothing`);
  const [maxLength, minLength] = lengths[compat];
  return {
    ...transformersDefaults,
    ...(sample === true ? blipSampling : {}),
    maxLength,
    minLength,
    beams: sample === true ? 1 : 3,
    beamScoring: "transformers-4.15",
  };
}

/**
 * Returns the default options of a call.
 * @param config options from a requested generation_config.json, which override the defaults of the conventions
 */
export function generationDefaults(
  task: GenerationTask,
  compat: Compat,
  options: GenerationOptions,
  config: GenerationOptions,
): ResolvedOptions {
  const mode =
    compat === "hf" ? transformersDefaults : blipDefaults(task, compat, options.sample ?? config.sample);
  return { ...mode, ...config } as ResolvedOptions;
}
