// A queue in which callers take turns: whoever has a thousand requests waits as long for the next answer as whoever has one.
import { must } from "@blip-ts/base";

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

  /**
   * What `take` would give, one after another: the first that there is, and then what goes with it.
   * @param most at most so many
   */
  ahead(most: number, goesWith: (item: T, first: T) => boolean): T[] {
    const taken: T[] = [];
    let lines = [...this.#lines.values()].map((line) => ({ line, from: 0 }));
    while (taken.length < most) {
      const [first] = taken;
      const fits = (item: T) => first === undefined || goesWith(item, first);
      const turns = lines.map(({ line, from }) =>
        line.findIndex((item, index) => index >= from && fits(item)),
      );
      const turn = turns.findIndex((index) => index >= 0);
      if (turn < 0) break;
      const [{ line }, index] = [must(lines, turn), must(turns, turn)];
      taken.push(must(line, index));
      lines = [...lines.slice(0, turn), ...lines.slice(turn + 1), { line, from: index + 1 }];
    }
    return taken;
  }

  #removeAt(caller: string, line: T[], index: number): void {
    line.splice(index, 1);
    if (line.length === 0) this.#lines.delete(caller);
    this.#size--;
  }
}
