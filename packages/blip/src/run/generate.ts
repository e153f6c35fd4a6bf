// Generates sequences with a decoder: resolves options and runs searches in parallel, with independent rows.
import type { Tensor } from "@blip-ts/graph";
import { generate, generateSteps, searchOf } from "../decode/generate.ts";
import type { Hypothesis } from "../decode/next-token-model.ts";
import {
  resolveOptions,
  sequenceOptions,
  type GenerationOptions,
  type SequenceOptions,
} from "../decode/options.ts";
import { ModelError, last, must } from "@blip-ts/base";
import { notFinite, type RunOptions } from "@blip-ts/engine";
import { generationDefaults, readGenerationConfig, type GenerationTask } from "./generation-defaults.ts";
import type { LoadedNetwork } from "../load/load-model.ts";
import { noGenerationConfig } from "../load/errors.ts";
import { readJson } from "../load/open-model.ts";
import { TextDecoder } from "./text-decoder.ts";
import { cannotStream } from "./errors.ts";

/** The states that a decoder attends to, and their mask if they are states of questions. */
export interface EncoderStates {
  /** The states that the decoder attends to, [I, N, D]. */
  readonly states: Tensor<"float32">;
  /** [I, N], 1 for a state, 0 for padding; by default there is no padding. */
  readonly mask?: Tensor<"int64"> | undefined;
}

/** Encoded questions for a decoder, with a mask for their padding. */
export interface MaskedEncoderStates extends EncoderStates {
  /** [I, N], 1 for a state, 0 for padding. */
  readonly mask: Tensor<"int64">;
}

/** A chosen token and the sequence so far. */
export interface StreamedToken {
  /** The token's id. */
  readonly token: number;
  /** The sequence up to this token, including the prompt. */
  readonly tokens: readonly number[];
  /** The natural logarithm of the token's probability. */
  readonly logProbability: number;
}

/** The seeds of rows. A row whose seed is undefined uses the options' seed. */
export interface SeedsOfRows {
  readonly seeds?: readonly (number | undefined)[] | undefined;
}

export class Generator {
  readonly decoder: TextDecoder;
  readonly #loaded: LoadedNetwork;
  readonly #task: GenerationTask;
  readonly #config: GenerationOptions;

  private constructor(loaded: LoadedNetwork, task: GenerationTask, config: GenerationOptions) {
    this.#loaded = loaded;
    this.#task = task;
    this.#config = config;
    this.decoder = new TextDecoder(loaded);
  }

  /**
   * @throws {ModelError} `model/bad-json`, `model/bad-config` for a generation_config.json that cannot be read,
   * `model/no-generation-config`
   */
  static async create(loaded: LoadedNetwork, task: GenerationTask): Promise<Generator> {
    return new Generator(loaded, task, await generationConfigOf(loaded));
  }

  /**
   * Resolves and checks the options for the sequences of each prompt.
   * @throws {UsageError} `generate/...`
   */
  options(prompts: readonly (readonly number[])[], options: GenerationOptions): SequenceOptions[] {
    const { compat, config, tokens } = this.#loaded;
    const resolved = resolveOptions(options, generationDefaults(this.#task, compat, options, this.#config));
    return prompts.map((prompt) =>
      sequenceOptions(resolved, prompt.length, config.text.maxPositions, tokens.sep),
    );
  }

  /**
   * Generates sequences for each row of the states, best first.
   * @throws {UsageError} `generate/...` @throws {ModelError} `model/not-finite`
   */
  async generate(
    encoderStates: EncoderStates,
    prompts: readonly (readonly number[])[],
    options: GenerationOptions,
    run: RunOptions = {},
  ): Promise<readonly (readonly Hypothesis[])[]> {
    return (await this.generateEach(encoderStates, prompts, options, run)).map((found) => {
      if (found instanceof ModelError) throw found;
      return found;
    });
  }

  /**
   * Same as `generate`, but returns an error for a row whose logits are not finite, instead of throwing it.
   * @param run `seeds` overrides the options' seed for individual rows
   * @throws {UsageError} `generate/...`
   */
  async generateEach(
    encoderStates: EncoderStates,
    prompts: readonly (readonly number[])[],
    options: GenerationOptions,
    { seeds = [], ...run }: RunOptions & SeedsOfRows = {},
  ): Promise<readonly (readonly Hypothesis[] | ModelError)[]> {
    const sequences = this.options(prompts, options).map((sequence, row) => ({
      ...sequence,
      seed: (row < seeds.length ? must(seeds, row) : undefined) ?? sequence.seed,
    }));
    const decoding = await this.decoder.open(encoderStates.states, encoderStates.mask, run);
    try {
      const results = await generate(
        decoding,
        prompts.map((prompt, index) => searchOf(prompt, at(sequences, index))),
      );
      return results.map((hypotheses) => hypotheses ?? this.#broken());
    } finally {
      decoding.close();
    }
  }

  /**
   * Yields the tokens of one sequence as they are chosen.
   * @throws {UsageError} `generate/...`, also if the options ask for beams or several sequences
   * @throws {ModelError} `model/not-finite`, after the tokens before it
   */
  async *stream(
    encoderStates: EncoderStates,
    prompt: readonly number[],
    options: GenerationOptions,
    run: RunOptions = {},
  ): AsyncGenerator<StreamedToken, void, undefined> {
    const [sequence] = this.options([prompt], options);
    if (!sequence || sequence.beams > 1 || sequence.numReturn > 1)
      throw cannotStream("one sequence", "beams or several sequences");
    const decoding = await this.decoder.open(encoderStates.states, encoderStates.mask, run);
    try {
      const search = searchOf(prompt, sequence);
      const steps = generateSteps(decoding, [search]);
      while ((await steps.next()).done !== true) {
        if (search.broken) throw this.#broken();
        const [hypothesis] = search.results();
        const token = hypothesis?.tokens.at(-1);
        if (hypothesis && token !== undefined)
          yield {
            token,
            tokens: [...hypothesis.tokens],
            logProbability: last(hypothesis.tokenLogProbabilities),
          };
      }
    } finally {
      decoding.close();
    }
  }

  #broken(): ModelError {
    return notFinite(this.#loaded.opened.files.name, "the logits of the next token");
  }
}

/** Reads the caller's generation config; no options by default. */
async function generationConfigOf({ opened, generationConfig }: LoadedNetwork): Promise<GenerationOptions> {
  if (generationConfig !== "model") return readGenerationConfig(generationConfig, "generationConfig");
  const { files } = opened;
  const json = await readJson(files, "generation_config.json");
  if (json === undefined) throw noGenerationConfig(files.name);
  return readGenerationConfig(json, `${files.name}/generation_config.json`);
}

function at<T>(list: readonly T[], index: number): T {
  const one = list[index];
  if (one === undefined) throw new Error(`there is no element ${index}`);
  return one;
}

/** Computes the natural-log probability of all generated tokens of a sequence together. */
export const sumOf = ({ tokenLogProbabilities }: Hypothesis): number =>
  tokenLogProbabilities.reduce((a, b) => a + b, 0);
