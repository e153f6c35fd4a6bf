// A queue in which callers take turns: a caller with a thousand requests waits as long for the next answer as a caller
// with a single request.
export class FairQueue<T> {
  /** The items of each caller, oldest first. Callers are in the order of their turns. */
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
   * Removes and returns the oldest fitting item of the first caller that has a fitting item. This caller moves to the
   * end; callers without a fitting item keep their turns.
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
