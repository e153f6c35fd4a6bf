// A queue in which callers take turns: whoever has a thousand requests waits as long for the next answer as whoever has one.
export class FairQueue<T> {
  /** What each caller waits for, oldest first; callers in the order of their turns. */
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

  /** Takes an item out of turn. @returns whether it was there */
  remove(caller: string, item: T): boolean {
    const line = this.#lines.get(caller) ?? [];
    const place = line.indexOf(item);
    if (place < 0) return false;
    this.#removeAt(caller, line, place);
    return true;
  }

  /**
   * The oldest fitting item of the caller whose turn it is. After it the caller is last; callers without one keep
   * their turns.
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
