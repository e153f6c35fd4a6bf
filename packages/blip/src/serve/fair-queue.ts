// A queue in which callers take turns: a caller with a thousand requests waits as long for the next answer as a caller
// with one.
export class FairQueue<T> {
  /** Each caller's items, oldest first; callers in the order of their turns. */
  readonly #lines = new Map<string, T[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(caller: string, item: T): void {
    const line = this.#lines.get(caller);
    if (line) line.push(item);
    else this.#lines.set(caller, [item]);
    this.#size++;
  }

  /** Removes an item out of turn. @returns whether it was in the queue */
  remove(caller: string, item: T): boolean {
    const line = this.#lines.get(caller) ?? [];
    const place = line.indexOf(item);
    if (place < 0) return false;
    this.#removeAt(caller, line, place);
    return true;
  }

  /**
   * Takes the oldest fitting item of the first caller that has one. That caller becomes the last; callers without a
   * fitting item keep their turns.
   */
  take(fits: (item: T) => boolean = () => true): T | undefined {
    for (const [caller, line] of this.#lines) {
      const place = line.findIndex(fits);
      const item = line[place];
      if (item === undefined) continue;
      this.#lines.delete(caller);
      this.#lines.set(caller, line);
      this.#removeAt(caller, line, place);
      return item;
    }
    return undefined;
  }

  #removeAt(caller: string, line: T[], index: number): void {
    line.splice(index, 1);
    if (line.length === 0) this.#lines.delete(caller);
    this.#size--;
  }
}
