// The progress, the rate and the remaining time of a run.
import type { CapFiltProgress } from "./options.ts";

export class ProgressClock {
  readonly #now: () => number;
  readonly #report: ((progress: CapFiltProgress) => void) | undefined;
  readonly #started: number;
  #begun = 0;
  #first = 0;
  #step: CapFiltProgress["step"] = "data";
  #total: number | undefined;
  #images = 0;
  #seconds = 0;

  /** @param now the time of a clock in milliseconds */
  constructor(now: () => number, report: ((progress: CapFiltProgress) => void) | undefined) {
    this.#now = now;
    this.#report = report;
    this.#started = now();
  }

  /** Images that this process captions and filters per second. */
  get imagesPerSecond(): number | undefined {
    return this.#images > 0 && this.#seconds > 0 ? this.#images / this.#seconds : undefined;
  }

  /** Seconds since the start, to the millisecond. */
  get seconds(): number {
    return Math.round(this.#now() - this.#started) / 1000;
  }

  /** Begins a step. @param done the number of items finished by an earlier run, which do not count for the rate */
  begin(step: CapFiltProgress["step"], done: number, total: number | undefined): void {
    [this.#step, this.#begun, this.#first, this.#total] = [step, this.#now(), done, total];
    this.#tell(done);
  }

  /** @param images the number of images processed since the last call */
  done(done: number, images: number): void {
    if (this.#step === "rows") {
      this.#images += images;
      this.#seconds = (this.#now() - this.#begun) / 1000;
    }
    this.#tell(done);
  }

  #tell(done: number): void {
    const [own, total] = [done - this.#first, this.#total];
    const seconds = (this.#now() - this.#begun) / 1000;
    this.#report?.({
      ...{ step: this.#step, done, total },
      imagesPerSecond: this.#step === "rows" ? this.imagesPerSecond : undefined,
      secondsLeft: own > 0 && total !== undefined ? (seconds / own) * (total - done) : undefined,
    });
  }
}
