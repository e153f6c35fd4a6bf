// The interface between a search and a network: the logits of the next token.

/** Sequences that grow token by token, in parallel. */
export interface NextTokenModel {
  /** V */
  readonly vocabSize: number;
  /** Begins one sequence per prompt. @returns raw logits [R, V] of each prompt's next token */
  start(prompts: readonly (readonly number[])[]): Promise<Float32Array>;
  /**
   * Computes the next rows: row r continues the previous row `parents[r]` with `tokens[r]`. Rows of a prompt stay
   * together, in the order of the prompts, with equally many rows per prompt. A prompt without rows is finished.
   * @returns raw logits [R, V]
   */
  step(parents: readonly number[], tokens: readonly number[]): Promise<Float32Array>;
}

/** A finished sequence. */
export interface Hypothesis {
  /** The whole sequence: prompt, generated tokens, and the closing [SEP] if it was reached. */
  readonly tokens: readonly number[];
  /** The natural-log probability of each generated token, including [SEP], before penalties and filters. */
  readonly tokenLogProbabilities: readonly number[];
  /** The ranking score: the length-normalized sum of beam search; otherwise the sum of the log-probabilities. */
  readonly score: number;
}

/** The next step of a search: for each new row, the row that it continues and the token that it appends. */
export interface Continuation {
  readonly parents: readonly number[];
  readonly tokens: readonly number[];
}

/** A search for the continuations of one prompt. */
export interface Search {
  readonly prompt: readonly number[];
  /** Whether the network returned logits that are not finite. If so, the search is over and has no results. */
  readonly broken: boolean;
  /**
   * Processes the logits of the search's rows: first one row for the prompt, then the rows that it requested.
   * @returns the next rows to compute, or undefined when the search is over
   */
  advance(logits: readonly Float32Array[]): Continuation | undefined;
  /** The results, best first, once the search is over. */
  results(): readonly Hypothesis[];
}
