// Greedy search and sampling, whose sequences are independent.
import { allFinite, last, missed } from "@blip-ts/base";
import type { Continuation, Hypothesis, Search } from "./next-token-model.ts";
import type { SequenceOptions } from "./options.ts";
import { candidates, logProbability, processScores } from "./processors.ts";
import { seededRandom, type Random } from "./random.ts";

/** Chooses the next token from its processed scores. */
type Choose = (scores: Float32Array) => number;

/** Chooses the likeliest token; of equally likely tokens the first, like torch's argmax. */
const likeliest: Choose = (scores) => {
  let [best, highest] = [0, -Infinity];
  for (let token = 0; token < scores.length; token++) {
    const score = scores[token] ?? missed("score");
    if (score > highest) [best, highest] = [token, score];
  }
  return best;
};

const drawn =
  (random: Random, options: SequenceOptions): Choose =>
  (scores) => {
    const list = candidates(scores, options);
    let left = random();
    for (const { token, probability } of list) {
      left -= probability;
      if (left < 0) return token;
    }
    // Because of rounding, the probabilities may add up to less than 1.
    return last(list, "token that may follow").token;
  };

class Sequence {
  readonly tokens: number[];
  readonly logProbabilities: number[] = [];
  done = false;
  readonly #options: SequenceOptions;
  readonly #choose: Choose;

  constructor(prompt: readonly number[], options: SequenceOptions, choose: Choose) {
    this.tokens = [...prompt];
    this.#options = options;
    this.#choose = choose;
  }

  extend(logits: Float32Array): void {
    const token = this.#choose(processScores(logits, this.tokens, this.#options));
    this.tokens.push(token);
    this.logProbabilities.push(logProbability(logits, token));
    this.done = token === this.#options.sepId || this.tokens.length >= this.#options.maxLength;
  }

  get hypothesis(): Hypothesis {
    const score = this.logProbabilities.reduce((a, b) => a + b, 0);
    return { tokens: this.tokens, tokenLogProbabilities: this.logProbabilities, score };
  }
}

/** Searches for one greedy sequence, or for `numReturn` sampled sequences, each with its own random stream. */
export class SingleSearch implements Search {
  readonly prompt: readonly number[];
  readonly #sequences: readonly Sequence[];
  #broken = false;

  constructor(prompt: readonly number[], options: SequenceOptions) {
    this.prompt = prompt;
    const count = options.sample ? options.numReturn : 1;
    this.#sequences = Array.from({ length: count }, (_, index) => {
      const choose = options.sample ? drawn(seededRandom(options.seed, index), options) : likeliest;
      return new Sequence(prompt, options, choose);
    });
  }

  get broken(): boolean {
    return this.#broken;
  }

  advance(logits: readonly Float32Array[]): Continuation | undefined {
    this.#sequences.forEach((sequence, index) => {
      // In the first step there is one row, from which all sequences begin.
      const row = logits[logits.length === 1 ? 0 : index];
      if (!row) throw new Error(`row ${index} has no logits`);
      if (sequence.done) return;
      if (allFinite(row)) sequence.extend(row);
      else this.#broken = true;
    });
    if (this.#broken || this.#sequences.every(({ done }) => done)) return undefined;
    // Finished rows continue but are ignored, so that each prompt keeps its number of rows.
    return {
      parents: this.#sequences.map((_, index) => (logits.length === 1 ? 0 : index)),
      tokens: this.#sequences.map(({ tokens }) => last(tokens, "token")),
    };
  }

  results(): readonly Hypothesis[] {
    return this.#sequences.map(({ hypothesis }) => hypothesis);
  }
}
