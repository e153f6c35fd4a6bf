// Measures images per second and estimates the remaining time, from the steps of this process only.
export class Clock {
  readonly #begun = Date.now();
  #steps = 0;
  #images = 0;

  tick(images: number): void {
    this.#steps++;
    this.#images += images;
  }

  get seconds(): number {
    return (Date.now() - this.#begun) / 1000;
  }

  get imagesPerSecond(): number {
    return this.#images / Math.max(this.seconds, 1e-9);
  }

  secondsLeft(steps: number): number {
    return this.#steps === 0 ? 0 : (this.seconds / this.#steps) * steps;
  }
}
