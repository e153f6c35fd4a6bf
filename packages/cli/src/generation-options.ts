// Options of the verbs that generate texts.
import { stat, readFile } from "node:fs/promises";
import { UsageError, type GenerationOptions, type ModelOptions } from "blip-ts";
import { Option, type Command } from "commander";
import { anyNumber } from "./common-options.ts";
import { badGenerationConfig } from "./errors.ts";

export interface GenerationFlags {
  readonly beams?: number;
  readonly sample?: boolean;
  readonly topP?: number;
  readonly topK?: number;
  readonly temperature?: number;
  readonly seed?: number;
  readonly numReturn?: number;
  readonly maxLength?: number;
  readonly minLength?: number;
  readonly repetitionPenalty?: number;
  readonly noRepeatNgram?: number;
  readonly generationConfig?: string;
}

/** The maximum bytes of a generation_config.json. transformers' files have a few hundred. */
const maxConfigBytes = 1_000_000;

const numbers: readonly (readonly [flag: string, value: string, about: string])[] = [
  ["--beams", "N", "beams of the search, 1 to 8; 1 is greedy"],
  ["--top-p", "P", "with --sample: draw from the likeliest tokens that together have this probability"],
  ["--top-k", "K", "with --sample: draw from the K likeliest tokens; 0 is all"],
  ["--temperature", "T", "with --sample: below 1 makes likely tokens likelier"],
  ["--seed", "S", "with --sample: the same seed gives the same texts (default: 0)"],
  ["--num-return", "N", "texts per image: samples, or the best of the beams"],
  ["--max-length", "N", "most tokens, with [DEC], the prompt and [SEP]"],
  ["--min-length", "N", "fewest tokens before [SEP], counted likewise"],
  ["--repetition-penalty", "R", "above 1 makes repeated tokens less likely"],
  ["--no-repeat-ngram", "N", "no run of N tokens occurs twice"],
];

export function addGenerationOptions(command: Command): Command {
  command.option("--sample", "draw tokens by their probability instead of searching for the likeliest text");
  for (const [flag, value, about] of numbers) {
    const option = new Option(`${flag} <${value}>`, about).argParser(anyNumber(flag));
    // `--no-repeat-ngram` is a name, not the negation of another option.
    option.negate = false;
    command.addOption(option);
  }
  return command.addOption(generationConfigOption());
}

export const generationConfigOption = () =>
  new Option(
    "--generation-config <FILE>",
    "a generation_config.json with defaults of these options; `model`: the model's own (default: none is read)",
  );

/**
 * The value of `--generation-config`.
 * @throws {UsageError} `usage/bad-generation-config` if its file cannot be read or is not JSON
 */
export async function generationConfig({
  generationConfig: file,
}: Pick<GenerationFlags, "generationConfig">): Promise<ModelOptions["generationConfig"]> {
  if (file === undefined || file === "model") return file;
  try {
    const { size } = await stat(file);
    if (size > maxConfigBytes) throw badGenerationConfig(file, `${size} bytes`);
    const json: unknown = JSON.parse(await readFile(file, "utf8"));
    if (typeof json !== "object" || json === null || Array.isArray(json))
      throw badGenerationConfig(file, "another value");
    return { ...json };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw badGenerationConfig(
      file,
      error instanceof SyntaxError ? "a text that is not JSON" : "no file that can be read",
    );
  }
}

export function generationOptions(flags: GenerationFlags): GenerationOptions {
  const { beams, sample, topP, topK, temperature, seed, numReturn } = flags;
  const { maxLength, minLength, repetitionPenalty, noRepeatNgram } = flags;
  return {
    ...{ beams, sample, topP, topK, temperature, seed, numReturn },
    ...{ maxLength, minLength, repetitionPenalty, noRepeatNgram },
  };
}
