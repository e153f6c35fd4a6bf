// Measures the time spent waiting, and its share of the time since the first wait began.

export class Stopwatch {
  #started: number | undefined;
  #waited = 0;

  /** Milliseconds of all finished waits. */
  get waited(): number {
    return this.#waited;
  }

  /** The share of the time from the first wait until now that was spent waiting, from 0 to 1. */
  get share(): number {
    if (this.#started === undefined) return 0;
    const passed = Date.now() - this.#started;
    return passed <= 0 ? 0 : Math.min(1, this.#waited / passed);
  }

  /** Runs `work` and counts its time as waiting. */
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
