// How long somebody waited, of the time since the first wait began.

export class Stopwatch {
  #started: number | undefined;
  #waited = 0;

  /** Milliseconds of all waits that are over. */
  get waited(): number {
    return this.#waited;
  }

  /** Of the time until now, from 0 to 1. */
  get share(): number {
    if (this.#started === undefined) return 0;
    const passed = Date.now() - this.#started;
    return passed <= 0 ? 0 : Math.min(1, this.#waited / passed);
  }

  /** Does some work that somebody waits for. */
  async waiting<T>(work: () => Promise<T>): Promise<T> {
    const start = Date.now();
    this.#started ??= start;
    try {
      return await work();
    } finally {
      this.#waited += Date.now() - start;
    }
  }
}
