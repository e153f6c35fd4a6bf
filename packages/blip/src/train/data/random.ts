// Counter-based random numbers: Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011). A
// number depends only on its address, so any worker can draw a sample's numbers in any order, and a resumed run draws
// the same numbers.

import { must } from "@blip-ts/base";

const multiplierA = 0xd2511f53;
const multiplierB = 0xcd9e8d57;
const keyStepA = 0x9e3779b9;
const keyStepB = 0xbb67ae85;
const rounds = 10;

/** The upper 32 bits of a product of two 32-bit numbers. */
function multiplyHigh(a: number, b: number): number {
  const [lowA, highA, lowB, highB] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const low = Math.imul(lowA, lowB) >>> 0;
  const middle = (low >>> 16) + (Math.imul(highA, lowB) >>> 0);
  const other = (middle & 0xffff) + (Math.imul(lowA, highB) >>> 0);
  // Each sum stays below 2^33, which a double holds exactly.
  return (Math.imul(highA, highB) + Math.floor(middle / 65536) + Math.floor(other / 65536)) >>> 0;
}

export type Words = readonly [number, number, number, number];

/** Four 32-bit numbers from a counter and a key. */
export function philox(counter: Words, key: readonly [number, number]): Words {
  let [a, b, c, d] = counter;
  let [keyA, keyB] = key;
  for (let round = 0; round < rounds; round++) {
    const highA = multiplyHigh(multiplierA, a);
    const lowA = Math.imul(multiplierA, a) >>> 0;
    const highB = multiplyHigh(multiplierB, c);
    const lowB = Math.imul(multiplierB, c) >>> 0;
    [a, b, c, d] = [(highB ^ b ^ keyA) >>> 0, lowB, (highA ^ d ^ keyB) >>> 0, lowA];
    keyA = (keyA + keyStepA) >>> 0;
    keyB = (keyB + keyStepB) >>> 0;
  }
  return [a, b, c, d];
}

/** The purposes of random numbers. Streams of one seed, epoch and sample do not overlap. */
export const streams = {
  order: 0,
  firstImage: 1,
  secondImage: 2,
  pair: 3,
  buffer: 4,
  text: 5,
  falseCaption: 6,
} as const;

export type Stream = (typeof streams)[keyof typeof streams];

/** The address of a sequence of numbers. */
export interface RandomAddress {
  /** A whole number from 0 to 2^53 - 1. */
  readonly seed: number;
  /** Below 2^24. */
  readonly epoch: number;
  /** The number of the sample, below 2^32. */
  readonly index: number;
  readonly stream: Stream;
}

/** Draws the numbers of one sequence in order. */
export class Random {
  readonly #key: readonly [number, number];
  readonly #index: number;
  readonly #place: number;
  #block = 0;
  #words: Words = [0, 0, 0, 0];
  #used = 4;

  constructor({ seed, epoch, index, stream }: RandomAddress) {
    this.#key = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0];
    this.#index = index >>> 0;
    this.#place = ((epoch << 8) | stream) >>> 0;
  }

  /** A number of 32 bits. */
  word(): number {
    if (this.#used === 4) {
      const block = this.#block++;
      this.#words = philox(
        [block >>> 0, Math.floor(block / 2 ** 32) >>> 0, this.#index, this.#place],
        this.#key,
      );
      this.#used = 0;
    }
    return must(this.#words, this.#used++);
  }

  /** A number from 0 to below 1, with 53 bits. */
  unit(): number {
    const high = this.word() >>> 5;
    return (high * 2 ** 26 + (this.word() >>> 6)) / 2 ** 53;
  }

  /** A number from `low` to below `high`. */
  between(low: number, high: number): number {
    return low + (high - low) * this.unit();
  }

  /** A whole number from 0 to below `count`, uniformly. @param count from 1 to 2^32 */
  below(count: number): number {
    // Reject words at and above the last multiple of `count`.
    const limit = 2 ** 32 - (2 ** 32 % count);
    let word = this.word();
    while (word >= limit) word = this.word();
    return word % count;
  }
}

/** The numbers from 0 to below `count` in random order, uniform over all orders (Fisher-Yates). */
export function permutation(count: number, random: Random): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const chosen = random.below(last + 1);
    const kept = must(order, last);
    order[last] = must(order, chosen);
    order[chosen] = kept;
  }
  return order;
}
