// Random numbers from a key: xmur3 hashes a text to a state, and sfc32 (Chris Doty-Humphrey, PractRand) draws from it.
// Only 32-bit integer arithmetic is used, so the same key gives the same numbers on every machine.
import { must } from "@blip-ts/base";

/** A sequence of 32-bit hashes of a text, a different one at each call (xmur3). */
function hasher(text: string): () => number {
  let h = 1779033703 ^ text.length;
  for (let at = 0; at < text.length; at++) {
    h = Math.imul(h ^ text.charCodeAt(at), 3432918353);
    h = (h << 13) | (h >>> 19);
  }
  return () => {
    h = Math.imul(h ^ (h >>> 16), 2246822507);
    h = Math.imul(h ^ (h >>> 13), 3266489909);
    return (h ^= h >>> 16) >>> 0;
  };
}

/** A number in [0, 1) that depends only on a text. */
export function shareOf(text: string): number {
  const next = hasher(text);
  next();
  return next() / 2 ** 32;
}

/** One sequence of random numbers. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  /** @param key the purpose of the draws: seed, split, number of the scene, use */
  constructor(key: string) {
    const next = hasher(key);
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#counter = 1;
    for (let warm = 0; warm < 12; warm++) this.word();
  }

  /** 32 random bits. */
  word(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    this.#c |= 0;
    return sum >>> 0;
  }

  /** A number in [0, 1). */
  unit(): number {
    return this.word() / 2 ** 32;
  }

  /** A number in [`low`, `high`). */
  between(low: number, high: number): number {
    return low + (high - low) * this.unit();
  }

  /** An integer in [0, `count`). */
  below(count: number): number {
    return Math.floor(this.unit() * count);
  }

  /** True with this probability. */
  chance(share: number): boolean {
    return this.unit() < share;
  }

  /** A uniformly drawn element. @throws {RangeError} if the list is empty */
  pick<T>(list: readonly T[]): T {
    return must(list, this.below(list.length), "element to draw");
  }

  /** A key drawn by its weight. @throws {RangeError} if there is none */
  weighted<K extends string>(weights: Readonly<Partial<Record<K, number>>>): K {
    const names = Object.keys(weights) as K[];
    const total = names.reduce((sum, name) => sum + (weights[name] ?? 0), 0);
    let left = this.unit() * total;
    for (const name of names) {
      left -= weights[name] ?? 0;
      if (left < 0) return name;
    }
    return must(names, names.length - 1, "weight to draw");
  }

  /** The elements in a uniformly random order (Fisher-Yates). */
  shuffled<T>(list: readonly T[]): T[] {
    const order = [...list];
    for (let end = order.length - 1; end > 0; end--) {
      const chosen = this.below(end + 1);
      const kept = must(order, end);
      order[end] = must(order, chosen);
      order[chosen] = kept;
    }
    return order;
  }

  /** Draws `count` elements without repetition. */
  sample<T>(list: readonly T[], count: number): T[] {
    return this.shuffled(list).slice(0, count);
  }
}
