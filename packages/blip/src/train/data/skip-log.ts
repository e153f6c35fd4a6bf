// Reports each sample that is left out with one line, and counts them.
import type { PlaceName } from "@blip-ts/datasets";
import type { SkippedSample } from "./batch.ts";

/** The number of reasons that an error about the whole data set quotes. */
const quoted = 3;

export class SkipLog {
  readonly #tell: (skipped: SkippedSample) => void;
  #count = 0;
  /** While true, samples that are left out are neither reported nor counted. */
  silent = false;
  readonly #reasons: string[] = [];

  constructor(tell: (skipped: SkippedSample) => void) {
    this.#tell = tell;
  }

  get count(): number {
    return this.#count;
  }

  /** The first few reasons. */
  get reasons(): readonly string[] {
    return this.#reasons;
  }

  /** @param place the sample's place, if the error does not name it */
  skip(error: Error, place?: PlaceName): void {
    const line = place === undefined ? error.message : `${place}: ${error.message}`;
    if (this.#reasons.length < quoted && !this.#reasons.includes(line)) this.#reasons.push(line);
    if (this.silent) return;
    this.#count++;
    this.#tell({ line, error });
  }
}
