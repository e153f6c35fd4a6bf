// How sequences are generated: the options, checked once, with nothing left open.
import { badGenerationOption, conflictingOptions, promptTooLong } from "./errors.ts";

/**
 * How beam search scores a finished hypothesis and when it stops; the two differ where there is a prompt.
 * `transformers-4.15`: sum of log-probabilities / length with the prompt and without [SEP] (the paper's numbers).
 * `transformers-5.23`: the same sum / number of generated tokens, [SEP] included.
 */
export type BeamScoring = "transformers-4.15" | "transformers-5.23";

/** How texts are generated. Defaults are those of the convention (`compat`) or of generation_config.json. */
export interface GenerationOptions {
  /** Beams, 1 to 8; 1 is greedy search. */
  readonly beams?: number | undefined;
  /** Most tokens of a sequence, the prompt and [SEP] included. */
  readonly maxLength?: number | undefined;
  /** Most tokens after the prompt; `maxLength` wins where both are given. */
  readonly maxNewTokens?: number | undefined;
  /** [SEP] is not allowed before the sequence, with its prompt, has this many tokens. */
  readonly minLength?: number | undefined;
  /** Above 1 makes tokens that are there already less likely; 1 does nothing. */
  readonly repetitionPenalty?: number | undefined;
  /** No run of this many tokens comes twice; 0 does nothing. */
  readonly noRepeatNgram?: number | undefined;
  /** Draws tokens by their probability. */
  readonly sample?: boolean | undefined;
  /** Above 0; below 1 makes likely tokens likelier. Sampling only. */
  readonly temperature?: number | undefined;
  /** Draws from the k likeliest tokens; 0 from all. */
  readonly topK?: number | undefined;
  /** Draws from the likeliest tokens that together have this probability, at least from one; 1 from all. */
  readonly topP?: number | undefined;
  /** A whole number; the same seed gives a picture the same texts, whatever batch it comes in. */
  readonly seed?: number | undefined;
  /** Sequences for each picture: samples, or the best of the beams. */
  readonly numReturn?: number | undefined;
  /** Exponent of the length by which beam search divides. */
  readonly lengthPenalty?: number | undefined;
  /** Stops as soon as there are as many finished hypotheses as beams. */
  readonly earlyStopping?: boolean | undefined;
  /** Whose rule scores beams: transformers 4.15 (BLIP's own code, LAVIS) or 5.23. Default: by `compat`. */
  readonly beamScoring?: BeamScoring | undefined;
}

/** Options with every gap filled; lengths are still relative where only new tokens are bounded. */
export type ResolvedOptions = {
  readonly [K in keyof GenerationOptions]-?: NonNullable<GenerationOptions[K]>;
};

/** What one sequence is generated with. */
export interface SequenceOptions extends Omit<ResolvedOptions, "maxNewTokens"> {
  /** The id that ends a sequence. */
  readonly sepId: number;
}

/** Most beams: the contract's, and what tests compare with the references. */
export const maxBeams = 8;

/** transformers' own defaults: greedy, 20 new tokens, and the 50 likeliest where it samples. */
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
 * The options of a call over the defaults of its conventions.
 * @throws {UsageError} `generate/bad-option`, `generate/conflicting-options`
 */
export function resolveOptions(options: GenerationOptions, defaults: ResolvedOptions): ResolvedOptions {
  const defined = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const resolved: ResolvedOptions = { ...defaults, ...defined };
  // Only new tokens are bounded where the caller says so and the default bounds all of them.
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
      `beams: expected 1 beside sample: true, which draws single sequences, got ${merged.beams}. Leave one of the two out.`,
    );
  const ofSampling = samplingOnly.find((name) => options[name] !== undefined);
  if (!merged.sample && ofSampling !== undefined)
    throw conflictingOptions(
      `${ofSampling}: expected sample: true beside it, as it only applies to sampling, got none. Add it, or leave ${ofSampling} out.`,
    );
  if (!merged.sample && merged.numReturn > merged.beams)
    throw conflictingOptions(
      `numReturn: expected at most beams (${merged.beams}) without sampling, got ${merged.numReturn}. ` +
        "Raise the option beams, or use sample: true.",
    );
  return merged;
}

/**
 * The options of one sequence.
 * @param promptLength tokens of its prompt
 * @param positions length of the position table
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
