// The options of generation: checks them, and fills in the defaults.
import { optionNames } from "@blip-ts/base";
import { badGenerationOption, conflictingOptions, promptTooLong } from "./errors.ts";

/**
 * How beam search scores a finished hypothesis and when it stops. The two rules differ if there is a prompt.
 * `transformers-4.15`: sum of log-probabilities / length with the prompt and without [SEP] (the paper's numbers).
 * `transformers-5.23`: sum of log-probabilities / number of generated tokens, including [SEP].
 */
export type BeamScoring = "transformers-4.15" | "transformers-5.23";

/** Options of generation. The defaults come from the convention (`compat`) or from generation_config.json. */
export interface GenerationOptions {
  /** The number of beams, 1 to 8; 1 is greedy search. Default: 3, but 1 under `hf` and with `sample`. */
  readonly beams?: number | undefined;
  /**
   * The most tokens of a sequence, including the prompt and [SEP]. Default: 20 for captions (`lavis` 30) and 10 for
   * answers; under `hf`, `maxNewTokens` applies instead.
   */
  readonly maxLength?: number | undefined;
  /** The most tokens after the prompt. `maxLength` overrides it. Default: 20, only under `hf`. */
  readonly maxNewTokens?: number | undefined;
  /**
   * The fewest tokens of a sequence, including the prompt; [SEP] is forbidden until then. Default: 5 for captions
   * (`lavis` 10), 1 for answers, 0 under `hf`.
   */
  readonly minLength?: number | undefined;
  /**
   * A value above 1 makes repeated tokens less likely. Default: 1 (no effect); 1.1 with `sample`, except under `hf`.
   */
  readonly repetitionPenalty?: number | undefined;
  /** Forbids repeating any sequence of this many tokens. Default: 0 (off). */
  readonly noRepeatNgram?: number | undefined;
  /** Samples tokens by their probability. Default: false. */
  readonly sample?: boolean | undefined;
  /** The sampling temperature, above 0. Values below 1 favour likely tokens. Default: 1. */
  readonly temperature?: number | undefined;
  /** Samples from the k likeliest tokens; 0 samples from all tokens. Default: 50. */
  readonly topK?: number | undefined;
  /**
   * Samples from the likeliest tokens, at least one, whose probabilities add up to this value; 1 samples from all
   * tokens. Default: 0.9, but 1 under `hf`.
   */
  readonly topP?: number | undefined;
  /** The sampling seed, a whole number. The same seed gives an image the same texts in any batch. Default: 0. */
  readonly seed?: number | undefined;
  /** The number of sequences per image: samples, or the best beams. Default: 1. */
  readonly numReturn?: number | undefined;
  /** The exponent of the length that divides beam scores. Default: 1. */
  readonly lengthPenalty?: number | undefined;
  /** Stops as soon as there are as many finished hypotheses as beams. Default: false. */
  readonly earlyStopping?: boolean | undefined;
  /** The rule for scoring beams, of transformers 4.15 (BLIP's own code, LAVIS) or of 5.23. Default: by `compat`. */
  readonly beamScoring?: BeamScoring | undefined;
}

export const generationOptionNames = optionNames<GenerationOptions>()({
  beams: true,
  maxLength: true,
  maxNewTokens: true,
  minLength: true,
  repetitionPenalty: true,
  noRepeatNgram: true,
  sample: true,
  temperature: true,
  topK: true,
  topP: true,
  seed: true,
  numReturn: true,
  lengthPenalty: true,
  earlyStopping: true,
  beamScoring: true,
});

/** Options with every default filled in. `maxLength` is Infinity if only `maxNewTokens` applies. */
export type ResolvedOptions = {
  readonly [K in keyof GenerationOptions]-?: NonNullable<GenerationOptions[K]>;
};

/** The options of one sequence. */
export interface SequenceOptions extends Omit<ResolvedOptions, "maxNewTokens"> {
  /** The id that ends a sequence. */
  readonly sepId: number;
}

/** The most beams: the documented limit, up to which tests compare with the reference implementations. */
export const maxBeams = 8;

/** The defaults of transformers: greedy search, 20 new tokens, and sampling from the 50 likeliest tokens. */
export const transformersDefaults: ResolvedOptions = {
  beams: 1,
  maxLength: Infinity,
  maxNewTokens: 20,
  minLength: 0,
  repetitionPenalty: 1,
  noRepeatNgram: 0,
  sample: false,
  temperature: 1,
  topK: 50,
  topP: 1,
  seed: 0,
  numReturn: 1,
  lengthPenalty: 1,
  earlyStopping: false,
  beamScoring: "transformers-5.23",
};

/** @throws {UsageError} `generate/conflicting-options` if generation options are given with a list of answers */
export function checkUngenerated(options: GenerationOptions): void {
  const given = Object.entries(options).flatMap(([name, value]) =>
    name in transformersDefaults && value !== undefined && value !== false ? [name] : [],
  );
  if (given.length > 0)
    throw conflictingOptions(
      `${given.join(", ")}: expected none with a list of answers, which are ranked and not generated, got both. ` +
        "Leave out the option answers, or these options.",
    );
}

const wholeFrom = (least: number) => ({
  accepts: (value: number) => Number.isSafeInteger(value) && value >= least,
  expected: `a whole number of at least ${least}`,
});
const beamCount = {
  accepts: (value: number) => Number.isSafeInteger(value) && value >= 1 && value <= maxBeams,
  expected: `1 to ${maxBeams}`,
};
const positive = {
  accepts: (value: number) => value > 0 && Number.isFinite(value),
  expected: "a number above 0",
};

const ranges = {
  beams: beamCount,
  maxLength: {
    accepts: (value: number) => value === Infinity || wholeFrom(1).accepts(value),
    expected: wholeFrom(1).expected,
  },
  maxNewTokens: wholeFrom(1),
  minLength: wholeFrom(0),
  repetitionPenalty: positive,
  noRepeatNgram: wholeFrom(0),
  temperature: positive,
  topK: wholeFrom(0),
  topP: { accepts: (value: number) => value >= 0 && value <= 1, expected: "a number from 0 to 1" },
  seed: { accepts: Number.isSafeInteger, expected: "a whole number" },
  numReturn: wholeFrom(1),
  lengthPenalty: { accepts: Number.isFinite, expected: "a number" },
} as const;

const samplingOnly = ["temperature", "topK", "topP", "seed"] as const;

/**
 * Merges the options of a call with the defaults of its conventions.
 * @throws {UsageError} `generate/bad-option`, `generate/conflicting-options`
 */
export function resolveOptions(options: GenerationOptions, defaults: ResolvedOptions): ResolvedOptions {
  const defined = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const resolved: ResolvedOptions = { ...defaults, ...defined };
  // If the caller limits only new tokens, the default limit of all tokens does not apply.
  const merged =
    options.maxLength === undefined && options.maxNewTokens !== undefined
      ? { ...resolved, maxLength: Infinity }
      : resolved;
  for (const [name, { accepts, expected }] of Object.entries(ranges)) {
    const value = merged[name as keyof typeof ranges];
    if (typeof value !== "number" || !accepts(value)) throw badGenerationOption(name, value, expected);
  }
  const scorings: readonly BeamScoring[] = ["transformers-4.15", "transformers-5.23"];
  if (!scorings.includes(merged.beamScoring))
    throw badGenerationOption("beamScoring", merged.beamScoring, scorings.join(" or "));
  if (merged.sample && merged.beams > 1)
    throw conflictingOptions(
      `beams: expected 1 with sample: true, which draws single sequences, got ${merged.beams}. Leave one of the two out.`,
    );
  const ofSampling = samplingOnly.find((name) => options[name] !== undefined);
  if (!merged.sample && ofSampling !== undefined)
    throw conflictingOptions(
      `${ofSampling}: expected sample: true with it, because it applies only to sampling, got none. Add it, or leave ${ofSampling} out.`,
    );
  if (!merged.sample && merged.numReturn > merged.beams)
    throw conflictingOptions(
      `numReturn: expected at most beams (${merged.beams}) without sampling, got ${merged.numReturn}. ` +
        "Raise the option beams, or use sample: true.",
    );
  return merged;
}

/**
 * Resolves the options of one sequence.
 * @param promptLength the number of tokens of the sequence's prompt
 * @param positions the length of the position table
 * @throws {UsageError} `generate/prompt-too-long`, `generate/bad-option`
 */
export function sequenceOptions(
  { maxNewTokens, ...options }: ResolvedOptions,
  promptLength: number,
  positions: number,
  sepId: number,
): SequenceOptions {
  if (options.maxLength !== Infinity && options.maxLength > positions)
    throw badGenerationOption("maxLength", options.maxLength, `at most the model's ${positions} positions`);
  const maxLength =
    options.maxLength === Infinity ? Math.min(promptLength + maxNewTokens, positions) : options.maxLength;
  if (promptLength >= maxLength) throw promptTooLong(promptLength, maxLength);
  return { ...options, maxLength, sepId };
}
