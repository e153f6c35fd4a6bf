// Generation options, for the report and for the verbs.
import type { GenerationOptions } from "../../decode/options.ts";
import type { Generator } from "../../run/generate.ts";

/** Picks the generation options from a larger set of options. */
export function generationOnly(options: GenerationOptions): GenerationOptions {
  const { beams, maxLength, maxNewTokens, minLength, repetitionPenalty, noRepeatNgram } = options;
  const { sample, temperature, topK, topP, seed, lengthPenalty, earlyStopping, beamScoring } = options;
  return {
    ...{ beams, maxLength, maxNewTokens, minLength, repetitionPenalty, noRepeatNgram },
    ...{ sample, temperature, topK, topP, seed, lengthPenalty, earlyStopping, beamScoring },
  };
}

/** All generation options as the model resolves them, with lengths for a sequence that begins with one token. */
export function generationOf(
  generator: Generator,
  first: number,
  options: GenerationOptions,
): Readonly<Record<string, unknown>> {
  const [resolved] = generator.options([[first]], generationOnly(options));
  return { ...resolved, numReturn: undefined };
}
