// Limits on a server's time and data. SECURITY.md lists these figures.

/** Times in milliseconds. */
export interface NetworkLimits {
  /** The maximum time to connect and receive the headers. */
  readonly head: number;
  /** The maximum time between two pieces of a body. */
  readonly silence: number;
  /** A body with fewer than `leastBytes` in this time counts as silent. */
  readonly window: number;
  readonly leastBytes: number;
  /** The maximum time for a whole text answer. */
  readonly text: number;
  /** The maximum number of tries per request. */
  readonly tries: number;
  /** The longest pause between two tries, whatever the server requests. */
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

/** Shorter limits for a model that is fully cached, so that the user does not wait for a server. */
export const limitsWithCache: NetworkLimits = {
  ...usualLimits,
  ...{ head: 8_000, text: 10_000, tries: 2, pause: 2_000 },
};

/** The largest file that is fetched; BLIP's largest has about 5 GB. */
export const maxFileBytes = 64_000_000_000;

export const maxRedirects = 5;
