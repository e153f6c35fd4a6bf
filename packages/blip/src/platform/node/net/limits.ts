// How long a server may take, and how much it may send. SECURITY.md lists these figures.

/** Times in milliseconds. */
export interface NetworkLimits {
  /** Connecting and the head of an answer. */
  readonly head: number;
  /** Between two pieces of a body. */
  readonly silence: number;
  /** A body that brings fewer than `leastBytes` within so long is as good as silent. */
  readonly window: number;
  readonly leastBytes: number;
  /** A whole answer that is text. */
  readonly text: number;
  /** Tries of one request. */
  readonly tries: number;
  /** Longest pause between two tries, whatever a server asks for. */
  readonly pause: number;
}

export const usualLimits: NetworkLimits = {
  head: 15_000,
  silence: 30_000,
  window: 30_000,
  leastBytes: 30_000,
  text: 60_000,
  tries: 4,
  pause: 30_000,
};

/** If the whole model is in the cache already: then nobody should wait for a server. */
export const limitsWithCache: NetworkLimits = {
  ...usualLimits,
  ...{ head: 8_000, text: 10_000, tries: 2, pause: 2_000 },
};

/** Largest file that is fetched; BLIP's largest has some 5 GB. */
export const maxFileBytes = 64_000_000_000;

export const maxRedirects = 5;
