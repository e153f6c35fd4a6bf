// What a search asks of a network: how likely each token is to come next. Searches know nothing else of it.

/** Sequences that grow token by token, side by side. */
export interface NextTokenModel {
  /** V */
  readonly vocabSize: number;
  /** Begins one sequence a prompt. @returns raw logits [R, V] of what follows each */
  start(prompts: readonly (readonly number[])[]): Promise<Float32Array>;
  /**
   * The next rows: row r continues row `parents[r]` of those before with `tokens[r]`. Rows of one prompt stay together
   * and in the prompts' order, as many for each prompt; a prompt without rows is over.
   * @returns raw logits [R, V]
   */
  step(parents: readonly number[], tokens: readonly number[]): Promise<Float32Array>;
}

/** A finished sequence. */
export interface Hypothesis {
  /** The whole sequence: prompt, generated tokens, the closing [SEP] where it was reached. */
  readonly tokens: readonly number[];
  /** Natural-log probability of each generated token, [SEP] included, before penalties and filters. */
  readonly tokenLogProbabilities: readonly number[];
  /** What the search ranks by: beam search's length-normalized sum; else the sum of the log-probabilities. */
  readonly score: number;
}

/** What a search wants next: for each of its rows, which row it continues and with what. */
export interface Continuation {
  readonly parents: readonly number[];
  readonly tokens: readonly number[];
}

/** A search for the continuations of one prompt. */
export interface Search {
  readonly prompt: readonly number[];
  /** Did the network give logits that are not finite? Then the search is over, and has no results. */
  readonly broken: boolean;
  /**
   * Takes the logits of its rows: one row for the prompt at first, then as many as it asked for.
   * @returns what to compute next, or undefined when it is over
   */
  advance(logits: readonly Float32Array[]): Continuation | undefined;
  /** Best first, once it is over. */
  results(): readonly Hypothesis[];
}
